"""Snapshot: what a file that is all that is open leaves out; whether that can be; and what becomes of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.brake import suspicions
from daemon.loading.lateness import keep_seen_later
from daemon.loading.staging import Stage, stage_table
from daemon.loading.standing import Standing
from daemon.model import Money, ScopeEffect, Tally


def find_absent(conn: Connection, stage: Stage, standing: Standing) -> None:
    """Note the rows of the scope that are not on the stage, and that no rejected or parked row speaks of."""
    db.driver(conn).execute(_absent(stage), stage.values)
    keep_seen_later(conn, stage, standing)


@lru_cache
def _absent(stage: Stage) -> bytes:
    presence = stage.dataset.presence
    assert presence
    statement = sql.SQL("""
        INSERT INTO nightporter.stage_absent (run_id, row_id)
        SELECT %(run)s, t.id FROM {table} t
        WHERE t.entity = ANY(%(entities)s) AND t.scope = %(scope)s AND t.{state} = {here}
              AND (t.as_of IS NULL OR t.as_of <= %(as_of)s)
              AND NOT EXISTS (SELECT FROM {stage} s WHERE s.run_id = %(run)s AND {same})
              AND NOT EXISTS (
                  SELECT FROM nightporter.stage_protected p WHERE p.run_id = %(run)s AND p.number = t.{protects})
    """)
    return statement.format(
        table=stage.target,
        stage=stage.table,
        here=sql.Literal(presence.here),
        state=sql.Identifier(presence.state),
        same=fragments.same(stage),
        protects=sql.Identifier(presence.protects),
    ).as_bytes()


def scope_effects(conn: Connection, stage: Stage) -> list[ScopeEffect]:
    """What the staged snapshot would do, for each of its entities."""
    connection = db.driver(conn)
    before = {entity: (rows, totals) for entity, rows, totals in connection.execute(_LAST, stage.values)}
    found = []
    scope = list(connection.execute(_scope(stage), stage.values))
    staged = list(connection.execute(_staged(stage), stage.values))
    for entity in stage.entities:
        own = [row for row in scope if row[0] == entity]
        new = [row for row in staged if row[0] == entity]
        rows_before, totals_before = before.get(entity, (None, None))
        effect = ScopeEffect(
            entity,
            open=sum(row[2] for row in own),
            to_clear=sum(row[3] for row in own),
            rows=sum(row[2] for row in new),
            totals=_sums((row[1], row[3]) for row in new),
            amounts=_sums((row[1], row[4]) for row in own if row[3]),
            rows_before=rows_before,
            totals_before=totals_before and {currency: Decimal(total) for currency, total in totals_before.items()},
        )
        found.append(replace(effect, suspicious=suspicions(effect)))
    return found


def _sums(amounts: Iterable[tuple[str | None, Decimal | None]]) -> dict[str, Decimal]:
    return {currency: amount for currency, amount in sorted(amounts, key=str) if currency is not None and amount is not None}


_LAST = """
    SELECT DISTINCT ON (n.entity) n.entity, n.rows, n.totals
    FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
    WHERE n.dataset = %(dataset)s AND n.entity = ANY(%(entities)s) AND n.scope = %(scope)s AND r.undone_at IS NULL
    ORDER BY n.entity, n.business_date DESC, n.arrival_id DESC, n.run_id DESC
"""


@lru_cache
def _scope(stage: Stage) -> bytes:
    """By entity and currency: how many rows are open in the scope, how many of them are absent, and their amount."""
    presence = stage.dataset.presence
    assert presence
    statement = sql.SQL("""
        SELECT t.entity, {currency}, count(*), count(a.row_id), sum({amount}) FILTER (WHERE a.row_id IS NOT NULL AND {counts})
        FROM {table} t LEFT JOIN nightporter.stage_absent a ON a.run_id = %(run)s AND a.row_id = t.id
        WHERE t.entity = ANY(%(entities)s) AND t.scope = %(scope)s AND t.{state} = {here} GROUP BY 1, 2
    """)
    return statement.format(
        table=stage.target,
        here=sql.Literal(presence.here),
        state=sql.Identifier(presence.state),
        currency=fragments.currency(stage, "t"),
        amount=fragments.amount(stage, "t"),
        counts=fragments.counts(stage.dataset, "t"),
    ).as_bytes()


@lru_cache
def _staged(stage: Stage) -> bytes:
    """By entity and currency: how many rows the file has, those that wait for their customer among them, and their amount."""
    statement = sql.SQL("""
        SELECT entity, currency, sum(rows)::bigint, sum(amount) FROM (
            SELECT s.entity, {currency} AS currency, count(*) AS rows, sum({amount}) FILTER (WHERE {counts}) AS amount
            FROM {stage} s WHERE s.run_id = %(run)s GROUP BY 1, 2
            UNION ALL
            SELECT s.entity, {currency}, count(*), sum({amount}) FILTER (WHERE {counts})
            FROM nightporter.parked p CROSS JOIN LATERAL jsonb_populate_record(NULL::{shared}, p.content) s
            WHERE p.run_id = %(run)s AND p.dataset = %(dataset)s GROUP BY 1, 2
        ) each GROUP BY 1, 2
    """)
    return statement.format(
        currency=fragments.currency(stage, "s"),
        amount=fragments.amount(stage, "s"),
        counts=fragments.counts(stage.dataset, "s"),
        stage=stage.table,
        shared=stage_table(stage.dataset),
    ).as_bytes()


def clear_absent(conn: Connection, stage: Stage) -> Tally:
    """Close what is absent, each row's state before kept; returns how many, and of them, as moved, how many items are new under
    another customer.
    """
    counted = Tally()
    for currency, cleared, amount, moved in db.driver(conn).execute(_clear(stage), stage.values):
        money = {} if currency is None else {currency: Money(cleared=amount)}
        counted += Tally(cleared=cleared, moved=moved, money=money)
    return counted


@lru_cache
def _clear(stage: Stage) -> bytes:
    presence = stage.dataset.presence
    assert presence
    elsewhere = [name for name in stage.key if name != "customer_code"]
    moved: sql.Composable = sql.SQL("false")
    if len(elsewhere) < len(stage.key) and elsewhere:
        new = sql.SQL("EXISTS (SELECT FROM {table} m WHERE m.created_by_run = %(run)s AND {same})")
        moved = new.format(table=stage.target, same=fragments.alike(stage, ("entity", *elsewhere)))
    statement = sql.SQL("""
        WITH absent AS MATERIALIZED (
            SELECT t.*, {moved} AS moved FROM nightporter.stage_absent a JOIN {table} t ON t.id = a.row_id
            WHERE a.run_id = %(run)s
        ), kept AS (
            INSERT INTO nightporter.row_change (run_id, dataset, row_id, before)
            SELECT %(run)s, %(dataset)s, t.id, to_jsonb(t) FROM nightporter.stage_absent a JOIN {table} t ON t.id = a.row_id
            WHERE a.run_id = %(run)s
        ), gone AS (
            UPDATE {table} t SET {state} = {gone}, {since} = now(), {by} = %(run)s, as_of = %(as_of)s, updated_at = now()
            FROM nightporter.stage_absent a WHERE a.run_id = %(run)s AND t.id = a.row_id
        )
        SELECT {currency}, count(*), coalesce(sum({amount}) FILTER (WHERE {counts}), 0), count(*) FILTER (WHERE moved)
        FROM absent t GROUP BY 1
    """)
    return statement.format(
        table=stage.target,
        moved=moved,
        gone=sql.Literal(presence.gone),
        state=sql.Identifier(presence.state),
        since=sql.Identifier(presence.since),
        by=sql.Identifier(presence.by),
        currency=fragments.currency(stage, "t"),
        amount=fragments.amount(stage, "t"),
        counts=fragments.counts(stage.dataset, "t"),
    ).as_bytes()


def accept(conn: Connection, stage: Stage, found: list[ScopeEffect], *, whole: bool) -> None:
    """Remember an accepted snapshot, against which the next one is judged: whether it says of everything that it leaves out that
    it is not open, and of what it does not say so.
    """
    db.driver(conn).execute(_PROTECTED, stage.values)
    with db.driver(conn).cursor() as cursor:
        cursor.executemany(
            """INSERT INTO nightporter.snapshot
                   (run_id, dataset, entity, scope, business_date, arrival_id, rows, totals, whole)
               VALUES (%(run)s, %(dataset)s, %(entity)s, %(scope)s, %(as_of)s, %(arrival)s, %(rows)s, %(totals)s, %(whole)s)""",
            [
                stage.values | {"entity": each.entity, "rows": each.rows, "totals": Jsonb(_as_text(each.totals)), "whole": whole}
                for each in found
            ],
        )


_PROTECTED = """
    INSERT INTO nightporter.protected (run_id, number)
    SELECT DISTINCT run_id, number FROM nightporter.stage_protected WHERE run_id = %(run)s AND number IS NOT NULL
"""


def _as_text(totals: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: f"{total:f}" for currency, total in totals.items()}

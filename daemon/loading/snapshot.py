"""Snapshot: what a file that is all that is open leaves out; whether that can be; and what becomes of it."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.errors import FileRefused, Refusal
from daemon.loading import fragments
from daemon.loading.staging import Stage
from daemon.loading.standing import Standing
from daemon.model import Money, Tally

_CLEARED_SHARE = Decimal("0.3")
_CHANGE = Decimal("0.5")
_FLOOR = 20
"""The brake: how much of a scope may go, and by how much its rows and totals may differ from its last accepted snapshot's;
of fewer items than the floor nothing is thought.
"""


@dataclass(frozen=True)
class Effect:
    """What a snapshot would do to one entity's part of its scope, and what the scope's last accepted one was like."""

    entity: str
    open: int
    to_clear: int
    rows: int
    totals: dict[str, str]
    amounts: dict[str, str]
    """What is to be cleared, by currency."""
    rows_before: int | None = None
    totals_before: dict[str, str] | None = None

    @property
    def suspicious(self) -> list[str]:
        """By which rules of the brake it is not plausible: `cleared`, `rows`, `total`."""
        found = []
        if self.to_clear >= _FLOOR and self.to_clear > _CLEARED_SHARE * self.open:
            found.append("cleared")
        if self.rows_before is not None and abs(self.rows - self.rows_before) >= _FLOOR:
            if abs(self.rows - self.rows_before) > _CHANGE * self.rows_before:
                found.append("rows")
        if self.totals_before is not None and max(self.open, self.rows) >= _FLOOR:
            for currency in self.totals.keys() | self.totals_before.keys():
                before, after = (Decimal(totals.get(currency, "0")) for totals in (self.totals_before, self.totals))
                if abs(after - before) > _CHANGE * abs(before) and before:
                    found.append("total")
                    break
        return found

    def told(self) -> dict[str, Any]:
        """As it is stored, and compared with what somebody approved."""
        return asdict(self) | {"suspicious": self.suspicious}


def refuse_stale(conn: Connection, stage: Stage) -> None:
    """Raise FileRefused for a snapshot older than one that was accepted for its scope."""
    statement = """
        SELECT n.run_id, n.business_date FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
        WHERE n.dataset = %(dataset)s AND n.entity = ANY(%(entities)s) AND n.scope = %(scope)s AND n.business_date > %(as_of)s
              AND r.undone_at IS NULL
        ORDER BY n.business_date DESC LIMIT 1
    """
    if later := db.driver(conn).execute(statement, stage.values).fetchone():
        raise FileRefused(Refusal.STALE, f"{stage.as_of}; run {later[0]}: {later[1]}")


def find_absent(conn: Connection, stage: Stage, standing: Standing) -> None:
    """Note the rows of the scope that are not on the stage, and that no rejected or parked row speaks of."""
    db.driver(conn).execute(_absent(stage), stage.values)
    if standing.late:
        db.driver(conn).execute(_SEEN_LATER, stage.values)


_SEEN_LATER = """
    DELETE FROM nightporter.stage_absent a USING nightporter.confirmed c, nightporter.import_run r
    WHERE a.run_id = %(run)s AND c.dataset = %(dataset)s AND c.row_id = a.row_id AND c.as_of > %(as_of)s
          AND r.id = c.run_id AND r.undone_at IS NULL
"""


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


def effects(conn: Connection, stage: Stage) -> list[Effect]:
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
        found.append(
            Effect(
                entity,
                open=sum(row[2] for row in own),
                to_clear=sum(row[3] for row in own),
                rows=sum(row[2] for row in new),
                totals=_sums((row[1], row[3]) for row in new),
                amounts=_sums((row[1], row[4]) for row in own if row[3]),
                rows_before=rows_before,
                totals_before=totals_before,
            )
        )
    return found


def _sums(amounts: Any) -> dict[str, str]:
    return {
        currency: f"{amount:f}" for currency, amount in sorted(amounts, key=str) if currency is not None and amount is not None
    }


_LAST = """
    SELECT DISTINCT ON (n.entity) n.entity, n.rows, n.totals
    FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
    WHERE n.dataset = %(dataset)s AND n.entity = ANY(%(entities)s) AND n.scope = %(scope)s AND r.undone_at IS NULL
    ORDER BY n.entity, n.business_date DESC, n.run_id DESC
"""


@lru_cache
def _scope(stage: Stage) -> bytes:
    """By entity and currency: how many rows are open in the scope, how many of them are absent, and their amount."""
    presence = stage.dataset.presence
    assert presence
    statement = sql.SQL("""
        SELECT t.entity, {currency}, count(*), count(a.row_id), sum({amount}) FILTER (WHERE a.row_id IS NOT NULL)
        FROM {table} t LEFT JOIN nightporter.stage_absent a ON a.run_id = %(run)s AND a.row_id = t.id
        WHERE t.entity = ANY(%(entities)s) AND t.scope = %(scope)s AND t.{state} = {here} GROUP BY 1, 2
    """)
    return statement.format(
        table=stage.target,
        here=sql.Literal(presence.here),
        state=sql.Identifier(presence.state),
        currency=fragments.currency(stage, "t"),
        amount=fragments.amount(stage, "t"),
    ).as_bytes()


@lru_cache
def _staged(stage: Stage) -> bytes:
    statement = sql.SQL("SELECT entity, {}, count(*), sum({}) FROM {} s WHERE run_id = %(run)s GROUP BY 1, 2")
    return statement.format(fragments.currency(stage, "s"), fragments.amount(stage, "s"), stage.table).as_bytes()


def clear_absent(conn: Connection, stage: Stage, tally: Tally) -> None:
    """Close what is absent, each row's state before kept, and count that; an item that the file has under another customer
    is reported as moved besides.
    """
    for currency, cleared, amount, moved in db.driver(conn).execute(_clear(stage), stage.values):
        tally.cleared += cleared
        tally.moved += moved
        if currency is not None:
            tally.money.setdefault(currency, Money()).cleared += amount


@lru_cache
def _clear(stage: Stage) -> bytes:
    presence = stage.dataset.presence
    assert presence
    elsewhere = [name for name in stage.key if name != "customer_code"]
    moved: sql.Composable = sql.SQL("false")
    if len(elsewhere) < len(stage.key) and elsewhere:
        moved = sql.SQL("EXISTS (SELECT FROM {stage} s WHERE s.run_id = %(run)s AND {same})").format(
            stage=stage.table,
            same=sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(fragments.cell(stage, "s", name), fragments.cell(stage, "t", name))
                for name in ("entity", *elsewhere)
            ),
        )
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
        SELECT {currency}, count(*), coalesce(sum({amount}), 0), count(*) FILTER (WHERE moved) FROM absent t GROUP BY 1
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
    ).as_bytes()


def accept(conn: Connection, stage: Stage, found: list[Effect]) -> None:
    """Remember an accepted snapshot, against which the next one is judged."""
    with db.driver(conn).cursor() as cursor:
        cursor.executemany(
            """INSERT INTO nightporter.snapshot (run_id, dataset, entity, scope, business_date, rows, totals)
               VALUES (%s, %s, %s, %s, %s, %s, %s)""",
            [
                (stage.run_id, stage.dataset.name, each.entity, stage.scope, stage.as_of, each.rows, Jsonb(each.totals))
                for each in found
            ],
        )

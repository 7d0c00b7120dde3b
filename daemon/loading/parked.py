"""Parked rows: kept aside while nobody knows their customer, and loaded in the transaction that brings it."""

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading import fragments
from daemon.loading.merge import Merged, merge
from daemon.loading.moved import alike_elsewhere, end_moved
from daemon.loading.staging import Rules, Stage, table_of
from daemon.loading.standing import Standing
from daemon.loading.totals import as_released, ledger_statement, open_totals
from daemon.log import get
from daemon.model import Money, Tally

log = get(__name__)


def park(conn: Connection, stage: Stage) -> Tally:
    """Take off the stage the rows whose customer is not known, and keep them."""
    if not stage.dataset.refers_to:
        return Tally()
    rules = {
        "key": stage.key,
        "fallback": stage.fallback,
        "fields": stage.fields,
        "protected": sorted(stage.rules.protected),
        "blank_clears": stage.rules.blank_clears,
    }
    tally = Tally()
    for currency, count, amount in db.driver(conn).execute(_park(stage), stage.values | {"rules": Jsonb(rules)}):
        tally += Tally(parked=count, money={} if currency is None else {currency: Money(parked=amount)})
    return tally


@lru_cache
def _park(stage: Stage) -> bytes:
    presence = stage.dataset.presence
    guarded = sql.SQL("""
        , guarded AS (INSERT INTO nightporter.stage_protected (run_id, number) SELECT %(run)s, {protects} FROM taken)
    """)
    statement = sql.SQL("""
        WITH taken AS (
            DELETE FROM {stage} s
            WHERE run_id = %(run)s AND NOT EXISTS (
                SELECT FROM {customers} c WHERE c.entity = {customer_entity} AND c.customer_code = s.customer_code)
            RETURNING s.*
        ){guarded}, parked AS (
            INSERT INTO nightporter.parked
                (run_id, line, dataset, entity, customer_entity, customer_code, scope, key, content, rules)
            SELECT run_id, source_line, %(dataset)s, entity, {customer_entity}, customer_code, %(scope)s, {key}, to_jsonb(s),
                   %(rules)s
            FROM taken s
        )
        SELECT {currency}, count(*), coalesce(sum({amount}), 0) FROM taken s GROUP BY 1
    """)
    return statement.format(
        stage=stage.table,
        customers=table_of(datasets()[stage.dataset.refers_to or ""]),
        customer_entity=fragments.customer_entity(),
        key=fragments.whole_key(stage, "s"),
        currency=fragments.currency(stage, "s"),
        amount=fragments.amount(stage, "s"),
        guarded=guarded.format(protects=sql.Identifier(presence.protects)) if presence and stage.rules.snapshot else sql.SQL(""),
    ).as_bytes()


def replace_parked(conn: Connection, stage: Stage, standing: Standing, *, drops: bool) -> Tally:
    """End the parked rows of earlier runs that the stage has again, unless they are younger; and, where a snapshot `drops` what
    it leaves out, those of its scope of which it does not speak. Returns how many are another customer's now.
    """
    if not standing.parked:
        return Tally()
    for newer in (_WAITED, _staged(stage), _PARKED, _OLDER):
        db.driver(conn).execute(newer, stage.values)
    moved = end_moved(conn, stage)
    if drops and stage.dataset.presence:
        statement = """
            UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'dropped', ended_by = %(run)s
            WHERE dataset = %(dataset)s AND entity = ANY(%(entities)s) AND scope = %(scope)s AND run_id <> %(run)s
                  AND ended_at IS NULL AND (content->>'as_of')::date <= %(as_of)s AND NOT EXISTS (
                      SELECT FROM nightporter.stage_protected q
                      WHERE q.run_id = %(run)s AND q.number = p.content->>%(protects)s)"""
        db.driver(conn).execute(statement, stage.values | {"protects": stage.dataset.presence.protects})
    return Tally(moved=moved)


_WAITED = b"""
    UPDATE nightporter.parked n SET parked_at = p.parked_at, told_at = p.told_at
    FROM nightporter.parked p
    WHERE n.run_id = %(run)s AND n.dataset = %(dataset)s AND n.ended_at IS NULL AND p.key = n.key AND p.dataset = n.dataset
          AND p.run_id <> n.run_id AND p.ended_at IS NULL
          AND p.customer_entity = n.customer_entity AND p.customer_code = n.customer_code
"""
"""A row that comes again every night has waited since it first came, and somebody knows that still."""
_REPLACE = """
    UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'replaced', ended_by = %(run)s
    FROM {newer} n
    WHERE n.run_id = %(run)s AND p.key = {key} AND p.dataset = %(dataset)s AND p.run_id <> %(run)s AND p.ended_at IS NULL
          AND (p.content->>'as_of')::date <= {as_of}
"""
_PARKED = _REPLACE.format(
    newer="nightporter.parked",
    key="n.key AND n.dataset = %(dataset)s AND n.ended_at IS NULL",
    as_of="(n.content->>'as_of')::date",
).encode()
_OLDER = """
    UPDATE nightporter.parked n SET ended_at = clock_timestamp(), ended_as = 'replaced', ended_by = p.run_id
    FROM nightporter.parked p
    WHERE n.run_id = %(run)s AND n.dataset = %(dataset)s AND n.ended_at IS NULL AND p.key = n.key AND p.dataset = n.dataset
          AND p.run_id <> n.run_id AND p.ended_at IS NULL AND (p.content->>'as_of')::date > (n.content->>'as_of')::date
"""


@lru_cache
def _staged(stage: Stage) -> bytes:
    return sql.SQL(_REPLACE).format(newer=stage.table, key=fragments.whole_key(stage, "n"), as_of=sql.SQL("n.as_of")).as_bytes()


def waiting_for(conn: Connection, customer_entities: list[str]) -> list[str]:
    """The entities whose parked rows wait for customers of some entities; they are to be locked too."""
    statement = "SELECT DISTINCT entity FROM nightporter.parked WHERE customer_entity = ANY(%s) AND ended_at IS NULL"
    return [row[0] for row in db.driver(conn).execute(statement, [customer_entities])]


def release_parked(conn: Connection, by: int, customer_entities: list[str]) -> tuple[Tally, int, list[str]]:
    """Load the parked rows whose customer is known now, each by the rules of the run that parked it; returns those that loaded
    with what that made of what is open; how many could not, for another row has their key: those stay parked; and the numbers of
    those that are open under another customer, too.
    """
    _follow_aliases(conn)
    waiting = [name for name in datasets() if datasets()[name].refers_to]
    entities = waiting_for(conn, customer_entities)
    before = {name: open_totals(conn, datasets()[name], entities) for name in waiting}
    done: dict[str, Tally] = {}
    scopes: dict[str, set[str]] = {}
    freed = """
        SELECT DISTINCT run_id, dataset, scope, customer_entity, rules FROM nightporter.parked p
        WHERE ended_at IS NULL AND customer_entity = ANY(%s) AND EXISTS (
            SELECT FROM ar.customer c WHERE c.entity = p.customer_entity AND c.customer_code = p.customer_code)
        ORDER BY run_id"""
    stuck, alike = 0, list[str]()
    for run, dataset, scope, customer_entity, rules in db.driver(conn).execute(freed, [customer_entities]).fetchall():
        if dataset not in datasets():
            log.warning("parked_rows_stay", run=run, reason=f"there is no dataset {dataset} any more")
            stuck += 1
            continue
        try:
            with conn.begin_nested():
                count, merged, elsewhere = _load(conn, by, run, dataset, scope, customer_entity, rules)
            alike += elsewhere
            done[dataset] = done.get(dataset, Tally()) + Tally(released=count, money=as_released(merged.tally).money)
            scopes[dataset] = scopes.get(dataset, set()) | {scope} | merged.scopes
        except (psycopg.IntegrityError, psycopg.DataError) as error:  # another row has the key; a field is of another type by now
            log.warning("parked_rows_stay", run=run, reason=str(error))
            stuck += 1
    total = Tally()
    for name, tally in done.items():
        balance = datasets()[name].balance
        tally += ledger_statement(before[name], open_totals(conn, datasets()[name], entities), scopes[name], tally.money)
        if balance and balance.in_hand:
            tally = replace(tally, money={currency: -sums for currency, sums in tally.money.items()})
        total += tally
    return total, stuck, alike


def under_code(code: str) -> dict[str, sql.Composable]:
    """The columns of a parked row `t` whose customer has another code, an SQL expression: that, its content, its key."""
    filled = sql.SQL(code)
    key = sql.SQL("""coalesce((
        SELECT jsonb_set(t.key::jsonb, ARRAY[(n + 1)::text], to_jsonb({code}))::text
        FROM jsonb_array_elements_text(t.rules->'key') WITH ORDINALITY k (name, n) WHERE name = 'customer_code'), t.key)""")
    content = sql.SQL("jsonb_set(t.content, '{{customer_code}}', to_jsonb({code}))")
    return {"customer_code": filled, "content": content.format(code=filled), "key": key.format(code=filled)}


def _follow_aliases(conn: Connection) -> None:
    """Let parked rows wait for the customer that theirs is by now."""
    if not conn.exec_driver_sql("SELECT FROM ar.customer_alias LIMIT 1").rowcount:
        return
    columns = under_code("a.customer_code").items()
    statement = sql.SQL("""
        UPDATE nightporter.parked t SET {} FROM ar.customer_code_now a
        WHERE a.entity = t.customer_entity AND a.old_code = t.customer_code AND t.ended_at IS NULL AND EXISTS (
            SELECT FROM ar.customer_alias m
            WHERE m.entity = a.entity AND m.old_code = a.old_code AND m.moved_at IS NOT NULL)
    """).format(sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in columns))
    db.driver(conn).execute(statement)


def _load(
    conn: Connection, by: int, run: int, dataset: str, scope: str, customer_entity: str, rules: dict[str, Any]
) -> tuple[int, Merged, list[str]]:
    stage = Stage(
        run_id=run,
        dataset=datasets()[dataset],
        fields=tuple(name for name in rules["fields"] if name in datasets()[dataset].fields),
        key=tuple(rules["key"]),
        rules=Rules(frozenset(rules["protected"]), rules["blank_clears"]),
        fallback=rules.get("fallback"),
        own_table=0,
        scope=scope,
        entities=(),
        as_of=date.min,  # each row has its own
        arrival=0,
        customer_entity=customer_entity,
    )
    freeing = sql.SQL("""
        WITH freed AS (
            UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'released', ended_by = %(by)s
            WHERE run_id = %(run)s AND dataset = %(dataset)s AND customer_entity = %(customer_entity)s AND ended_at IS NULL
                  AND EXISTS (SELECT FROM ar.customer c WHERE c.entity = p.customer_entity AND c.customer_code = p.customer_code)
            RETURNING content
        )
        INSERT INTO {stage}
        SELECT s.* FROM freed CROSS JOIN LATERAL jsonb_populate_record(NULL::{stage}, content - %(lost)s::text[]) s
    """)
    given = stage.values | {"by": by, "lost": [name for name in rules["fields"] if name not in stage.fields]}
    count = db.driver(conn).execute(freeing.format(stage=stage.table), given).rowcount
    merged = merge(conn, stage)
    db.driver(conn).execute(sql.SQL("DELETE FROM {} WHERE run_id = %s").format(stage.table), [run])
    return count, merged, alike_elsewhere(conn, stage)

"""Parked rows: kept aside while nobody knows their customer, and loaded in the transaction that brings it."""

from dataclasses import asdict, replace
from datetime import date
from functools import lru_cache
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading import terms
from daemon.loading.merge import merge
from daemon.loading.staging import Rules, Stage
from daemon.model import Tally


def park(conn: Connection, stage: Stage) -> int:
    """Take off the stage the rows whose customer is not known, and keep them; returns how many."""
    if not stage.dataset.refers_to:
        return 0
    rules = {"key": stage.key, "fields": stage.fields, "rules": _plain(stage.rules)}
    return db.driver(conn).execute(_park(stage), stage.values | {"rules": Jsonb(rules)}).rowcount


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
        ){guarded}
        INSERT INTO nightporter.parked (run_id, line, dataset, entity, customer_entity, customer_code, scope, key, content, rules)
        SELECT run_id, source_line, %(dataset)s, entity, {customer_entity}, customer_code, %(scope)s, {key}, to_jsonb(s),
               %(rules)s
        FROM taken s
    """)
    return statement.format(
        stage=stage.table,
        customers=sql.Identifier(*datasets()[stage.dataset.refers_to or ""].table.split(".")),
        customer_entity=terms.customer_entity(),
        key=_key(stage, "s"),
        guarded=guarded.format(protects=sql.Identifier(presence.protects)) if presence and stage.rules.snapshot else sql.SQL(""),
    ).as_bytes()


def supersede(conn: Connection, stage: Stage) -> None:
    """End the parked rows of earlier runs that the stage has again; and, for a snapshot, all of its scope, for what it leaves
    out is not open any more.
    """
    if not stage.dataset.refers_to:
        return
    if stage.rules.snapshot:
        statement = """
            UPDATE nightporter.parked SET ended_at = clock_timestamp(), ended_as = 'dropped', ended_by = %(run)s
            WHERE dataset = %(dataset)s AND entity = ANY(%(entities)s) AND scope = %(scope)s AND run_id <> %(run)s
                  AND ended_at IS NULL"""
        db.driver(conn).execute(statement, stage.values)
    statement = "SELECT FROM nightporter.parked WHERE dataset = %(dataset)s AND run_id <> %(run)s AND ended_at IS NULL LIMIT 1"
    if db.driver(conn).execute(statement, stage.values).rowcount:
        for newer in (_staged(stage), _PARKED):
            db.driver(conn).execute(newer, stage.values)


_REPLACE = """
    UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'replaced', ended_by = %(run)s
    FROM {newer} n
    WHERE n.run_id = %(run)s AND p.key = {key} AND p.dataset = %(dataset)s AND p.run_id <> %(run)s AND p.ended_at IS NULL
"""
_PARKED = _REPLACE.format(newer="nightporter.parked", key="n.key AND n.dataset = %(dataset)s").encode()


@lru_cache
def _staged(stage: Stage) -> bytes:
    return sql.SQL(_REPLACE).format(newer=stage.table, key=_key(stage, "n")).as_bytes()


def _key(stage: Stage, row: str) -> sql.Composed:
    """What a row is known by, as one text, whatever the kind of key."""
    parts = sql.SQL(", ").join([sql.Literal(" ".join(stage.key)), *terms.key(stage, row)])
    return sql.SQL("jsonb_build_array({})::text").format(parts)


def waiting_for(conn: Connection, customer_entities: list[str]) -> list[str]:
    """The entities whose parked rows wait for customers of some entities; they are to be locked too."""
    statement = "SELECT DISTINCT entity FROM nightporter.parked WHERE customer_entity = ANY(%s) AND ended_at IS NULL"
    return [row[0] for row in db.driver(conn).execute(statement, [customer_entities])]


def release(conn: Connection, by: int, customer_entities: list[str]) -> list[Tally]:
    """Load the parked rows whose customer is known now, each by the rules of the run that parked it; returns what came of it."""
    connection = db.driver(conn)
    statement = """
        UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'released', ended_by = %s
        WHERE ended_at IS NULL AND customer_entity = ANY(%s) AND EXISTS (
            SELECT FROM ar.customer c WHERE c.entity = p.customer_entity AND c.customer_code = p.customer_code)
        RETURNING run_id, dataset, scope, customer_entity, rules"""
    freed = {
        (run, dataset, scope, customer_entity, _frozen(rules))
        for run, dataset, scope, customer_entity, rules in connection.execute(statement, [by, customer_entities])
    }
    return [_load(conn, by, *each) for each in sorted(freed)]


def _load(conn: Connection, by: int, run: int, dataset: str, scope: str, customer_entity: str, rules: tuple[Any, ...]) -> Tally:
    key, fields, protected, blank_clears = rules
    stage = Stage(
        run_id=run,
        dataset=datasets()[dataset],
        fields=fields,
        key=key,
        rules=Rules(frozenset(protected), blank_clears),
        own=False,
        scope=scope,
        entities=(),
        as_of=date.min,  # each row has its own
        customer_entity=customer_entity,
    )
    statement = sql.SQL("""
        INSERT INTO {stage} SELECT s.* FROM nightporter.parked p
        CROSS JOIN LATERAL jsonb_populate_record(NULL::{stage}, p.content) s
        WHERE p.run_id = %s AND p.dataset = %s AND p.customer_entity = %s AND p.ended_as = 'released' AND p.ended_by = %s
    """)
    db.driver(conn).execute(statement.format(stage=stage.table), [run, dataset, customer_entity, by])
    tally = Tally()
    merge(conn, stage, tally)
    db.driver(conn).execute(sql.SQL("DELETE FROM {} WHERE run_id = %s").format(stage.table), [run])
    return replace(tally, released=tally.created + tally.updated + tally.unchanged)


def _plain(rules: Rules) -> dict[str, Any]:
    return asdict(rules) | {"protected": sorted(rules.protected)}


def _frozen(rules: dict[str, Any]) -> tuple[Any, ...]:
    kept = rules["rules"]
    return tuple(rules["key"]), tuple(rules["fields"]), tuple(kept["protected"]), kept["blank_clears"]

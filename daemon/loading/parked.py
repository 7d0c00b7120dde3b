"""Parked rows: kept aside while nobody knows their customer, and loaded in the transaction that brings it."""

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
from daemon.loading.merge import merge
from daemon.loading.staging import Rules, Stage, table_of
from daemon.loading.standing import Standing
from daemon.log import get
from daemon.model import Tally

log = get(__name__)


def park(conn: Connection, stage: Stage) -> Tally:
    """Take off the stage the rows whose customer is not known, and keep them."""
    if not stage.dataset.refers_to:
        return Tally()
    rules = {
        "key": stage.key,
        "fields": stage.fields,
        "protected": sorted(stage.rules.protected),
        "blank_clears": stage.rules.blank_clears,
    }
    return Tally(parked=db.driver(conn).execute(_park(stage), stage.values | {"rules": Jsonb(rules)}).rowcount)


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
        customers=table_of(datasets()[stage.dataset.refers_to or ""]),
        customer_entity=fragments.customer_entity(),
        key=fragments.whole_key(stage, "s"),
        guarded=guarded.format(protects=sql.Identifier(presence.protects)) if presence and stage.rules.snapshot else sql.SQL(""),
    ).as_bytes()


def replace_parked(conn: Connection, stage: Stage, standing: Standing, *, drops: bool) -> None:
    """End the parked rows of earlier runs that the stage has again, unless they are younger; and, where a snapshot `drops` what
    it leaves out, those of its scope of which it does not speak.
    """
    if not standing.parked:
        return
    for newer in (_staged(stage), _PARKED, _OLDER):
        db.driver(conn).execute(newer, stage.values)
    if drops and stage.dataset.presence:
        statement = """
            UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'dropped', ended_by = %(run)s
            WHERE dataset = %(dataset)s AND entity = ANY(%(entities)s) AND scope = %(scope)s AND run_id <> %(run)s
                  AND ended_at IS NULL AND (content->>'as_of')::date <= %(as_of)s AND NOT EXISTS (
                      SELECT FROM nightporter.stage_protected q
                      WHERE q.run_id = %(run)s AND q.number = p.content->>%(protects)s)"""
        db.driver(conn).execute(statement, stage.values | {"protects": stage.dataset.presence.protects})


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


def release_parked(conn: Connection, by: int, customer_entities: list[str]) -> tuple[Tally, int]:
    """Load the parked rows whose customer is known now, each by the rules of the run that parked it; returns those that loaded,
    and how many could not, for another row has their key: those stay parked.
    """
    statement = """
        SELECT DISTINCT run_id, dataset, scope, customer_entity, rules FROM nightporter.parked p
        WHERE ended_at IS NULL AND customer_entity = ANY(%s) AND EXISTS (
            SELECT FROM ar.customer c WHERE c.entity = p.customer_entity AND c.customer_code = p.customer_code)
        ORDER BY run_id"""
    loaded = stuck = 0
    for run, dataset, scope, customer_entity, rules in db.driver(conn).execute(statement, [customer_entities]).fetchall():
        if dataset not in datasets():
            log.warning("parked_rows_stay", run=run, reason=f"there is no dataset {dataset} any more")
            stuck += 1
            continue
        try:
            with conn.begin_nested():
                loaded += _load(conn, by, run, dataset, scope, customer_entity, rules)
        except (psycopg.IntegrityError, psycopg.DataError) as error:  # another row has the key; a field is of another type by now
            log.warning("parked_rows_stay", run=run, reason=str(error))
            stuck += 1
    return Tally(released=loaded), stuck


def _load(conn: Connection, by: int, run: int, dataset: str, scope: str, customer_entity: str, rules: dict[str, Any]) -> int:
    stage = Stage(
        run_id=run,
        dataset=datasets()[dataset],
        fields=tuple(name for name in rules["fields"] if name in datasets()[dataset].fields),
        key=tuple(rules["key"]),
        rules=Rules(frozenset(rules["protected"]), rules["blank_clears"]),
        own_table=0,
        scope=scope,
        entities=(),
        as_of=date.min,  # each row has its own
        customer_entity=customer_entity,
    )
    statement = sql.SQL("""
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
    count = db.driver(conn).execute(statement.format(stage=stage.table), given).rowcount
    merge(conn, stage)
    db.driver(conn).execute(sql.SQL("DELETE FROM {} WHERE run_id = %s").format(stage.table), [run])
    return count

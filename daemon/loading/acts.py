"""Acts: what a person does to the ledger that no file does. Each is one transaction, remembered row by row, and can be undone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import CUSTOMERS, datasets
from daemon.errors import Detail
from daemon.loading.staging import table_of

PARKED = "parked"
"""Stands for the table of parked rows where a dataset's name stands for its own."""
FEW = 10
"""How many obstacles are named."""


@dataclass(frozen=True)
class Act:
    """What an act came to: its number, and how many rows of each dataset it changed; or, where there are `obstacles`, why it did
    nothing.
    """

    id: int | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    obstacles: tuple[Detail, ...] = ()


def begin_act(conn: Connection, kind: str, by: str, **given: Any) -> int:
    """Record an act; returns its number."""
    statement = "INSERT INTO nightporter.act (kind, given, done_by) VALUES (%s, %s, %s) RETURNING id"
    return int(db.driver(conn).execute(statement, [kind, Jsonb(given), by]).fetchall()[0][0])


def table(dataset: str) -> sql.Identifier:
    """The table that an act's rows of a `dataset` are in."""
    return sql.Identifier("nightporter", PARKED) if dataset == PARKED else table_of(datasets()[dataset])


def change(
    conn: Connection,
    act: int,
    dataset: str,
    to: Mapping[str, sql.Composable],
    where: sql.Composable,
    values: Mapping[str, object],
) -> int:
    """Set columns of the rows `t` of a dataset, each remembered as it was; returns how many."""
    was = sql.SQL(", ").join(sql.SQL("{}, t.{}").format(name, sql.Identifier(name)) for name in to)
    sets = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in to.items())
    statement = sql.SQL("""
        WITH meant AS MATERIALIZED (SELECT t.id, jsonb_build_object({was}) AS was FROM {table} t WHERE {where}), kept AS (
            INSERT INTO nightporter.act_row (act_id, dataset, row_id, was) SELECT %(act)s, %(in)s, id, was FROM meant
        )
        UPDATE {table} t SET {sets} FROM meant m WHERE t.id = m.id
    """).format(was=was, sets=sets, table=table(dataset), where=where)
    return db.driver(conn).execute(statement, {**values, "act": act, "in": dataset}).rowcount


def finish_act(conn: Connection, act: int, rows: Mapping[str, int]) -> Act:
    """Record how many rows an act changed."""
    db.driver(conn).execute("UPDATE nightporter.act SET rows = %s WHERE id = %s", [sum(rows.values()), act])
    return Act(act, {name: count for name, count in rows.items() if count})


def adopt(conn: Connection, dataset: str, entity: str | None, source: str, to: str, by: str) -> Act:
    """Give the rows of a scope, of one entity or all, to another scope; parked rows go with them."""
    if source == to:
        return Act(obstacles=(Detail.of("same_scope", scope=to),))
    values = {"source": source, "to": to, "entity": entity, "dataset": dataset}
    spoken = db.driver(conn).execute(_SPOKEN.encode(), values).fetchall()
    act = begin_act(conn, "adopt", by, **values, snapshots=[row[0] for row in spoken])
    scope = {"scope": sql.SQL("%(to)s")}
    own = sql.SQL("t.scope = %(source)s AND (%(entity)s::text IS NULL OR t.entity = %(entity)s)")
    rows = {
        dataset: change(conn, act, dataset, scope, own, values),
        PARKED: change(conn, act, PARKED, scope, own + sql.SQL(" AND t.dataset = %(dataset)s AND t.ended_at IS NULL"), values),
    }
    return finish_act(conn, act, rows)


_SPOKEN = """
    UPDATE nightporter.snapshot SET scope = %(to)s
    WHERE dataset = %(dataset)s AND scope = %(source)s AND (%(entity)s::text IS NULL OR entity = %(entity)s) RETURNING run_id
"""
"""What snapshots said of the rows they say of them in their new scope, too: what is older than they is late there."""


def acts(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The latest acts, newest first."""
    statement = (
        "SELECT id, kind, given, rows, done_at, done_by, undone_at, undone_by FROM nightporter.act ORDER BY id DESC LIMIT %s"
    )
    names = ("id", "kind", "given", "rows", "done_at", "done_by", "undone_at", "undone_by")
    return [dict(zip(names, row, strict=True)) for row in db.driver(conn).execute(statement, [limit])]


def undo_act(conn: Connection, act: int, by: str) -> Act:
    """Make what an act changed what it was, of the rows that are still there; or say what forbids it."""
    connection = db.driver(conn)
    found = connection.execute("SELECT kind, given, undone_at FROM nightporter.act WHERE id = %s FOR UPDATE", [act]).fetchone()
    if found is None or found[2]:
        return Act(obstacles=(Detail.of("act_undone" if found else "no_such_act", act=act),))
    kind, given, _ = found
    if kind == "merge" and (later := _merged_on(conn, act, given)):
        return Act(obstacles=(later,))
    try:
        with conn.begin_nested():
            rows = {name: _give_back(conn, act, name) for name in _changed(conn, act)}
            if kind == "merge":
                _split(conn, act, given)
            if kind == "adopt":
                back = "UPDATE nightporter.snapshot SET scope = %(source)s WHERE dataset = %(dataset)s"
                connection.execute(back + " AND run_id = ANY(%(snapshots)s)", given)
            if kind == "renumber":
                statement = "UPDATE ar.entity SET numbering = %s WHERE entity = %s"
                connection.execute(statement, [given["was"], given["entity"]])
    except psycopg.IntegrityError as error:
        return Act(obstacles=(Detail.of("plain", text=error.diag.message_detail or str(error)),))
    connection.execute("UPDATE nightporter.act SET undone_at = clock_timestamp(), undone_by = %s WHERE id = %s", [by, act])
    return Act(act, rows)


def _changed(conn: Connection, act: int) -> Iterable[str]:
    names = {
        row[0] for row in db.driver(conn).execute("SELECT DISTINCT dataset FROM nightporter.act_row WHERE act_id = %s", [act])
    }
    return sorted(name for name in names if name == PARKED or name in datasets())


def _give_back(conn: Connection, act: int, dataset: str) -> int:
    """Give rows the columns back that an act changed: all of its rows of one dataset had the same ones changed."""
    first = "SELECT was FROM nightporter.act_row WHERE act_id = %s AND dataset = %s LIMIT 1"
    names = sorted(db.driver(conn).execute(first, [act, dataset]).fetchall()[0][0])
    statement = sql.SQL("""
        UPDATE {table} t SET {sets} FROM nightporter.act_row a CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, a.was) b
        WHERE a.act_id = %s AND a.dataset = %s AND t.id = a.row_id
    """).format(
        table=table(dataset),
        sets=sql.SQL(", ").join(sql.SQL("{0} = b.{0}").format(sql.Identifier(name)) for name in names),
    )
    return db.driver(conn).execute(statement, [act, dataset]).rowcount


def _merged_on(conn: Connection, act: int, given: Mapping[str, Any]) -> Detail | None:
    """Why a merge cannot be undone yet: its customer was merged into another since, or another into what was its old code; or
    its old code is no customer any more, and has rows.
    """
    through = """
        SELECT a.given->>'old' FROM nightporter.act a
        WHERE a.kind = 'merge' AND a.id > %s AND a.undone_at IS NULL AND a.given->>'asked' = %s AND a.given->>'entity' = %s
    """
    if merged := db.driver(conn).execute(through, [act, given["old"], given["entity"]]).fetchone():
        return Detail.of("merged_on", customer=merged[0], into=given["old"])
    for dataset in (each for each in datasets().values() if each.refers_to == CUSTOMERS):
        changed = sql.SQL("""
            SELECT p.content->>%s, t.run_id FROM nightporter.parked p
            JOIN {} t ON t.created_by_run = p.run_id AND t.source_line = p.line
            WHERE p.ended_by = %s AND p.ended_as = 'released' AND p.dataset = %s AND t.run_id <> p.run_id LIMIT 1
        """).format(table_of(dataset))
        if row := db.driver(conn).execute(changed, [dataset.known_by[-1], act, dataset.name]).fetchone():
            return Detail.of("row_changed_by", row=row[0] or "", run=row[1])
    known = "SELECT EXISTS (SELECT FROM ar.customer WHERE entity = %s AND customer_code = %s)"
    rows = "SELECT EXISTS (SELECT FROM nightporter.act_row WHERE act_id = %s AND dataset <> ALL (%s))"
    is_known = db.driver(conn).execute(known, [given["entity"], given["old"]]).fetchall()[0][0]
    if not is_known and db.driver(conn).execute(rows, [act, [PARKED, CUSTOMERS]]).fetchall()[0][0]:
        return Detail.of("no_customer", customer=given["old"])
    statement = "SELECT customer_code FROM ar.customer_alias WHERE entity = %s AND old_code = %s"
    later = db.driver(conn).execute(statement, [given["entity"], given["new"]]).fetchone()
    return Detail.of("merged_on", customer=given["new"], into=later[0]) if later else None


def _split(conn: Connection, act: int, given: Mapping[str, Any]) -> None:
    """What else a merge did: the alias goes, those that ended in the old code do so again, and what it released waits again."""
    connection = db.driver(conn)
    connection.execute("DELETE FROM ar.customer_alias WHERE entity = %(entity)s AND old_code = %(old)s", given)
    statement = "UPDATE ar.customer_alias SET customer_code = %(old)s WHERE entity = %(entity)s AND old_code = ANY(%(chained)s)"
    connection.execute(statement, given)
    for name, dataset in datasets().items():
        if dataset.refers_to == CUSTOMERS:
            gone = sql.SQL("""
                DELETE FROM {} t USING nightporter.parked p
                WHERE p.ended_by = %s AND p.ended_as = 'released' AND p.dataset = %s
                      AND t.created_by_run = p.run_id AND t.run_id = p.run_id AND t.source_line = p.line
            """).format(table_of(dataset))
            connection.execute(gone, [act, name])
    waiting = "UPDATE nightporter.parked SET ended_at = NULL, ended_as = NULL, ended_by = NULL WHERE ended_by = %s"
    connection.execute(waiting + " AND ended_as = 'released'", [act])

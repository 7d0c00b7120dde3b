"""Moved: an item that waits for one customer, and comes under another."""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.checks import skipped, taken_off
from daemon.loading.staging import Stage, stage_table
from daemon.loading.standing import Standing
from daemon.model import Tally


def end_moved(conn: Connection, stage: Stage) -> int:
    """End the parked rows of earlier runs that are, by what the file has, another customer's; returns how many."""
    return db.driver(conn).execute(_moved(stage), stage.values).rowcount if _has_number(stage) else 0


def same_number_waiting(conn: Connection, stage: Stage) -> int:
    """How many parked rows have the number of another customer's row that the file has, or had parked, too: both stay."""
    if not _has_number(stage):
        return 0
    return int(db.driver(conn).execute(_same_number(stage), stage.values).fetchall()[0][0])


def alike_elsewhere(conn: Connection, stage: Stage) -> list[str]:
    """The numbers of the rows that this transaction made of the stage's, and that are open under another customer as well: by
    number, date and amount nobody can tell whether an item was given to another customer.
    """
    if not _has_number(stage):
        return []
    return [row[0] for row in db.driver(conn).execute(_alike_elsewhere(stage), stage.values)]


def skip_moved_on(conn: Connection, stage: Stage, standing: Standing) -> Tally:
    """Take off the stage the rows that a younger file has for another customer, who is not known yet."""
    if not standing.parked or not standing.late or not _has_number(stage):
        return Tally()
    return skipped(conn, stage, _moved_on(stage))


def _has_number(stage: Stage) -> bool:
    balance, presence = stage.dataset.balance, stage.dataset.presence
    return bool(balance and presence and balance.date in stage.fields and presence.protects in stage.fields)


def _alike(stage: Stage) -> list[str]:
    """The fields that rows of two customers have in common when they are one item: all of its key but the customer and the year,
    its date, its whole amount, its currency.
    """
    balance, presence = stage.dataset.balance, stage.dataset.presence
    assert balance
    assert presence
    key = {name for each in stage.dataset.keys if "customer_code" in each for name in each} - {"customer_code"}
    whole = balance.whole if balance.whole in stage.fields else balance.amount
    names = [presence.protects, *key, balance.date, whole, balance.currency]
    return [name for name in dict.fromkeys(names) if name in stage.fields and not stage.dataset.fields[name].derived]


def _as_one(stage: Stage) -> sql.Composed:
    """Whether a parked row `p` is one item with a row `f` of another customer."""
    content = sql.SQL("(jsonb_populate_record(NULL::{}, p.content)).{} IS NOT DISTINCT FROM f.{}")
    terms = [content.format(stage_table(stage.dataset), *[sql.Identifier(name)] * 2) for name in _alike(stage)]
    return sql.SQL(" AND ").join([sql.SQL("p.entity = f.entity AND p.customer_code <> f.customer_code"), *terms])


_FILED = sql.SQL("""
    filed AS MATERIALIZED (
        SELECT {columns} FROM {stage} s WHERE s.run_id = %(run)s
        UNION ALL
        SELECT {columns} FROM nightporter.parked p CROSS JOIN LATERAL jsonb_populate_record(NULL::{shared_stage}, p.content) s
        WHERE p.run_id = %(run)s AND p.dataset = %(dataset)s AND p.ended_at IS NULL
    )""")


@lru_cache
def _moved(stage: Stage) -> bytes:
    """Of another customer's row of the same number, date and amount one can only be the other, moved; but for one that its own
    file had beside it.
    """
    statement = sql.SQL("""
        WITH {filed}
        UPDATE nightporter.parked p SET ended_at = clock_timestamp(), ended_as = 'replaced', ended_by = %(run)s
        FROM filed f
        WHERE p.dataset = %(dataset)s AND p.run_id <> %(run)s AND p.ended_at IS NULL AND {as_one}
              AND (p.content->>'as_of')::date <= f.as_of AND NOT EXISTS (
                  SELECT FROM {table} t
                  WHERE t.entity = f.entity AND t.customer_code = f.customer_code AND t.{number} = f.{number}
                        AND t.run_id = p.run_id)
    """)
    return _over_filed(stage, statement)


@lru_cache
def _alike_elsewhere(stage: Stage) -> bytes:
    presence = stage.dataset.presence
    assert presence
    statement = sql.SQL("""
        SELECT t.{number}::text FROM {table} t JOIN {table} m ON m.entity = t.entity AND m.customer_code <> t.customer_code
               AND m.{state} = {here} AND m.created_at < now() AND {alike}
        WHERE t.created_by_run = %(run)s AND t.created_at = now() AND t.{state} = {here} ORDER BY t.id
    """)
    return statement.format(
        table=stage.target,
        number=sql.Identifier(presence.protects),
        state=sql.Identifier(presence.state),
        here=sql.Literal(presence.here),
        alike=fragments.alike(stage, _alike(stage)),
    ).as_bytes()


@lru_cache
def _moved_on(stage: Stage) -> bytes:
    younger = sql.SQL("""
        SELECT f.source_line FROM {stage} f JOIN nightporter.parked p ON {as_one}
        JOIN nightporter.import_run r ON r.id = p.run_id
        WHERE f.run_id = %(run)s AND p.dataset = %(dataset)s AND p.ended_at IS NULL
              AND ((p.content->>'as_of')::date, r.arrival_id) > (f.as_of, %(arrival)s)
    """).format(stage=stage.table, as_one=_as_one(stage))
    deleting = sql.SQL("DELETE FROM {} s WHERE run_id = %(run)s AND source_line IN ({})").format(stage.table, younger)
    return taken_off(stage, deleting, protects=True).as_bytes()


@lru_cache
def _same_number(stage: Stage) -> bytes:
    statement = sql.SQL("""
        WITH {filed}
        SELECT count(DISTINCT p.id) FROM nightporter.parked p JOIN filed f
        ON p.entity = f.entity AND p.customer_code <> f.customer_code AND p.content->>{label} = f.{number}
        WHERE p.dataset = %(dataset)s AND p.ended_at IS NULL
    """)
    return _over_filed(stage, statement)


def _over_filed(stage: Stage, statement: sql.SQL) -> bytes:
    assert stage.dataset.presence
    number = stage.dataset.presence.protects
    names = dict.fromkeys(["entity", "customer_code", "as_of", *_alike(stage)])
    columns = sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in names)
    filed = _FILED.format(stage=stage.table, shared_stage=stage_table(stage.dataset), columns=columns)
    named = {"table": stage.target, "number": sql.Identifier(number), "label": sql.Literal(number), "as_one": _as_one(stage)}
    return statement.format(filed=filed, **named).as_bytes()

"""Alike: a first snapshot whose rows are open already, under another entity or scope, would book them a second time."""

from collections.abc import Collection
from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.errors import Detail
from daemon.loading import fragments
from daemon.loading.staging import Stage, hashing

SHARE = 10
"""Of its rows, as one in so many are open elsewhere, somebody decides."""


def open_elsewhere(conn: Connection, stage: Stage) -> Detail | None:
    """How many rows of a first snapshot of its scope, and how much, are open under another entity or scope; None where those are
    few, or the scope has had a snapshot.
    """
    balance, presence = stage.dataset.balance, stage.dataset.presence
    if not stage.rules.snapshot or balance is None or balance.date not in stage.fields or presence is None:
        return None
    first = [entity for entity in stage.entities if entity not in _spoken_for(conn, stage)]
    if not first:
        return None
    with hashing(conn, stage):
        found = db.driver(conn).execute(_alike(stage), stage.values | {"first": first}).fetchall()
    rows = sum(row[4] for row in found)
    staged = db.driver(conn).execute(_count(stage), stage.values | {"first": first}).fetchall()[0][0]
    if not rows or rows * SHARE < staged:
        return None
    amounts = [f"{amount:f} {currency}" for _, _, currency, amount, _ in found]
    where = sorted({f"{entity or '–'} / {scope or '–'}" for entity, scope, *_ in found})
    return Detail.of("open_elsewhere", rows=rows, staged=staged, amounts=", ".join(amounts), where=", ".join(where))


def _spoken_for(conn: Connection, stage: Stage) -> Collection[str]:
    statement = """
        SELECT n.entity FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
        WHERE n.dataset = %(dataset)s AND n.entity = ANY(%(entities)s) AND n.scope = %(scope)s AND r.undone_at IS NULL
    """
    return {row[0] for row in db.driver(conn).execute(statement, stage.values)}


@lru_cache
def _alike(stage: Stage) -> bytes:
    balance, presence = stage.dataset.balance, stage.dataset.presence
    assert balance
    assert presence
    whole = balance.whole if balance.whole in stage.fields and balance.whole else balance.amount
    key = [name for name in stage.key if not stage.dataset.fields[name].derived]
    names = dict.fromkeys([*key, balance.date or "", whole, balance.currency])
    statement = sql.SQL("""
        SELECT t.entity, t.scope, t.{currency}, sum(t.{amount}), count(*) FROM {table} t JOIN {stage} s ON {alike}
        WHERE s.run_id = %(run)s AND s.entity = ANY(%(first)s) AND t.{state} = {here}
              AND (t.entity <> s.entity OR t.scope <> %(scope)s)
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """)
    return statement.format(
        table=stage.target,
        stage=stage.table,
        currency=sql.Identifier(balance.currency),
        amount=sql.Identifier(balance.amount),
        state=sql.Identifier(presence.state),
        here=presence.here,
        alike=sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(fragments.cell(stage, "t", name), fragments.cell(stage, "s", name)) for name in names
        ),
    ).as_bytes()


@lru_cache
def _count(stage: Stage) -> bytes:
    return sql.SQL("SELECT count(*) FROM {} WHERE run_id = %(run)s AND entity = ANY(%(first)s)").format(stage.table).as_bytes()

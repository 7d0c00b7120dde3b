"""Sole: a mark that only one of a customer's rows can have, as the collection contact's; the latest that has it keeps it."""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.staging import Stage


def sole(stage: Stage) -> str | None:
    """The field of the stage that is such a mark."""
    return next((name for name in stage.fields if stage.dataset.fields[name].sole), None)


def settle_marks(conn: Connection, stage: Stage, mark: str) -> None:
    """Leave the mark on the stage to the last row of each customer that may have it: where the file has no say of it, or is older
    than the row that has it, only one of a customer without.
    """
    for statement in _settling(stage, mark):
        db.driver(conn).execute(statement, stage.values)


@lru_cache
def _settling(stage: Stage, mark: str) -> list[bytes]:
    protected = mark in fragments.kept(stage)
    named = {
        "stage": stage.table,
        "table": stage.target,
        "mark": sql.Identifier(mark),
        "same": fragments.same(stage),
        "customer": fragments.customer_entity(),
        "whoever": sql.SQL("true" if protected else "t.as_of > s.as_of"),
    }
    statements = ["""
        UPDATE {stage} s SET {mark} = false
        WHERE run_id = %(run)s AND {mark} AND EXISTS (
            SELECT FROM {table} t WHERE t.customer_entity = {customer} AND t.customer_code = s.customer_code AND t.{mark}
                   AND {whoever} AND NOT ({same}))
    """, """
        UPDATE {stage} s SET {mark} = false
        WHERE run_id = %(run)s AND {mark} AND EXISTS (
            SELECT FROM {stage} l WHERE l.run_id = %(run)s AND coalesce(%(customer_entity)s, l.entity) = {customer}
                   AND l.customer_code = s.customer_code AND l.{mark} AND l.source_line > s.source_line)
    """]  # fmt: skip
    if protected:
        statements.insert(0, """
        UPDATE {stage} s SET {mark} = false
        WHERE run_id = %(run)s AND {mark} AND EXISTS (SELECT FROM {table} t WHERE {same})
        """)  # fmt: skip
    return [sql.SQL(each).format(**named).as_bytes() for each in statements]


def move_marks(conn: Connection, stage: Stage, mark: str) -> int:
    """Once the stage is merged, take the mark from the customers' other rows, each kept as it was; returns how many."""
    return db.driver(conn).execute(_moved(stage, mark), stage.values).rowcount


@lru_cache
def _moved(stage: Stage, mark: str) -> bytes:
    statement = sql.SQL("""
        WITH others AS MATERIALIZED (
            SELECT DISTINCT o.id FROM {stage} s JOIN {table} t ON {same}
            JOIN {table} o ON o.customer_entity = t.customer_entity AND o.customer_code = t.customer_code AND o.id <> t.id
            WHERE s.run_id = %(run)s AND s.{mark} AND t.{mark} AND o.{mark} AND (o.as_of IS NULL OR o.as_of <= s.as_of)
        ), kept AS (
            INSERT INTO nightporter.row_change (run_id, dataset, row_id, before)
            SELECT %(run)s, %(dataset)s, t.id, to_jsonb(t) FROM {table} t JOIN others USING (id)
        )
        UPDATE {table} t SET {mark} = false, updated_at = now() FROM others o WHERE t.id = o.id
    """)
    return statement.format(
        stage=stage.table, table=stage.target, same=fragments.same(stage), mark=sql.Identifier(mark)
    ).as_bytes()

"""Sole: a mark that only one of a customer's rows can have, as the collection contact's; the latest that has it keeps it."""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import terms
from daemon.loading.staging import Stage


def sole(stage: Stage) -> str | None:
    """The field of the stage that is such a mark."""
    return next((name for name in stage.fields if stage.dataset.fields[name].sole), None)


def settle_marks(conn: Connection, stage: Stage, mark: str) -> None:
    """Of several marked rows of a customer on the stage leave the mark to the last."""
    statement = sql.SQL("""
        UPDATE {stage} s SET {mark} = false
        WHERE run_id = %(run)s AND {mark} AND EXISTS (
            SELECT FROM {stage} l WHERE l.run_id = %(run)s AND l.entity = s.entity AND l.customer_code = s.customer_code
                   AND l.{mark} AND l.source_line > s.source_line)
    """)
    db.driver(conn).execute(statement.format(stage=stage.table, mark=sql.Identifier(mark)), stage.values)


def move_marks(conn: Connection, stage: Stage, mark: str) -> int:
    """Once the stage is merged, take the mark from the customers' other rows, each kept as it was; returns how many."""
    return db.driver(conn).execute(_moved(stage, mark), stage.values).rowcount


@lru_cache
def _moved(stage: Stage, mark: str) -> bytes:
    statement = sql.SQL("""
        WITH others AS MATERIALIZED (
            SELECT DISTINCT o.id FROM {stage} s JOIN {table} t ON {same}
            JOIN {table} o ON o.customer_entity = t.customer_entity AND o.customer_code = t.customer_code AND o.id <> t.id
            WHERE s.run_id = %(run)s AND s.{mark} AND t.{mark} AND o.{mark}
        ), kept AS (
            INSERT INTO nightporter.row_change (run_id, dataset, row_id, before)
            SELECT %(run)s, %(dataset)s, t.id, to_jsonb(t) FROM {table} t JOIN others USING (id)
        )
        UPDATE {table} t SET {mark} = false, updated_at = now() FROM others o WHERE t.id = o.id
    """)
    return statement.format(stage=stage.table, table=stage.target, same=terms.same(stage), mark=sql.Identifier(mark)).as_bytes()

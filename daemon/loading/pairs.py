"""Pairs: which row of the dataset's table each staged row of a large file is, found by one join for all that ask it."""

from collections.abc import Collection
from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.staging import Stage

_MADE = "CREATE TEMP TABLE IF NOT EXISTS {} (source_line int, target bigint, changes bool, is_older bool) ON COMMIT DROP"


def find_pairs(conn: Connection, stage: Stage, entities: Collection[str]) -> None:
    """Find the pairs of the rows that are staged now, and whether the one of the table would change, and is of an earlier day."""
    if stage.pairs is None:
        return
    db.driver(conn).execute(sql.SQL(_MADE).format(stage.pairs))
    db.driver(conn).execute(sql.SQL("TRUNCATE {}").format(stage.pairs))
    if not is_empty(conn, stage, entities):
        db.driver(conn).execute(_found(stage), stage.values)
        db.driver(conn).execute(sql.SQL("ANALYZE {}").format(stage.pairs))


@lru_cache
def _found(stage: Stage) -> bytes:
    assert stage.pairs
    statement = sql.SQL("""
        INSERT INTO {pairs}
        SELECT s.source_line, t.id, t.id IS NULL OR {differs}, t.run_id <> s.run_id AND (t.as_of IS NULL OR t.as_of < s.as_of)
        FROM {stage} s LEFT JOIN {table} t ON {same} WHERE s.run_id = %(run)s
    """)
    return statement.format(
        pairs=stage.pairs, stage=stage.table, table=stage.target, same=fragments.same(stage), differs=fragments.differs(stage)
    ).as_bytes()


def is_empty(conn: Connection, stage: Stage, entities: Collection[str]) -> bool:
    """Whether the dataset's table has no rows of some entities, so that nothing need be compared."""
    there = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE entity = ANY (%s))").format(stage.target)
    return not db.driver(conn).execute(there, [list(entities)]).fetchall()[0][0]


def joined(stage: Stage) -> sql.Composed:
    """The staged rows that are new, or of which the one of the table would change, each `s` with its `t`, as a FROM and WHERE."""
    if stage.pairs:
        return sql.SQL(
            "{stage} s JOIN {pairs} p ON p.source_line = s.source_line AND p.changes LEFT JOIN {table} t ON t.id = p.target"
            " WHERE s.run_id = %(run)s"
        ).format(stage=stage.table, pairs=stage.pairs, table=stage.target)
    return sql.SQL("{} s LEFT JOIN {} t ON {} WHERE s.run_id = %(run)s AND (t.id IS NULL OR {})").format(
        stage.table, stage.target, fragments.same(stage), fragments.differs(stage)
    )


def is_new(stage: Stage) -> sql.Composed:
    """Whether a staged row may be new, as a condition that spares looking for those that plainly are not."""
    if stage.pairs is None:
        return sql.SQL("true").format()
    return sql.SQL("s.source_line IN (SELECT source_line FROM {} WHERE target IS NULL)").format(stage.pairs)

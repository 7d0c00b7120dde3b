"""Traces: what a merge leaves beside its rows: values that were not taken, rows that were found as they were."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.staging import Stage
from daemon.model import Tally


def suppress(conn: Connection, stage: Stage) -> Tally:
    """Write down the values of the file that are not taken, for the field is not the file's to change."""
    if not fragments.kept(stage):
        return Tally()
    return Tally(suppressed=db.driver(conn).execute(_suppressed(stage), stage.values).rowcount)


@lru_cache
def _suppressed(stage: Stage) -> bytes:
    offers = [
        sql.SQL("({}, to_jsonb({}), to_jsonb({}), {})").format(
            name, fragments.cell(stage, "t", name), fragments.cell(stage, "s", name), stage.dataset.fields[name].owner == "fill"
        )
        for name in fragments.kept(stage)
    ]
    statement = sql.SQL("""
        INSERT INTO nightporter.suppressed (run_id, line, row_id, field, kept, offered)
        SELECT s.run_id, s.source_line, t.id, o.field, o.kept #>> '{{}}', o.offered #>> '{{}}'
        FROM {stage} s JOIN {table} t ON {same} CROSS JOIN LATERAL (VALUES {offers}) o (field, kept, offered, fills)
        WHERE s.run_id = %(run)s AND o.offered IS DISTINCT FROM o.kept AND o.offered IS NOT NULL
              AND NOT (o.fills AND o.kept IS NULL)
    """)
    return statement.format(
        stage=stage.table, table=stage.target, same=fragments.same(stage), offers=sql.SQL(", ").join(offers)
    ).as_bytes()


def confirm(conn: Connection, stage: Stage, merged: Tally) -> None:
    """Remember which rows a delta that was `merged` found as they were, so that an older one that comes late leaves them."""
    if merged.unchanged and not stage.rules.snapshot:
        db.driver(conn).execute(_confirmed(stage), stage.values)


@lru_cache
def _confirmed(stage: Stage) -> bytes:
    if stage.pairs:
        found = sql.SQL("""
            INSERT INTO nightporter.confirmed (run_id, dataset, row_id, as_of)
            SELECT s.run_id, %(dataset)s, p.target, s.as_of FROM {pairs} p JOIN {stage} s ON s.source_line = p.source_line
            WHERE s.run_id = %(run)s AND p.is_older AND NOT p.changes
        """)
        return found.format(pairs=stage.pairs, stage=stage.table).as_bytes()
    statement = sql.SQL("""
        INSERT INTO nightporter.confirmed (run_id, dataset, row_id, as_of)
        SELECT s.run_id, %(dataset)s, t.id, s.as_of FROM {stage} s JOIN {table} t ON {same}
        WHERE s.run_id = %(run)s AND t.run_id <> s.run_id AND (t.as_of IS NULL OR t.as_of < s.as_of)
    """)
    return statement.format(stage=stage.table, table=stage.target, same=fragments.same(stage)).as_bytes()


def written(conn: Connection, stage: Stage, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Of the staged rows that made or changed one of the table: the line, and some fields as they are now."""
    found = sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in fields)
    statement = sql.SQL("SELECT s.source_line, {} FROM {} s JOIN {} t ON {} WHERE s.run_id = %(run)s AND t.run_id = s.run_id")
    given = (found, stage.table, stage.target, fragments.same(stage))
    return db.driver(conn).execute(statement.format(*given), stage.values).fetchall()

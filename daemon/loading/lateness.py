"""Lateness: what something younger is known of already. Of two files the one about the later day speaks, of two about one day the
one that arrived later.
"""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.errors import FileRefused, Refusal
from daemon.loading import fragments
from daemon.loading.checks import skipped, taken_off
from daemon.loading.staging import Stage, hashing
from daemon.loading.standing import Standing
from daemon.model import Tally


def refuse_stale(conn: Connection, stage: Stage) -> None:
    """Raise FileRefused for a snapshot older than one of another file that was accepted for its scope."""
    statement = """
        SELECT n.run_id, n.business_date FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
        WHERE n.dataset = %(dataset)s AND n.entity = ANY(%(entities)s) AND n.scope = %(scope)s
              AND (n.business_date, n.arrival_id) > (%(as_of)s, %(arrival)s) AND r.undone_at IS NULL
              AND r.arrival_id <> %(arrival)s
        ORDER BY n.business_date DESC, n.arrival_id DESC LIMIT 1
    """
    if later := db.driver(conn).execute(statement, stage.values).fetchone():
        raise FileRefused(Refusal.STALE, "day_and_run", day=f"{stage.as_of}", run=later[0], other=f"{later[1]}")


def skip_older(conn: Connection, stage: Stage, standing: Standing) -> Tally:
    """Take off the stage the rows of which something younger is known: from a later file, that had them otherwise, or as they
    are stored, or that spoke for their whole scope and left them out.
    """
    return skipped(conn, stage, _older(stage), confirmed=_confirmed(conn, stage)) if standing.late else Tally()


def _confirmed(conn: Connection, stage: Stage) -> list[int]:
    """The rows that younger deltas found as they were: read run by run, for the table is known by its runs only."""
    statement = """
        SELECT c.row_id FROM nightporter.confirmed c JOIN nightporter.import_run f ON f.id = c.run_id
        WHERE c.run_id = ANY(ARRAY(
                  SELECT l.id FROM nightporter.import_run l
                  WHERE l.dataset = %(dataset)s AND l.state = 'imported' AND l.undone_at IS NULL
                        AND l.business_date >= %(as_of)s))
              AND c.dataset = %(dataset)s AND (c.as_of, f.arrival_id) > (%(as_of)s, %(arrival)s)
    """
    with hashing(conn, stage):
        return [row[0] for row in db.driver(conn).execute(statement, stage.values)]


@lru_cache
def _older(stage: Stage) -> bytes:
    presence = stage.dataset.presence
    younger = sql.SQL("""
        WITH speaking AS MATERIALIZED (
            SELECT DISTINCT ON (n.entity, n.scope) n.* FROM nightporter.snapshot n
            JOIN nightporter.import_run f ON f.id = n.run_id
            WHERE n.dataset = %(dataset)s AND f.undone_at IS NULL AND f.arrival_id <> %(arrival)s
            ORDER BY n.entity, n.scope, n.business_date DESC, n.arrival_id DESC, n.run_id DESC
        ), younger AS MATERIALIZED (
            SELECT s.source_line FROM {stage} s
            LEFT JOIN {table} t ON {same}
            LEFT JOIN nightporter.import_run r ON r.id = {spoken_by}
            WHERE s.run_id = %(run)s AND (
                (t.as_of, r.arrival_id) > (s.as_of, %(arrival)s) OR t.id = ANY(%(confirmed)s::bigint[]){spoken_for})
        )
        SELECT source_line FROM younger
    """).format(
        stage=stage.table,
        table=stage.target,
        same=fragments.same(stage),
        spoken_by=spoken_by(stage),
        spoken_for=sql.SQL("") if presence is None else sql.SQL(" OR ") + _spoken_for(stage),
    )
    deleting = sql.SQL("DELETE FROM {} s WHERE run_id = %(run)s AND source_line IN ({})").format(stage.table, younger)
    return taken_off(stage, deleting).as_bytes()


def spoken_by(stage: Stage) -> sql.Composable:
    """The run that spoke last of a row of the table: the one that it is from, or that it went by."""
    presence = stage.dataset.presence
    if presence is None:
        return sql.SQL("t.run_id")
    gone = sql.SQL("CASE t.{state} WHEN {gone} THEN coalesce(t.{by}, t.run_id) ELSE t.run_id END")
    return gone.format(state=sql.Identifier(presence.state), gone=presence.gone, by=sql.Identifier(presence.by))


def _spoken_for(stage: Stage) -> sql.Composed:
    """Whether a later snapshot of the scope has a row as it is stored, or leaves it out; not where it rejected or parked it."""
    presence = stage.dataset.presence
    assert presence
    statement = sql.SQL("""EXISTS (
        SELECT FROM speaking n
        WHERE n.entity = s.entity AND n.scope = CASE t.{state} WHEN {here} THEN t.scope ELSE %(scope)s END AND n.whole
              AND (n.business_date, n.arrival_id) > (s.as_of, %(arrival)s)
              AND NOT EXISTS (SELECT FROM nightporter.protected p WHERE p.run_id = n.run_id AND p.number = s.{number}))""")
    return statement.format(state=sql.Identifier(presence.state), here=presence.here, number=sql.Identifier(presence.protects))


def keep_seen_later(conn: Connection, stage: Stage, standing: Standing) -> None:
    """Take from what a snapshot leaves out the rows of which something younger is known."""
    if standing.late:
        db.driver(conn).execute(_seen_later(stage), stage.values | {"confirmed": _confirmed(conn, stage)})


@lru_cache
def _seen_later(stage: Stage) -> bytes:
    statement = sql.SQL("""
        DELETE FROM nightporter.stage_absent a USING {table} t
        LEFT JOIN nightporter.import_run r ON r.id = {spoken_by}
        WHERE a.run_id = %(run)s AND t.id = a.row_id
              AND ((t.as_of, r.arrival_id) > (%(as_of)s, %(arrival)s) OR t.id = ANY(%(confirmed)s::bigint[]))
    """)
    return statement.format(table=stage.target, spoken_by=spoken_by(stage)).as_bytes()

"""Corrections in Postgres: runs that bring rejected rows of others again, and which of those went in."""

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.runs import Overtaken
from daemon.model import ImportRun


def correct(conn: Connection, run: ImportRun, original: ImportRun) -> None:
    """Say that a run brings rejected rows of another one again. From a drop it is to be had again, in the line of its profile.

    Raises Overtaken when the run is no longer that attempt's.
    """
    said = conn.execute(
        text("""
            UPDATE nightporter.import_run
            SET corrects = :corrects, profile = :profile, dataset = :dataset, member = '',
                state = CASE WHEN :back THEN 'arrived' ELSE state END, attempt = attempt - CAST(:back AS integer)
            WHERE id = :id AND attempt = :attempt"""),
        {
            "id": run.id,
            "attempt": run.attempt,
            "corrects": original.id,
            "profile": original.profile,
            "dataset": original.dataset,
            "back": run.in_line,
        },
    )
    if not said.rowcount:
        raise Overtaken


def resolve(conn: Connection, run: ImportRun, lines: dict[int, int]) -> None:
    """Record of the rejections that a correction brought again, by its own lines those of the run that it corrects, that they
    went in; but for those of which it rejected anything again.
    """
    conn.execute(
        text("""
            UPDATE nightporter.rejection r SET resolved_by = :run
            FROM unnest(CAST(:own AS int[]), CAST(:old AS int[])) l (own, old)
            WHERE r.run_id = :corrects AND r.line = l.old AND r.resolved_by IS NULL
                  AND NOT EXISTS (SELECT FROM nightporter.rejection again
                                  JOIN unnest(CAST(:own AS int[]), CAST(:old AS int[])) o (own, old) ON o.own = again.line
                                  WHERE again.run_id = :run AND o.old = l.old)"""),
        {"run": run.id, "corrects": run.corrects, "own": list(lines), "old": list(lines.values())},
    )

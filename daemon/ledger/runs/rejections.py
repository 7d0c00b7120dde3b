"""Rejections in Postgres: stored as they come, read back as a stream."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from daemon import db
from daemon.db import text
from daemon.model import ImportRun, Reason, ReasonCode, Rejection


def reject_rows(conn: Connection, run_id: int, rejections: Iterable[Rejection]) -> int:
    """Store rejections, as many as come, in the caller's transaction; returns how many."""
    count = 0
    with (
        db.driver(conn).cursor() as cursor,
        cursor.copy("COPY nightporter.rejection (run_id, line, cells, reasons, typed) FROM STDIN") as copy,
    ):
        for rejection in rejections:
            reasons = _json([asdict(reason) for reason in rejection.reasons])
            copy.write_row((run_id, rejection.line, _json(list(rejection.cells)), reasons, list(rejection.typed) or None))
            count += 1
    return count


def rejection_count(conn: Connection, run_id: int) -> int:
    """How many rejections a run has."""
    count: int = conn.execute(text("SELECT count(*) FROM nightporter.rejection WHERE run_id = :id"), {"id": run_id}).scalar_one()
    return count


def forget_rejections(conn: Connection, run_id: int) -> None:
    """Forget what an earlier attempt at a run rejected: it was held, and is judged anew."""
    conn.execute(text("DELETE FROM nightporter.rejection WHERE run_id = :id"), {"id": run_id})


def rejections(
    conn: Connection, run_id: int, offset: int = 0, limit: int | None = None, *, unresolved: bool = False, after: int = -1
) -> Iterator[Rejection]:
    """The rejections of a run in the order of their lines, streamed; only the `unresolved` ones, or `after` a line, if asked."""
    rows = conn.execution_options(yield_per=1000).execute(
        text(
            """SELECT line, cells, reasons, resolved_by, coalesce(typed, '{}') FROM nightporter.rejection
               WHERE run_id = :id AND line > :after AND (resolved_by IS NULL OR NOT :unresolved)
               ORDER BY line LIMIT :limit OFFSET :offset"""
        ),
        {"id": run_id, "limit": limit, "offset": offset, "unresolved": unresolved, "after": after},
    )
    for line, cells, reasons, resolved_by, typed in rows:
        known = tuple(Reason(**(reason | {"code": ReasonCode(reason["code"])})) for reason in reasons)
        yield Rejection(line, cells, known, resolved_by, typed)


def resolve_rejections(conn: Connection, run: ImportRun, lines: dict[int, int]) -> None:
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


def _json(value: Any) -> str:
    """JSON that Postgres takes: NUL, which jsonb has no place for, is shown by its picture, U+2400."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", "\\1\u2400", json.dumps(value, ensure_ascii=False))

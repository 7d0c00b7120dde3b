"""Rejections in Postgres: stored as they come, read back as a stream."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from daemon import db
from daemon.db import text
from daemon.model import ImportRun, Reason, ReasonCode, Rejection

LOOKED_AT = 20_000
"""Of more rejections than that the first are enough to say what is wrong with them; a page that shows it is there at once."""


def reject_rows(conn: Connection, run_id: int, rejections: Iterable[Rejection]) -> int:
    """Store rejections, as many as come, in the caller's transaction; returns how many."""
    count = 0
    with (
        db.driver(conn).cursor() as cursor,
        cursor.copy("COPY nightporter.rejection (run_id, line, cells, reasons, typed, amount, currency) FROM STDIN") as copy,
    ):
        for rejection in rejections:
            reasons = _json([asdict(reason) for reason in rejection.reasons])
            cells, typed = _json(list(rejection.cells)), list(rejection.typed) or None
            copy.write_row((run_id, rejection.line, cells, reasons, typed, rejection.amount, rejection.currency))
            count += 1
    return count


def rejection_count(conn: Connection, run: ImportRun) -> int:
    """How many rejections a run has; counted only where no tally says it."""
    if run.tally:
        return run.tally.rejected
    count: int = conn.execute(text("SELECT count(*) FROM nightporter.rejection WHERE run_id = :id"), {"id": run.id}).scalar_one()
    return count


def forget_rejections(conn: Connection, run_id: int) -> None:
    """Forget what an earlier attempt at a run rejected: it was held, and is judged anew."""
    conn.execute(text("DELETE FROM nightporter.rejection WHERE run_id = :id"), {"id": run_id})


def rejections(
    conn: Connection, run_id: int, *, limit: int | None = None, unresolved: bool = False, after: int = -1
) -> Iterator[Rejection]:
    """The rejections of a run in the order of their lines, streamed; only the `unresolved` ones, or `after` a line, if asked."""
    rows = conn.execute(
        text(f"""{_REJECTION} WHERE run_id = :id AND line > :after AND (resolved_by IS NULL OR NOT :unresolved)
                 ORDER BY line LIMIT :limit"""),
        {"id": run_id, "limit": limit, "unresolved": unresolved, "after": after},
        execution_options={"yield_per": 1000},
    )
    yield from map(_rejection_of, rows)


def rejections_from(conn: Connection, run: ImportRun, offset: int, count: int) -> list[Rejection]:
    """So many rejections of a run behind the first `offset` ones, which are passed over from the end that is nearer."""
    if (behind := rejection_count(conn, run) - offset - 1) < 0:
        return []
    passed, way = (offset, "ASC") if offset <= behind else (behind, "DESC")
    rows = conn.execute(
        text(f"""{_REJECTION} WHERE run_id = :id AND line >= (
                     SELECT line FROM nightporter.rejection WHERE run_id = :id ORDER BY line {way} LIMIT 1 OFFSET :passed)
                 ORDER BY line LIMIT :count"""),
        {"id": run.id, "passed": passed, "count": count},
    )
    return [_rejection_of(row) for row in rows]


def dearest(conn: Connection, run_id: int, count: int) -> list[Rejection]:
    """The rejections to look at first: of each currency those about the most money, the currency with the most of it first; of
    very many, of the first of them.
    """
    rows = conn.execute(
        text(f"""
            WITH ranked AS (
                SELECT line AS at, row_number() OVER (PARTITION BY currency ORDER BY abs(amount) DESC NULLS LAST, line) AS place,
                       sum(abs(amount)) OVER (PARTITION BY currency) AS weight
                FROM (SELECT line, amount, currency FROM nightporter.rejection WHERE run_id = :id AND resolved_by IS NULL
                      ORDER BY line LIMIT {LOOKED_AT}) first
                ORDER BY place, weight DESC NULLS LAST, line LIMIT :count)
            {_REJECTION} JOIN ranked ON at = line WHERE run_id = :id AND resolved_by IS NULL
            ORDER BY place, weight DESC NULLS LAST, line"""),
        {"id": run_id, "count": count},
    )
    return [_rejection_of(row) for row in rows]


@dataclass(frozen=True)
class Grouped:
    """Rejections with one reason about one field: the reason of the first, how many there are, of how many different values, and
    what they are about in money.
    """

    reason: Reason
    rows: int
    values: int
    amounts: dict[str, Decimal]


_FIRST = f"""
    SELECT line, reasons, amount, currency FROM nightporter.rejection
    WHERE run_id = :id AND (NOT :unresolved OR resolved_by IS NULL) ORDER BY line LIMIT {LOOKED_AT}"""


class FaultyValue(NamedTuple):
    """A value that rows were rejected for: its column, how many rows, what they are about in money."""

    column: str
    value: str
    rows: int
    amounts: dict[str, Decimal]


def faulty_values(conn: Connection, run_id: int, most: int) -> list[FaultyValue]:
    """The values that rows were rejected for, of those that did not go in since; those of the most rows first."""
    rows = conn.execute(
        text(f"""
            WITH summed AS (
                SELECT reason->>'column' AS name, reason->>'value' AS value, currency, count(*) AS rows, sum(amount) AS amount
                FROM ({_FIRST}) first, jsonb_array_elements(reasons) reason WHERE reason->>'column' <> '' GROUP BY 1, 2, 3)
            SELECT name, value, sum(rows)::bigint AS rows,
                   coalesce(jsonb_object_agg(currency, amount::text) FILTER (WHERE amount IS NOT NULL), '{{}}') AS amounts
            FROM summed GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT :most"""),
        {"id": run_id, "most": most, "unresolved": True},
    )
    return [FaultyValue(row.name, row.value, row.rows, {c: Decimal(a) for c, a in row.amounts.items()}) for row in rows]


def by_reason(conn: Connection, run_id: int, most: int) -> list[Grouped]:
    """A run's rejections by their first reason, those with the most rows first."""
    rows = conn.execute(
        text(f"""
            WITH first AS (SELECT line, reasons->0 AS reason, amount, currency FROM ({_FIRST}) looked_at),
            summed AS (
                SELECT reason->>'code' AS code, reason->>'field' AS field, currency, min(line) AS line, count(*) AS rows,
                       sum(amount) AS amount FROM first GROUP BY 1, 2, 3),
            grouped AS (
                SELECT code, field, min(line) AS line, sum(rows)::bigint AS rows,
                       coalesce(jsonb_object_agg(currency, amount::text) FILTER (WHERE amount IS NOT NULL), '{{}}') AS amounts
                FROM summed GROUP BY 1, 2)
            SELECT first.reason, grouped.rows, grouped.amounts,
                   (SELECT count(DISTINCT f.reason->>'value') FROM first f
                    WHERE f.reason->>'code' = grouped.code AND f.reason->>'field' = grouped.field) AS different
            FROM grouped JOIN first USING (line)
            ORDER BY grouped.rows DESC, line LIMIT :most"""),
        {"id": run_id, "most": most, "unresolved": False},
    )
    return [
        Grouped(_reason_of(row.reason), row.rows, row.different, {name: Decimal(amount) for name, amount in row.amounts.items()})
        for row in rows
    ]


_REJECTION = """
SELECT line, cells, reasons, resolved_by, coalesce(typed, '{}') AS typed, amount, currency FROM nightporter.rejection"""


def _rejection_of(row: Any) -> Rejection:
    known = tuple(map(_reason_of, row.reasons))
    return Rejection(row.line, row.cells, known, row.resolved_by, row.typed, row.amount, row.currency)


def _reason_of(stored: dict[str, Any]) -> Reason:
    said: dict[str, Any] = {name: "" if value is None else value for name, value in stored.items()}  # null in earlier versions
    return Reason(**(said | {"code": ReasonCode(stored["code"])}))


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


def mark_resolved(conn: Connection, run: ImportRun, original: int, lines: list[int]) -> None:
    """Record that rejected rows of an original run went in by a run."""
    conn.execute(
        text("""UPDATE nightporter.rejection SET resolved_by = :run
                WHERE run_id = :original AND line = ANY(:lines) AND resolved_by IS NULL"""),
        {"run": run.id, "original": original, "lines": lines},
    )


def _json(value: Any) -> str:
    """JSON that Postgres takes: NUL, which jsonb has no place for, is shown by its picture, U+2400."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", "\\1\u2400", json.dumps(value, ensure_ascii=False))

"""What earlier runs of a profile, or other files of its night, say about one; corrections count for none of it."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.runs.run import RUN, run_of
from daemon.model import ImportRun
from daemon.profiles import REJECTED_ROWS


def last_import(conn: Connection, run: ImportRun) -> ImportRun | None:
    """The latest imported run of the same profile into the same dataset, but for those of the same arrival."""
    where = """WHERE r.profile = :profile AND r.dataset = :dataset AND r.state = 'imported' AND r.arrival_id <> :arrival
                     AND r.corrects IS NULL
               ORDER BY r.finished_at DESC LIMIT 1"""
    named = {"profile": run.profile, "dataset": run.dataset, "arrival": run.arrival_id}
    return run_of(conn.execute(text(RUN + where), named).mappings().one_or_none())


class Night(NamedTuple):
    """What was open, by currency, after the last file about a day."""

    day: date
    open: dict[str, Decimal]


def nights(conn: Connection, run: ImportRun, count: int) -> list[Night]:
    """The latest nights of a run's profile up to its own, the oldest first."""
    rows = conn.execute(
        text("""
            SELECT DISTINCT ON (business_date) business_date AS day, tally->'money' AS money FROM nightporter.import_run
            WHERE profile = :profile AND dataset = :dataset AND state = 'imported' AND undone_at IS NULL
                  AND corrects IS NULL AND business_date IS NOT NULL AND id <= :id
            ORDER BY business_date DESC, id DESC LIMIT :count"""),
        {"profile": run.profile, "dataset": run.dataset, "id": run.id, "count": count},
    )
    return [Night(row.day, {c: Decimal(sums["open_after"]) for c, sums in (row.money or {}).items()}) for row in rows][::-1]


class Identical(NamedTuple):
    """An imported run with the bytes of another; whether it is the latest of its scope, and the day that the latest is about;
    whether a person did something to the ledger since, rows that waited came in, or files are judged by other rules.
    """

    run: int
    file: str
    is_latest: bool
    is_overtaken: bool
    latest_day: date | None


_TOOK_ROWS = """(
    (tally->>'read')::bigint = 0
    OR (tally->>'created')::bigint + (tally->>'updated')::bigint + (tally->>'unchanged')::bigint > 0)"""
"""Of a file of which no row was taken nothing is pinned, and it may be sent again."""

_IN_SCOPE = f"""
    r.dataset = :dataset AND r.state = 'imported' AND r.undone_at IS NULL AND r.corrects IS NULL
    AND r.arrival_id <> :arrival AND {_TOOK_ROWS} AND r.scope = :scope
    AND (r.entities && CAST(:entities AS text[]) OR (r.entities IS NULL AND r.profile = :profile))
"""


def identical_import(
    conn: Connection, run: ImportRun, scope: str, entities: Collection[str], rules: str, *, snapshot: bool
) -> Identical | None:
    """The latest imported run, whatever its profile, that has the bytes of `run` and is of the same member and scope; of a
    `snapshot`, only one.
    """
    row = conn.execute(
        text(f"""
            WITH latest AS (
                SELECT a.sha256, r.business_date FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
                WHERE {_IN_SCOPE} ORDER BY r.finished_at DESC LIMIT 1
            )
            SELECT r.id, a.name, latest.sha256 = a.sha256 AS is_latest,
                   coalesce(r.profile = :profile AND r.rules <> :rules, false)
                   OR EXISTS (SELECT FROM nightporter.act t WHERE t.rows > 0 AND greatest(t.done_at, t.undone_at) > r.finished_at)
                   OR EXISTS (SELECT FROM nightporter.parked p WHERE p.dataset = :dataset AND p.entity = ANY(:entities)
                              AND p.ended_as = 'released' AND p.ended_at > r.finished_at) AS is_overtaken,
                   latest.business_date AS latest_day
            FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id CROSS JOIN latest
            WHERE a.sha256 = :sha256 AND r.member = :member AND {_IN_SCOPE}
                  AND (NOT :snapshot OR EXISTS (SELECT FROM nightporter.snapshot n WHERE n.run_id = r.id))
            ORDER BY r.finished_at DESC LIMIT 1"""),
        {
            "dataset": run.dataset,
            "arrival": run.arrival_id,
            "scope": scope,
            "entities": list(entities),
            "profile": run.profile,
            "sha256": run.sha256,
            "rules": rules,
            "member": run.member,
            "snapshot": snapshot,
        },
    ).one_or_none()
    return Identical(*row) if row else None


def entities_of(conn: Connection, run: ImportRun) -> list[str]:
    """The companies that an imported run speaks of, as far as that was recorded."""
    found = conn.execute(text("SELECT entities FROM nightporter.import_run WHERE id = :id"), {"id": run.id}).scalar()
    return list(found or [])


def corrections_of(conn: Connection, run: ImportRun) -> list[ImportRun]:
    """The imported runs that brought rejected rows of a run again, and of those, the latest first."""
    where = """WHERE r.id <> :id AND r.state = 'imported' AND r.undone_at IS NULL AND r.id IN (
                   WITH RECURSIVE family AS (
                       SELECT CAST(:id AS bigint) AS id
                       UNION
                       SELECT c.id FROM nightporter.import_run c JOIN family f ON c.corrects = f.id)
                   SELECT id FROM family)
               ORDER BY r.id DESC"""
    rows = conn.execute(text(RUN + where), {"id": run.id}).mappings()
    return [found for row in rows if (found := run_of(row))]


def extend_day(conn: Connection, run: ImportRun, before: int, day: date) -> None:
    """Record of the run whose bytes a duplicate has that they are what is so on a later day, too, as the duplicate says."""
    given = {"day": day, "id": before, "arrival": run.arrival_id}
    for table, key, more in (("import_run", "id", ""), ("snapshot", "run_id", ", arrival_id = :arrival")):
        statement = f"UPDATE nightporter.{table} SET business_date = :day{more} WHERE {key} = :id AND business_date <= :day"
        conn.execute(text(statement), given)


def later_run(conn: Connection, run: ImportRun) -> ImportRun | None:
    """The latest run of the same drop, profile and dataset that came after `run`, and is not refused; None when there is none."""
    statement = (
        RUN
        + """
        WHERE r.profile = :profile AND r.dataset IN (:dataset, '') AND a.drop_name = :drop AND r.parent_id IS NULL
              AND r.arrival_id > :arrival AND r.corrects IS NULL AND a.name !~ :corrections
              AND r.state IN ('arrived', 'importing', 'imported', 'held')
        ORDER BY r.arrival_id DESC LIMIT 1"""
    )
    named = {"profile": run.profile, "dataset": run.dataset, "drop": run.drop, "arrival": run.arrival_id}
    named |= {"corrections": REJECTED_ROWS.pattern}
    return run_of(conn.execute(text(statement), named).mappings().one_or_none())


def is_in(conn: Connection, profile: str, since: datetime) -> bool:
    """Whether a file of the profile has come since then, and all that have are imported or refused."""
    row = conn.execute(
        text("""
            SELECT count(*) > 0 AS came, bool_and(r.state IN ('imported', 'refused')) AS done
            FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
            WHERE r.profile = :profile AND r.parent_id IS NULL AND r.corrects IS NULL AND r.state <> 'vanished'
                  AND a.arrived_at >= :since
                  AND r.arrival_id >= (SELECT min(id) FROM nightporter.arrival WHERE arrived_at >= :since)"""),
        {"profile": profile, "since": since},
    ).one()
    return bool(row.came and row.done)


def pins(conn: Connection, run: ImportRun) -> dict[str, str | None]:
    """The conventions of the run's profile and dataset, and whether its files end in a line end, each as the first imported run
    decided it that could.
    """
    first = """(SELECT format->>'{0}' FROM nightporter.import_run
                WHERE profile = :profile AND dataset = :dataset AND state = 'imported' AND corrects IS NULL
                      AND format->>'{0}' IS NOT NULL AND undone_at IS NULL AND {took}
                ORDER BY finished_at LIMIT 1) AS {0}"""
    statement = "SELECT " + ", ".join(
        first.format(name, took=_TOOK_ROWS) for name in ("decimal", "thousands", "date", "final_newline")
    )
    return dict(conn.execute(text(statement), {"profile": run.profile, "dataset": run.dataset}).mappings().one())


def earlier_encodings(conn: Connection, run: ImportRun) -> dict[str, int]:
    """The encodings of the latest imports of the run's profile, each with how many of them were in it; ASCII says nothing."""
    statement = """
        SELECT encoding, count(*) FROM (
            SELECT format->>'encoding' AS encoding FROM nightporter.import_run
            WHERE profile = :profile AND dataset = :dataset AND state = 'imported' AND undone_at IS NULL
            ORDER BY finished_at DESC LIMIT 10
        ) latest WHERE encoding <> 'ascii' GROUP BY encoding
    """
    found = conn.execute(text(statement), {"profile": run.profile, "dataset": run.dataset})
    return {row[0]: row[1] for row in found}

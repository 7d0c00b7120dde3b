"""Import runs in Postgres: each with its arrival, as what they are."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from daemon import db
from daemon.db import text
from daemon.model import Effect, ImportRun, Note, ReadAs, State, Tally, detail_of

RUN = """
SELECT r.id, r.arrival_id, r.section, r.member, r.parent_id, r.corrects, r.profile, r.dataset, r.state, r.attempt, r.deferrals,
       a.drop_name AS drop, a.name, a.size, a.mtime, a.archive_host, a.archive, a.sha256, a.control, a.arrived_at, r.finished_at,
       r.started_at, r.code, r.detail, r.header, r.format AS read_as, r.tally, r.business_date, r.notes, r.effect, r.approved,
       r.decided_by, r.undone_at, r.undone_by, a.disposed_as, a.fault,
       (SELECT min(f.id) FROM nightporter.import_run f WHERE f.arrival_id = a.follows) AS follows
FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
"""


def retry_run(conn: Connection, run: ImportRun) -> int:
    """A child run that reads the same bytes again."""
    child: int = conn.execute(
        text("""
            INSERT INTO nightporter.import_run (arrival_id, section, member, parent_id, corrects, profile, dataset)
            VALUES (:arrival_id, :section, :member, :id, :corrects, :profile, :dataset) RETURNING id"""),
        {
            "arrival_id": run.arrival_id,
            "section": run.section,
            "member": run.member,
            "id": run.id,
            "corrects": run.corrects,
            "profile": run.profile,
            "dataset": run.dataset,
        },
    ).scalar_one()
    return child


def lock_run(conn: Connection, run_id: int) -> None:
    """Let nobody else move a run, or decide about it, while the transaction lasts."""
    conn.execute(text("SELECT FROM nightporter.import_run WHERE id = :id FOR UPDATE"), {"id": run_id})


def run_by_id(conn: Connection, run_id: int) -> ImportRun | None:
    """One run, or None."""
    return run_of(conn.execute(text(RUN + "WHERE r.id = :id"), {"id": run_id}).mappings().one_or_none())


def tell_rows_read(conn: Connection, run_id: int, rows: int) -> None:
    """Say how many of a run's rows were read, while its transaction lasts."""
    db.tell(conn, f"nightporter run {run_id}: {rows}")


def rows_read(conn: Connection, run_id: int) -> int | None:
    """How many of the rows of a run that is being imported were read so far, where they are many."""
    told = db.told(conn, f"nightporter run {run_id}: ")
    return int(told) if told else None


def is_of_runs(conn: Connection, profile: str) -> bool:
    """Whether a profile of that name, there still or not, has had runs."""
    statement = "SELECT EXISTS (SELECT FROM nightporter.import_run WHERE profile = :profile)"
    return bool(conn.execute(text(statement), {"profile": profile}).scalar_one())


def lock_post(conn: Connection, drop: str, folder: str) -> None:
    """Let no other post to the same folder of a drop go on until the transaction ends."""
    statement = "SELECT pg_advisory_xact_lock(hashtextextended('nightporter.post.' || :drop || '/' || :folder, 0))"
    conn.execute(text(statement), {"drop": drop, "folder": folder})


def run_of_post(conn: Connection, drop: str, folder: str) -> ImportRun | None:
    """The first run of the file in a folder of a drop, or None."""
    where = """WHERE a.drop_name = :drop AND starts_with(a.name, :folder || '/') AND r.parent_id IS NULL
               ORDER BY a.id, r.section LIMIT 1"""
    return run_of(conn.execute(text(RUN + where), {"drop": drop, "folder": folder}).mappings().one_or_none())


def latest_runs(conn: Connection, limit: int) -> list[ImportRun]:
    """The latest runs, newest first."""
    rows = conn.execute(text(RUN + "ORDER BY r.id DESC LIMIT :limit"), {"limit": limit}).mappings()
    return [run for row in rows if (run := run_of(row))]


def latest_between(conn: Connection, profile: str, after: datetime, until: datetime) -> ImportRun | None:
    """The latest run of a profile's own section among those whose files came in a span of time; no retries, no corrections."""
    where = """WHERE r.profile = :profile AND r.section = 0 AND r.parent_id IS NULL AND r.corrects IS NULL
                     AND a.arrived_at > :after AND a.arrived_at <= :until ORDER BY r.id DESC LIMIT 1"""
    named = {"profile": profile, "after": after, "until": until}
    return run_of(conn.execute(text(RUN + where), named).mappings().one_or_none())


def latest_kept(conn: Connection, profile: str, host: str) -> ImportRun | None:
    """The latest run of a profile whose file `host`'s archive has."""
    where = """WHERE r.profile = :profile AND r.section = 0 AND r.corrects IS NULL AND a.archive IS NOT NULL
                     AND a.archive_host IN (:host, '') ORDER BY r.id DESC LIMIT 1"""
    return run_of(conn.execute(text(RUN + where), {"profile": profile, "host": host}).mappings().one_or_none())


def open_money(conn: Connection, profiles: Collection[str]) -> dict[str, Decimal]:
    """What is open by currency, after the last file of each of some profiles."""
    rows = conn.execute(
        text("""
            SELECT currency, sum((sums->>'open_after')::numeric) AS amount FROM (
                SELECT DISTINCT ON (profile, dataset) tally FROM nightporter.import_run
                WHERE profile = ANY(:profiles) AND state = 'imported' AND undone_at IS NULL
                ORDER BY profile, dataset, id DESC) last, jsonb_each(last.tally->'money') AS money (currency, sums)
            GROUP BY currency ORDER BY currency"""),
        {"profiles": list(profiles)},
    )
    return {row.currency: row.amount for row in rows}


def siblings(conn: Connection, run: ImportRun) -> list[ImportRun]:
    """The runs of one file that were made together, for each section one, in their order."""
    statement = RUN + "WHERE r.arrival_id = :arrival AND r.parent_id IS NOT DISTINCT FROM :parent ORDER BY r.section, r.id"
    rows = conn.execute(text(statement), {"arrival": run.arrival_id, "parent": run.parent_id}).mappings()
    return [sibling for row in rows if (sibling := run_of(row))]


def run_of(row: Any) -> ImportRun | None:
    """A run from a row of what `RUN` selects, or None from none."""
    if row is None:
        return None
    typed = {
        "state": State(row["state"]),
        "detail": detail_of(row["detail"]),
        "read_as": ReadAs.of_json(row["read_as"]),
        "tally": None if row["tally"] is None else Tally.of_json(row["tally"]),
        "notes": tuple(Note(**note) for note in row["notes"]),
        "effect": Effect.of_json(row["effect"]),
        "approved": Effect.of_json(row["approved"]),
    }
    return ImportRun(**(dict(row) | typed))

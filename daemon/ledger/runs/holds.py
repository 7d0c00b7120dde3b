"""What people decide about runs, in Postgres: approved, declined, superseded, undone."""

from datetime import timedelta

from sqlalchemy import Connection

from daemon import queue
from daemon.db import text
from daemon.model import Change, ImportRun


def approve_held(conn: Connection, run_id: int, by: str) -> bool:
    """Let a held run have the effect that it was held for; whether it was held, and not approved yet."""
    approved = conn.execute(
        text("""
            UPDATE nightporter.import_run SET approved = effect, decided_by = :by, decided_at = clock_timestamp()
            WHERE id = :id AND state = 'held' AND approved IS NULL"""),
        {"id": run_id, "by": by},
    )
    return approved.rowcount == 1


def mark_undone(conn: Connection, run_id: int, by: str) -> bool:
    """Record that an imported run was undone; whether it was not before. What it had corrected is to be corrected again."""
    recorded = conn.execute(
        text("""
            UPDATE nightporter.import_run SET undone_at = clock_timestamp(), undone_by = :by
            WHERE id = :id AND state = 'imported' AND undone_at IS NULL"""),
        {"id": run_id, "by": by},
    )
    conn.execute(text("UPDATE nightporter.rejection SET resolved_by = NULL WHERE resolved_by = :id"), {"id": run_id})
    return recorded.rowcount == 1


def held_runs_before(conn: Connection, run: ImportRun) -> list[int]:
    """The held snapshots that an accepted one of the same profile came after, with the same day or a later one."""
    rows = conn.execute(
        text("""
            SELECT h.id FROM nightporter.import_run h
            WHERE h.state = 'held' AND h.effect ? 'snapshot' AND h.profile = :profile AND h.dataset = :dataset
                  AND h.member = :member AND h.arrival_id < :arrival
                  AND h.business_date <= (SELECT max(business_date) FROM nightporter.snapshot WHERE run_id = :id)
            ORDER BY h.id"""),
        {"profile": run.profile, "dataset": run.dataset, "member": run.member, "arrival": run.arrival_id, "id": run.id},
    )
    return [row.id for row in rows]


def runs_held_since(conn: Connection, age: timedelta) -> list[int]:
    """The runs that have been held for longer than `age`."""
    rows = conn.execute(
        text("""
            SELECT id FROM nightporter.import_run
            WHERE state = 'held' AND approved IS NULL AND started_at < clock_timestamp() - :age ORDER BY id"""),
        {"age": age},
    )
    return [row.id for row in rows]


def held_changes(conn: Connection, run_id: int) -> list[Change]:
    """The dearest of the rows that a held run would change."""
    stored = conn.execute(text("SELECT changes FROM nightporter.import_run WHERE id = :id"), {"id": run_id}).scalar()
    return [Change(**each) for each in stored or []]


def approved_runs(conn: Connection) -> list[tuple[int, str]]:
    """The approved runs that have no job, each with the machine that has its bytes."""
    rows = conn.execute(
        text(f"""
            SELECT r.id, a.archive_host FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
            WHERE r.state = 'held' AND r.approved IS NOT NULL AND {queue.no_job("import_run", "run_id", "r.id")} ORDER BY r.id""")
    )
    return [(row.id, row.archive_host) for row in rows]

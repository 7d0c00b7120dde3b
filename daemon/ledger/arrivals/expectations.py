"""What became of each moment by which a profile expected a file."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from daemon.db import text


@dataclass(frozen=True)
class Missing:
    """A file that should have come by `due_at` and has not."""

    profile: str
    due_at: datetime


def expectation(conn: Connection, profile: str, due: datetime) -> str | None:
    """What became of one moment: begun (it was the first), came, missing or late; None when nobody has looked yet."""
    statement = "SELECT state FROM nightporter.expectation WHERE profile = :profile AND due_at = :due"
    state: str | None = conn.execute(text(statement), {"profile": profile, "due": due}).scalar()
    return state


def expectations_since(conn: Connection, day: date) -> dict[tuple[str, datetime], str]:
    """What became of each moment since a day by which a profile's file was expected."""
    statement = "SELECT profile, due_at, state FROM nightporter.expectation WHERE due_at >= :day"
    return {(row.profile, row.due_at): row.state for row in conn.execute(text(statement), {"day": day})}


def is_expected(conn: Connection, profile: str) -> bool:
    """Whether the profile's file was expected at any time."""
    statement = "SELECT EXISTS (SELECT FROM nightporter.expectation WHERE profile = :profile)"
    return bool(conn.execute(text(statement), {"profile": profile}).scalar_one())


def record_expectation(conn: Connection, profile: str, due: datetime, state: str) -> bool:
    """Record what became of one moment; False when another process was first."""
    made = conn.execute(
        text(
            "INSERT INTO nightporter.expectation (profile, due_at, state) VALUES (:profile, :due, :state) ON CONFLICT DO NOTHING"
        ),
        {"profile": profile, "due": due, "state": state},
    )
    return made.rowcount == 1


def mark_met_late(conn: Connection, profile: str, due: datetime) -> bool:
    """Record that a missing file came after all; False when another process was first."""
    statement = """
        UPDATE nightporter.expectation SET state = 'late', met_at = clock_timestamp()
        WHERE profile = :profile AND due_at = :due AND state = 'missing'"""
    return conn.execute(text(statement), {"profile": profile, "due": due}).rowcount == 1


def is_come_since(conn: Connection, profile: str, since: datetime) -> bool:
    """Whether a file of the profile came to a drop after `since`, and was not the late one of an earlier moment.

    A duplicate counts, one that vanished does not.
    """
    statement = """
        SELECT EXISTS (SELECT FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
                       WHERE r.profile = :profile AND r.parent_id IS NULL AND r.corrects IS NULL AND r.state <> 'vanished'
                             AND a.drop_name <> '' AND a.arrived_at > :since
                             AND a.arrived_at > coalesce((SELECT max(met_at) FROM nightporter.expectation
                                                          WHERE profile = :profile), '-infinity'))"""
    return bool(conn.execute(text(statement), {"profile": profile, "since": since}).scalar_one())


def missing_files(conn: Connection) -> list[Missing]:
    """The profiles whose file was missing the last time it was due, and has not come since."""
    rows = conn.execute(
        text("""
            SELECT profile, due_at FROM (
                SELECT DISTINCT ON (profile) profile, due_at, state
                FROM nightporter.expectation ORDER BY profile, due_at DESC) last
            WHERE state = 'missing' ORDER BY profile""")
    )
    return [Missing(row.profile, row.due_at) for row in rows]

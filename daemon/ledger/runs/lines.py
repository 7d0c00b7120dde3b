"""Lines: the files of one drop that go through one profile are imported one after the other, in the order they came.

Of small files two may be read side by side; they are merged in their order all the same.
So a later export never goes in before an earlier one, each profile has one job in the queue at a time, and ten thousand
files of one profile hold up no other. A file that cannot go on (not fetched yet, or deferred) lets the others pass after
a while, for one sick file must not stop a night.
"""

from typing import Any

from sqlalchemy import Connection

from daemon import queue
from daemon.db import text
from daemon.model import ImportRun, State

SIDE_BY_SIDE_BYTES = 1 << 20
"""Bytes up to which the next file of a line is read while the one before it is still being merged."""
_SIDE_BY_SIDE = 2

PATIENCE_SECONDS = 900
"""How long a file that cannot go on holds up the ones behind it, from its arrival."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('nightporter.line.' || :drop || '/' || :profile, 0))"

_READY = """
a.archive IS NOT NULL AND (r.not_before IS NULL OR r.not_before <= clock_timestamp())
AND NOT EXISTS (SELECT FROM nightporter.import_run e
                WHERE e.arrival_id = r.arrival_id AND e.section < r.section AND e.parent_id IS NULL
                      AND e.state IN ('arrived', 'importing'))
AND (a.archive_host = '' OR EXISTS (SELECT FROM nightporter.drop_state s WHERE s.host = a.archive_host
                                    AND s.alive_at > clock_timestamp() - make_interval(secs => :patience)))
"""
"""Its bytes are here, it does not wait, nor does a section before it, and the machine that has the bytes is alive."""

_HEAD = f"""
SELECT r.id, a.archive_host, a.size,
       {_READY} AND {queue.no_job("import_run", "run_id", "r.id", doing="r.id <> :opened")} AS ready
FROM nightporter.import_run r
JOIN LATERAL (SELECT * FROM nightporter.arrival WHERE id = r.arrival_id OFFSET 0) a ON true
WHERE r.profile = :profile AND a.drop_name = :drop AND r.parent_id IS NULL AND r.state = 'arrived'
      AND (r.waits_until > clock_timestamp() OR a.arrived_at > clock_timestamp() - make_interval(secs => :patience) OR ({_READY}))
ORDER BY r.arrival_id, r.section LIMIT 1
"""

_UNDER_WAY = """
SELECT count(*) AS runs, max(a.size) AS largest,
       EXISTS (SELECT FROM nightporter.import_run WHERE profile = :profile AND state = 'imported') AS pinned
FROM nightporter.import_run r JOIN LATERAL (SELECT * FROM nightporter.arrival WHERE id = r.arrival_id OFFSET 0) a ON true
WHERE r.profile = :profile AND a.drop_name = :drop AND r.parent_id IS NULL AND r.state = 'importing'
"""

_BEFORE = """
SELECT r.state FROM nightporter.import_run r
JOIN LATERAL (SELECT * FROM nightporter.arrival WHERE id = r.arrival_id OFFSET 0) a ON true
WHERE r.profile = :profile AND a.drop_name = :drop AND r.parent_id IS NULL AND (r.arrival_id, r.section) < (:arrival, :section)
      AND r.state IN ('arrived', 'importing') AND (r.state = 'importing' OR (
           r.waits_until > clock_timestamp() OR a.arrived_at > clock_timestamp() - make_interval(secs => :patience)))
ORDER BY r.arrival_id, r.section LIMIT 1
"""


def advance_line(conn: Connection, drop: str, profile: str, opened: int = 0) -> bool:
    """Owe the import of the next file of a line, if it can go on, and those before it leave room; whether it did.

    The job that `opened` a run only said what that is about; it is to be had again.
    """
    head = _head(conn, drop, profile, opened)
    if head is None:
        return False
    queue.enqueue(conn, "import_run", head.archive_host, run_id=head.id)
    return True


def take_next(conn: Connection, drop: str, profile: str) -> int | None:
    """The next run of a line, for a caller who imports it now; where another machine has its bytes it is owed instead."""
    head = _head(conn, drop, profile)
    if head is None or head.archive_host in ("", queue.this_host()):
        return None if head is None else int(head.id)
    queue.enqueue(conn, "import_run", head.archive_host, run_id=head.id)
    return None


def _head(conn: Connection, drop: str, profile: str, opened: int = 0) -> Any:
    named = {"drop": drop, "profile": profile}
    conn.execute(text(_LOCK), named)
    under_way = conn.execute(text(_UNDER_WAY), named).one()
    # A first file may pin conventions that the next one is checked against.
    if under_way.runs >= _SIDE_BY_SIDE or (under_way.runs and (under_way.largest > SIDE_BY_SIDE_BYTES or not under_way.pinned)):
        return None
    head = conn.execute(text(_HEAD), named | {"patience": PATIENCE_SECONDS, "opened": opened}).one_or_none()
    return head if head and head.ready and not (under_way.runs and head.size > SIDE_BY_SIDE_BYTES) else None


def state_ahead(conn: Connection, run: ImportRun) -> State | None:
    """The state of the run in the same line that must be in before `run`; None when its turn has come."""
    named = {"drop": run.drop, "profile": run.profile, "arrival": run.arrival_id, "section": run.section}
    state = conn.execute(text(_BEFORE), named | {"patience": PATIENCE_SECONDS}).scalar()
    return None if state is None else State(state)


def waiting_lines(conn: Connection) -> list[tuple[str, str]]:
    """The lines in which a file waits: each a drop and a profile."""
    rows = conn.execute(
        text("""
            SELECT DISTINCT a.drop_name, r.profile FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
            WHERE r.state = 'arrived' AND r.parent_id IS NULL AND a.drop_name <> ''""")
    )
    return [(row.drop_name, row.profile) for row in rows]


def backlog(conn: Connection, drop: str, limit: int) -> int:
    """How many runs of a drop are on their way, and wait for nothing else; counted up to `limit`."""
    count: int = conn.execute(
        text("""
            SELECT count(*) FROM (
                SELECT FROM nightporter.import_run r
                JOIN LATERAL (SELECT * FROM nightporter.arrival WHERE id = r.arrival_id OFFSET 0) a ON true
                WHERE r.state IN ('arrived', 'importing') AND a.drop_name = :drop AND a.disposed_at IS NULL
                      AND (r.not_before IS NULL OR r.not_before <= clock_timestamp())
                LIMIT :limit) counted"""),
        {"drop": drop, "limit": limit},
    ).scalar_one()
    return count

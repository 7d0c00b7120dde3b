"""Custody of arrivals in Postgres: where each file is now, and what is still to be done with it."""

from typing import Any

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.runs import end_vanished
from daemon.model import Arrival, Fetched, RemoteFile, State

_OWED = """
SELECT a.id, a.name, a.size, a.mtime, a.path, a.companions, a.sha256, a.tries, min(r.id) AS run_id, min(r.profile) AS profile,
       array_agg(DISTINCT r.state) AS states
FROM nightporter.arrival a JOIN nightporter.import_run r ON r.arrival_id = a.id AND r.parent_id IS NULL
WHERE a.drop_name = :drop AND a.host = :host AND a.disposed_at IS NULL
      AND (a.not_before IS NULL OR a.not_before <= clock_timestamp()) AND {}
GROUP BY a.id ORDER BY a.id LIMIT :limit
"""
UNFETCHED = "a.sha256 IS NULL AND r.state = 'arrived'"
"""Their bytes are still to be fetched."""
ENDED = "a.ended_at IS NOT NULL AND a.left_at IS NULL"
"""Their runs have ended; the source file is still to be put away."""
LEFT = "a.left_at < clock_timestamp() - interval '1 day'"
"""Left where they are, and not looked at since yesterday."""


def owed_arrivals(conn: Connection, drop: str, host: str, which: str, limit: int = 1000) -> list[Arrival]:
    """The arrivals of a drop with which this machine has something to do now: those UNFETCHED, ENDED, or LEFT."""
    rows = conn.execute(text(_OWED.format(which)), {"drop": drop, "host": host, "limit": limit}).mappings()
    return [_arrival(row) for row in rows]


def _arrival(row: Any) -> Arrival:
    return Arrival(
        id=row["id"],
        file=RemoteFile(row["name"], row["size"], row["mtime"]),
        path=row["path"],
        companions=tuple(row["companions"]),
        sha256=row["sha256"],
        tries=row["tries"],
        run_id=row["run_id"],
        profile=row["profile"],
        states=frozenset(State(state) for state in row["states"]),
    )


def drops_with_ended(conn: Connection) -> list[tuple[str, str]]:
    """The drops, each with its host, in which the source file of an ended run is still to be put away."""
    rows = conn.execute(
        text(
            """
            SELECT DISTINCT drop_name, host FROM nightporter.arrival a
            WHERE disposed_at IS NULL AND drop_name <> '' AND (a.not_before IS NULL OR a.not_before <= clock_timestamp())
                  AND """
            + ENDED
        )
    )
    return [(row.drop_name, row.host) for row in rows]


def adopt_arrivals(conn: Connection, drop: str, host: str, silence: float) -> int:
    """Take over the arrivals of a drop whose machine has been silent for `silence` seconds; returns how many."""
    adopted = conn.execute(
        text("""
            UPDATE nightporter.arrival a SET host = :host
            WHERE drop_name = :drop AND disposed_at IS NULL AND host <> :host AND NOT EXISTS (
                SELECT FROM nightporter.drop_state s WHERE s.drop_name = a.drop_name AND s.host = a.host
                       AND s.alive_at > clock_timestamp() - make_interval(secs => :silence))"""),
        {"drop": drop, "host": host, "silence": silence},
    )
    return adopted.rowcount


def mark_fetched(conn: Connection, arrival_id: int, file: Fetched, path: str, host: str) -> bool:
    """Record that the bytes of an arrival, which is at `path` now, are in `host`'s archive; False when another was first."""
    recorded = conn.execute(
        text("""
            UPDATE nightporter.arrival
            SET archive = :archive, path = :path, sha256 = :sha256, archive_host = :host,
                tries = 0, not_before = NULL, fault = NULL
            WHERE id = :id AND sha256 IS NULL"""),
        {"id": arrival_id, "archive": str(file.path), "path": path, "sha256": file.sha256, "host": host},
    )
    return recorded.rowcount == 1


def put_off_arrival(conn: Connection, arrival: Arrival, fault: str, seconds: float) -> None:
    """Record that a file could not be fetched, or put away; it is tried again after `seconds`."""
    conn.execute(
        text("""
            UPDATE nightporter.arrival
            SET tries = tries + 1, fault = :fault, not_before = clock_timestamp() + make_interval(secs => :seconds)
            WHERE id = :id"""),
        {"id": arrival.id, "fault": fault, "seconds": seconds},
    )


def mark_vanished(conn: Connection, arrival: Arrival) -> bool:
    """Record that a file was gone, or another one, before it could be fetched: its runs end, and it is out of the way.

    False when another process has fetched it.
    """
    gone = conn.execute(
        text("""
            UPDATE nightporter.arrival SET disposed_at = clock_timestamp(), disposed_as = 'vanished'
            WHERE id = :id AND sha256 IS NULL AND disposed_at IS NULL"""),
        {"id": arrival.id},
    )
    if gone.rowcount:
        end_vanished(conn, arrival.id)
    return gone.rowcount == 1


def is_vanished_again(conn: Connection, arrival: Arrival) -> bool:
    """Whether the very same entry was listed, and not there, before."""
    statement = """
        SELECT EXISTS (SELECT FROM nightporter.arrival a JOIN nightporter.arrival b USING (drop_name, name, size, mtime)
                       WHERE a.id = :id AND b.id < a.id AND b.disposed_as = 'vanished')"""
    return bool(conn.execute(text(statement), {"id": arrival.id}).scalar_one())


def mark_ended(conn: Connection, arrival_id: int) -> bool:
    """Record that all runs of an arrival have ended, if they have: its source file may be put away. Whether they have."""
    recorded = conn.execute(
        text("""
            UPDATE nightporter.arrival SET ended_at = clock_timestamp(), tries = 0
            WHERE id = :id AND drop_name <> '' AND ended_at IS NULL AND NOT EXISTS (
                SELECT FROM nightporter.import_run
                WHERE arrival_id = :id AND parent_id IS NULL AND state IN ('arrived', 'importing', 'held'))"""),
        {"id": arrival_id},
    )
    return recorded.rowcount == 1


def mark_put_away(conn: Connection, where: dict[int, str]) -> None:
    """Record by arrival where source files are: out of the way, and whatever has their names from now on is new; or `left`,
    and still those that were imported.
    """
    conn.execute(
        text("""
            UPDATE nightporter.arrival a
            SET disposed_as = w.what, fault = NULL, left_at = CASE w.what WHEN 'left' THEN clock_timestamp() ELSE left_at END,
                disposed_at = CASE WHEN w.what <> 'left' THEN clock_timestamp() END
            FROM unnest(CAST(:ids AS bigint[]), CAST(:what AS text[])) w (id, what)
            WHERE a.id = w.id AND disposed_at IS NULL"""),
        {"ids": list(where), "what": list(where.values())},
    )

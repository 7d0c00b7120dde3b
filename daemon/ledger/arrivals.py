"""Arrivals in Postgres: files that came, where they are now, and what is still to be done with them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from daemon.db import text
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


def arrive(
    conn: Connection,
    drop: str,
    file: RemoteFile,
    sections: list[tuple[str, str]],
    listed_at: datetime,
    host: str,
    control: str | None = None,
    companions: Sequence[str] = (),
) -> int | None:
    """Record a file seen in a listing made at `listed_at`, with a run for each (profile, dataset) of `sections`.

    `host` is the machine that looks after it; `control` is what its control file says, and `companions` are the paths of
    that and of its marker. Returns the id of the first run; None when the file is known already, or was put away since
    the listing; nor is one taken again that was listed and then not there a moment ago.
    """
    arrival = conn.execute(
        text("""
            INSERT INTO nightporter.arrival (drop_name, name, path, size, mtime, host, control, companions, follows)
            SELECT :drop, :name, :name, :size, :mtime, :host, :control, :companions,
                   (SELECT max(id) FROM nightporter.arrival WHERE drop_name = :drop AND name = :name)
            WHERE NOT EXISTS (
                SELECT FROM nightporter.arrival
                WHERE drop_name = :drop AND name = :name AND size = :size AND mtime = :mtime
                      AND (disposed_at > :listed_at OR disposed_as = 'vanished' AND disposed_at > :listed_at - interval '15 min'))
            ON CONFLICT DO NOTHING RETURNING id"""),
        {
            "drop": drop,
            **asdict(file),
            "listed_at": listed_at,
            "host": host,
            "control": control,
            "companions": list(companions),
        },
    ).scalar()
    return None if arrival is None else _open_runs(conn, arrival, sections)


def arrive_inline(conn: Connection, file: RemoteFile, sections: list[tuple[str, str]]) -> int:
    """Record a file given on the command line: it stays where it is, so it counts as put away at once."""
    arrival = conn.execute(
        text("""
            INSERT INTO nightporter.arrival (drop_name, name, path, size, mtime, disposed_at, disposed_as)
            VALUES ('', :name, :name, :size, :mtime, now(), 'left') RETURNING id"""),
        asdict(file),
    ).scalar_one()
    return _open_runs(conn, arrival, sections)


def _open_runs(conn: Connection, arrival: int, sections: list[tuple[str, str]]) -> int:
    ids = [
        conn.execute(
            text("""
                INSERT INTO nightporter.import_run (arrival_id, section, profile, dataset)
                VALUES (:arrival, :section, :profile, :dataset) RETURNING id"""),
            {"arrival": arrival, "section": section, "profile": profile, "dataset": dataset},
        ).scalar_one()
        for section, (profile, dataset) in enumerate(sections)
    ]
    return int(ids[0])


def waiting(conn: Connection, drop: str) -> set[RemoteFile]:
    """The files of a drop that the ledger knows and that are not out of the way."""
    rows = conn.execute(
        text("SELECT name, size, mtime FROM nightporter.arrival WHERE drop_name = :drop AND disposed_at IS NULL"),
        {"drop": drop},
    )
    return {RemoteFile(*row) for row in rows}


def owed(conn: Connection, drop: str, host: str, which: str, limit: int = 1000) -> list[Arrival]:
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


def adopt(conn: Connection, drop: str, host: str, silence: float) -> int:
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


def fetched(conn: Connection, arrival_id: int, file: Fetched, path: str, host: str) -> bool:
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


def failed(conn: Connection, arrival: Arrival, fault: str, seconds: float) -> None:
    """Record that a file could not be fetched, or put away; it is tried again after `seconds`."""
    conn.execute(
        text("""
            UPDATE nightporter.arrival
            SET tries = tries + 1, fault = :fault, not_before = clock_timestamp() + make_interval(secs => :seconds)
            WHERE id = :id"""),
        {"id": arrival.id, "fault": fault, "seconds": seconds},
    )


def vanished(conn: Connection, arrival: Arrival) -> bool:
    """Record that a file was gone, or another one, before it could be fetched: its runs end, and it is out of the way.

    False when another process has fetched it.
    """
    gone = conn.execute(
        text("""
            UPDATE nightporter.arrival SET disposed_at = clock_timestamp(), disposed_as = 'vanished'
            WHERE id = :id AND sha256 IS NULL AND disposed_at IS NULL"""),
        {"id": arrival.id},
    )
    conn.execute(
        text("""
            UPDATE nightporter.import_run SET state = 'vanished', finished_at = clock_timestamp()
            WHERE arrival_id = :id AND state = 'arrived' AND :gone"""),
        {"id": arrival.id, "gone": gone.rowcount == 1},
    )
    return gone.rowcount == 1


def vanished_before(conn: Connection, arrival: Arrival) -> bool:
    """Whether the very same entry was listed, and not there, before."""
    statement = """
        SELECT EXISTS (SELECT FROM nightporter.arrival a JOIN nightporter.arrival b USING (drop_name, name, size, mtime)
                       WHERE a.id = :id AND b.id < a.id AND b.disposed_as = 'vanished')"""
    return bool(conn.execute(text(statement), {"id": arrival.id}).scalar_one())


def ended(conn: Connection, arrival_id: int) -> bool:
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


def put_away(conn: Connection, where: dict[int, str]) -> None:
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


def unmatched(conn: Connection, drop: str) -> set[RemoteFile]:
    """The files of a drop of which the admins have been told that no profile claims them."""
    rows = conn.execute(text("SELECT name, size, mtime FROM nightporter.unmatched WHERE drop_name = :drop"), {"drop": drop})
    return {RemoteFile(*row) for row in rows}


def first_sight(conn: Connection, drop: str, file: RemoteFile) -> bool:
    """Record a file that no profile claims; whether it is seen for the first time."""
    seen = conn.execute(
        text("""
            INSERT INTO nightporter.unmatched (drop_name, name, size, mtime)
            VALUES (:drop, :name, :size, :mtime) ON CONFLICT DO NOTHING"""),
        {"drop": drop, **asdict(file)},
    )
    return seen.rowcount == 1


def old_archives(conn: Connection, keep: float, host: str) -> list[tuple[int, str]]:
    """Arrivals older than `keep` seconds whose bytes are still in `host`'s archive and needed by no run: id and path."""
    rows = conn.execute(
        text("""
            SELECT id, archive FROM nightporter.arrival a
            WHERE archive IS NOT NULL AND archive_host = :host AND arrived_at < clock_timestamp() - make_interval(secs => :keep)
                  AND (disposed_at IS NOT NULL OR left_at IS NOT NULL)
                  AND NOT EXISTS (SELECT FROM nightporter.import_run r WHERE r.arrival_id = a.id
                                  AND r.state IN ('arrived', 'importing', 'held'))
            ORDER BY id"""),
        {"keep": keep, "host": host},
    )
    return [(row.id, row.archive) for row in rows]


def archived(conn: Connection, thousand: int) -> set[str]:
    """The paths of the bytes that the archive keeps of the arrivals of one thousand."""
    rows = conn.execute(
        text("SELECT archive FROM nightporter.arrival WHERE id BETWEEN :first AND :last AND archive IS NOT NULL"),
        {"first": thousand * 1000, "last": thousand * 1000 + 999},
    )
    return set(rows.scalars())


def strays(conn: Connection, drops: Collection[str]) -> list[tuple[str, int]]:
    """Drops that are not among `drops` any more and in which files are still to be put away: each with how many."""
    rows = conn.execute(
        text("""
            SELECT drop_name, count(*) AS files FROM nightporter.arrival
            WHERE disposed_at IS NULL AND drop_name <> '' AND NOT drop_name = ANY(:drops) GROUP BY 1 ORDER BY 1"""),
        {"drops": list(drops)},
    )
    return [(row.drop_name, row.files) for row in rows]


def pruned(conn: Connection, arrival_id: int) -> None:
    """Record that the archive keeps the bytes of an arrival no longer."""
    conn.execute(text("UPDATE nightporter.arrival SET archive = NULL WHERE id = :id"), {"id": arrival_id})

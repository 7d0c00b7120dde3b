"""Arrivals in Postgres: files that came, each with its runs."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection

from daemon.db import text
from daemon.model import RemoteFile


def record_arrival(
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


def record_inline(conn: Connection, file: RemoteFile, sections: list[tuple[str, str]]) -> int:
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


def names_seen(conn: Connection, limit: int) -> list[str]:
    """The names of the latest files, without their folders."""
    rows = conn.execute(
        text("""
            SELECT name FROM (SELECT DISTINCT ON (n) n AS name, id FROM (
                SELECT regexp_replace(name, '^.*/', '') AS n, id FROM nightporter.arrival ORDER BY id DESC LIMIT :limit) latest
                ORDER BY n, id DESC) each ORDER BY id DESC"""),
        {"limit": limit},
    )
    return list(rows.scalars())


def known_files(conn: Connection, drop: str) -> set[RemoteFile]:
    """The files of a drop that the ledger knows and that are not out of the way."""
    rows = conn.execute(
        text("SELECT name, size, mtime FROM nightporter.arrival WHERE drop_name = :drop AND disposed_at IS NULL"),
        {"drop": drop},
    )
    return {RemoteFile(*row) for row in rows}


def strays(conn: Connection, drops: Collection[str]) -> list[tuple[str, int]]:
    """Drops that are not among `drops` any more and in which files are still to be put away: each with how many."""
    rows = conn.execute(
        text("""
            SELECT drop_name, count(*) AS files FROM nightporter.arrival
            WHERE disposed_at IS NULL AND drop_name <> '' AND NOT drop_name = ANY(:drops) GROUP BY 1 ORDER BY 1"""),
        {"drops": list(drops)},
    )
    return [(row.drop_name, row.files) for row in rows]

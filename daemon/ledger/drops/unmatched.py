"""The files of drops that no profile claims."""

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import Connection

from daemon.db import text
from daemon.model import RemoteFile


def unmatched_files(conn: Connection, drop: str) -> set[RemoteFile]:
    """The files of a drop of which the admins have been told that no profile claims them."""
    rows = conn.execute(text("SELECT name, size, mtime FROM nightporter.unmatched WHERE drop_name = :drop"), {"drop": drop})
    return {RemoteFile(*row) for row in rows}


def record_unmatched(conn: Connection, drop: str, file: RemoteFile) -> bool:
    """Record a file that no profile claims; whether it is seen for the first time."""
    seen = conn.execute(
        text("""
            INSERT INTO nightporter.unmatched (drop_name, name, size, mtime)
            VALUES (:drop, :name, :size, :mtime) ON CONFLICT DO NOTHING"""),
        {"drop": drop, **asdict(file)},
    )
    return seen.rowcount == 1


def forget_unmatched(conn: Connection, drop: str, files: Iterable[RemoteFile]) -> None:
    """Forget files that are not there any more, or that a profile claims by now."""
    for file in files:
        conn.execute(
            text("""
                DELETE FROM nightporter.unmatched
                WHERE drop_name = :drop AND name = :name AND size = :size AND mtime = :mtime"""),
            {"drop": drop, **asdict(file)},
        )


def unmatched_count(conn: Connection) -> int:
    """How many files lie in the drops that no profile claims."""
    count: int = conn.execute(text("SELECT count(*) FROM nightporter.unmatched")).scalar_one()
    return count

"""The archive as Postgres knows it: of which arrivals it keeps the bytes."""

from sqlalchemy import Connection

from daemon.db import text


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


def latest_archived(conn: Connection, host: str, limit: int) -> list[tuple[str, str]]:
    """The latest files whose bytes `host`'s archive has: name, without its folder, and path."""
    rows = conn.execute(
        text("""
            SELECT regexp_replace(name, '^.*/', '') AS name, archive FROM nightporter.arrival
            WHERE archive IS NOT NULL AND archive_host = :host ORDER BY id DESC LIMIT :limit"""),
        {"host": host, "limit": limit},
    )
    return [(row.name, row.archive) for row in rows]


def archived_paths(conn: Connection, thousand: int) -> set[str]:
    """The paths of the bytes that the archive keeps of the arrivals of one thousand."""
    rows = conn.execute(
        text("SELECT archive FROM nightporter.arrival WHERE id BETWEEN :first AND :last AND archive IS NOT NULL"),
        {"first": thousand * 1000, "last": thousand * 1000 + 999},
    )
    return set(rows.scalars())


def mark_pruned(conn: Connection, arrival_id: int) -> None:
    """Record that the archive keeps the bytes of an arrival no longer."""
    conn.execute(text("UPDATE nightporter.arrival SET archive = NULL WHERE id = :id"), {"id": arrival_id})

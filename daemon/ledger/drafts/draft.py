"""Drafts in Postgres: each a file and every choice about it, versioned, so that any browser can go on with it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from daemon.db import text

_DRAFT = "SELECT id, file, path, host, choices, version, result, made_by, made_at, changed_at, run_id FROM nightporter.draft"


@dataclass(frozen=True)
class Draft:
    """An import that is being set up. `result` is what the dry run of one version of it came to."""

    id: int
    file: str
    path: str
    host: str
    choices: dict[str, Any]
    version: int
    result: dict[str, Any] | None
    made_by: str
    made_at: datetime
    changed_at: datetime
    run_id: int | None


def begin_draft(conn: Connection, file: str, host: str, by: str) -> int:
    """A new draft for a file, whose bytes will lie where `choose` says."""
    made: int = conn.execute(
        text("""
            INSERT INTO nightporter.draft (file, path, host, choices, made_by) VALUES (:file, '', :host, '{}', :by)
            RETURNING id"""),
        {"file": file, "host": host, "by": by},
    ).scalar_one()
    return made


def choose(conn: Connection, draft: int, version: int, choices: dict[str, Any], path: str | None = None) -> bool:
    """Make the choices of a draft what they are now; False when somebody else changed them meanwhile."""
    changed = conn.execute(
        text("""
            UPDATE nightporter.draft SET choices = CAST(:choices AS jsonb), version = version + 1, path = coalesce(:path, path),
                   changed_at = clock_timestamp()
            WHERE id = :id AND version = :version AND run_id IS NULL"""),
        {"id": draft, "version": version, "choices": json.dumps(choices), "path": path},
    )
    return changed.rowcount == 1


def record_result(conn: Connection, draft: int, result: dict[str, Any]) -> None:
    """Record what a dry run came to."""
    statement = "UPDATE nightporter.draft SET result = CAST(:result AS jsonb) WHERE id = :id"
    conn.execute(text(statement), {"id": draft, "result": json.dumps(result, default=str)})


def end_draft(conn: Connection, draft: int, version: int, run_id: int) -> bool:
    """Record that a version of a draft was imported; False when it is no more the one that stands, or was imported already."""
    statement = "UPDATE nightporter.draft SET run_id = :run WHERE id = :id AND version = :version AND run_id IS NULL"
    return conn.execute(text(statement), {"id": draft, "version": version, "run": run_id}).rowcount == 1


def drop_draft(conn: Connection, draft: int, version: int) -> bool:
    """Forget a version of a draft that is done; False when it is no more the one that stands."""
    statement = "DELETE FROM nightporter.draft WHERE id = :id AND version = :version AND run_id IS NULL"
    return conn.execute(text(statement), {"id": draft, "version": version}).rowcount == 1


def draft_by_id(conn: Connection, draft: int) -> Draft | None:
    """One draft, or None."""
    row = conn.execute(text(f"{_DRAFT} WHERE id = :id"), {"id": draft}).mappings().one_or_none()
    return None if row is None else Draft(**row)


def starter_of(conn: Connection, arrival: int) -> tuple[str, str | None] | None:
    """The account that began an arrival as a draft, and its language; None where nobody did who may still come in."""
    row = conn.execute(
        text("""
            SELECT a.name, a.language FROM nightporter.draft d JOIN nightporter.import_run r ON r.id = d.run_id
            JOIN nightporter.account a ON a.name = d.made_by AND a.ended_at IS NULL WHERE r.arrival_id = :arrival"""),
        {"arrival": arrival},
    ).one_or_none()
    return None if row is None else (row.name, row.language)


def drafts_of(conn: Connection, name: str | None) -> list[Draft]:
    """The drafts that somebody, or anybody, has begun and not imported, the latest first."""
    rows = conn.execute(
        text(f"""{_DRAFT} WHERE run_id IS NULL AND path <> '' AND (CAST(:name AS text) IS NULL OR made_by = :name)
                 ORDER BY changed_at DESC LIMIT 50"""),
        {"name": name},
    )
    return [Draft(**row) for row in rows.mappings()]


def old_drafts(conn: Connection, host: str, days: int) -> list[Draft]:
    """Forget the drafts of a machine that nobody has touched for so many days; returns them, for their bytes to go too."""
    rows = conn.execute(
        text("""
            DELETE FROM nightporter.draft WHERE host = :host AND changed_at < clock_timestamp() - make_interval(days => :days)
            RETURNING id, file, path, host, choices, version, result, made_by, made_at, changed_at, run_id"""),
        {"host": host, "days": days},
    )
    return [Draft(**row) for row in rows.mappings()]

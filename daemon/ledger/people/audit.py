"""The audit: what was done in the console, by whom."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from daemon.db import text


class Audited(NamedTuple):
    """Something that somebody did."""

    at: datetime
    by: str
    action: str
    about: dict[str, Any]


def record_act(conn: Connection, by: str, action: str, **about: object) -> None:
    """Record that somebody did something, in the transaction that does it."""
    statement = "INSERT INTO nightporter.audit (by, action, about) VALUES (:by, :action, CAST(:about AS jsonb))"
    conn.execute(text(statement), {"by": by, "action": action, "about": json.dumps(about, default=str)})


def audited(conn: Connection, limit: int) -> list[Audited]:
    """What was done last, the latest first."""
    rows = conn.execute(
        text("SELECT at, by, action, about FROM nightporter.audit ORDER BY id DESC LIMIT :limit"), {"limit": limit}
    )
    return [Audited(*row) for row in rows]


def profile_acts(conn: Connection, profile: str, limit: int) -> list[Audited]:
    """By what a profile's text became what it is, the latest first: each with the text before and after."""
    rows = conn.execute(
        text("""
            SELECT at, by, action, about FROM nightporter.audit
            WHERE action = 'write profile' AND about->>'name' = :profile
                  OR action = 'import draft' AND about->>'profile' = :profile
            ORDER BY id DESC LIMIT :limit"""),
        {"profile": profile, "limit": limit},
    )
    return [Audited(*row) for row in rows]

"""How this machine finds its drops: when it last looked, what has been wrong since when, and when to look again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from daemon import db
from daemon.db import text

REFUSALS = 3
"""Times that the same credentials are shown to a server that does not take them."""


@dataclass(frozen=True)
class DropState:
    """What is known of a drop. `faults` counts the looks that failed since the last good one; `refusals` those of the login."""

    drop_name: str
    host: str
    looked_at: datetime
    faults: int
    fault: str | None
    since: datetime | None
    next_look: datetime | None
    told: bool
    refusals: int
    credentials: str | None


_FIELDS = "drop_name, host, looked_at, faults, fault, since, next_look, told, refusals, credentials"


def drop_state(conn: Connection, drop: str, host: str) -> DropState | None:
    """A drop's state as a machine finds it; None before its first look."""
    statement = f"SELECT {_FIELDS} FROM nightporter.drop_state WHERE drop_name = :drop AND host = :host"
    row = conn.execute(text(statement), {"drop": drop, "host": host}).mappings().one_or_none()
    return DropState(**row) if row else None


def mark_looking(conn: Connection, drop: str, host: str) -> None:
    """Record that a machine looks into a drop now."""
    conn.execute(
        text("""
            INSERT INTO nightporter.drop_state (drop_name, host) VALUES (:drop, :host)
            ON CONFLICT (drop_name, host) DO UPDATE SET looked_at = clock_timestamp(), alive_at = clock_timestamp()"""),
        {"drop": drop, "host": host},
    )


def mark_alive(conn: Connection, host: str) -> None:
    """Record that a machine is there to import what it fetched, however seldom it looks into its drops."""
    conn.execute(text("UPDATE nightporter.drop_state SET alive_at = clock_timestamp() WHERE host = :host"), {"host": host})


def mark_well(conn: Connection, drop: str, host: str) -> None:
    """Record a good look."""
    _note(conn, drop, host, faults=0, fault=None, since=None, next_look=None, told=False, refusals=0, credentials=None)


def mark_failed(
    conn: Connection, before: DropState | None, drop: str, host: str, fault: str, seconds: float, refused: str | None
) -> None:
    """Record a look that failed; the next one is due after `seconds`. `refused` is a fingerprint of credentials not taken."""
    now = db.now(conn)
    same = before is not None and refused is not None and before.credentials == refused
    _note(
        conn,
        drop,
        host,
        faults=before.faults + 1 if before else 1,
        fault=fault,
        since=(before and before.since) or now,
        next_look=now + timedelta(seconds=min(seconds, 1e9)),
        told=before.told if before else False,
        refusals=0 if refused is None else before.refusals + 1 if same and before else 1,
        credentials=refused,
    )


def mark_told(conn: Connection, drop: str, host: str) -> None:
    """Record that the admins have been told of a drop's fault."""
    conn.execute(
        text("UPDATE nightporter.drop_state SET told = true WHERE drop_name = :drop AND host = :host"),
        {"drop": drop, "host": host},
    )


def _note(conn: Connection, drop: str, host: str, **values: Any) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in values)
    names, gaps = ", ".join(values), ", ".join(f":{name}" for name in values)
    conn.execute(
        text(f"""
            INSERT INTO nightporter.drop_state (drop_name, host, {names}) VALUES (:drop, :host, {gaps})
            ON CONFLICT (drop_name, host) DO UPDATE SET looked_at = clock_timestamp(), {sets}"""),
        {"drop": drop, "host": host, **values},
    )


def faulty_drops(conn: Connection) -> list[str]:
    """The drops that some machine cannot look into, and of which the admins were told."""
    statement = "SELECT DISTINCT drop_name FROM nightporter.drop_state WHERE fault IS NOT NULL AND told ORDER BY drop_name"
    return list(conn.execute(text(statement)).scalars())

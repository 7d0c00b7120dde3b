"""What runs changed, in Postgres: kept for as long as they can be undone."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from daemon.db import text


def prune_history(conn: Connection, keep: timedelta) -> int:
    """Forget what rows were before runs that ended longer than `keep` ago; returns how many rows that was."""
    old = "SELECT id FROM nightporter.import_run WHERE finished_at < clock_timestamp() - :keep"
    count = 0
    for table in ("row_change", "confirmed", "suppressed"):
        count += conn.execute(text(f"DELETE FROM nightporter.{table} WHERE run_id IN ({old})"), {"keep": keep}).rowcount
    ended = "DELETE FROM nightporter.parked WHERE ended_at < clock_timestamp() - :keep"
    return count + conn.execute(text(ended), {"keep": keep}).rowcount


def suppressed(conn: Connection, run_id: int, limit: int) -> list[dict[str, Any]]:
    """Values of a run's file that were not taken: line, field, what was kept, and what the file offered."""
    rows = conn.execute(
        text(
            "SELECT line, field, kept, offered FROM nightporter.suppressed WHERE run_id = :id ORDER BY line, field LIMIT :limit"
        ),
        {"id": run_id, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]

"""What runs changed, parked or did not take, in Postgres: kept for as long as they can be undone."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from daemon.db import text


def prune_history(conn: Connection, keep: timedelta) -> int:
    """Forget what rows were before runs that ended longer than `keep` ago; returns how many rows that was."""
    old = "SELECT id FROM nightporter.import_run WHERE finished_at < clock_timestamp() - :keep"
    count = 0
    for table in ("row_change", "confirmed", "suppressed", "protected"):
        count += conn.execute(text(f"DELETE FROM nightporter.{table} WHERE run_id IN ({old})"), {"keep": keep}).rowcount
    ended = "DELETE FROM nightporter.parked WHERE ended_at < clock_timestamp() - :keep"
    return count + conn.execute(text(ended), {"keep": keep}).rowcount


def suppressed_values(conn: Connection, run_id: int, limit: int) -> list[dict[str, Any]]:
    """Values of a run's file that were not taken: line, field, what was kept, and what the file offered."""
    rows = conn.execute(
        text(
            "SELECT line, field, kept, offered FROM nightporter.suppressed WHERE run_id = :id ORDER BY line, field LIMIT :limit"
        ),
        {"id": run_id, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def take_long_parked(conn: Connection, age: timedelta, few: int) -> list[tuple[str, int, list[str]]]:
    """The profiles whose rows have been parked for longer than `age`, and of whom nobody was told yet: how many rows, and a few
    of the codes that they wait for. They count as told from now on.
    """
    rows = conn.execute(
        text("""
            WITH long AS (
                UPDATE nightporter.parked SET told_at = clock_timestamp()
                WHERE ended_at IS NULL AND told_at IS NULL AND parked_at < clock_timestamp() - :age
                RETURNING run_id, customer_code
            )
            SELECT r.profile, count(*) AS rows, (array_agg(DISTINCT l.customer_code))[1:CAST(:few AS integer)] AS codes
            FROM long l JOIN nightporter.import_run r ON r.id = l.run_id GROUP BY 1 ORDER BY 1"""),
        {"age": age, "few": few},
    )
    return [(row.profile, row.rows, row.codes) for row in rows]


def take_loaded(conn: Connection, few: int) -> list[tuple[str, int, list[str]]]:
    """The profiles of whose rows somebody was told that they wait, and that have loaded since: how many rows, and a few of the
    codes that they waited for. They count as told from now on.
    """
    rows = conn.execute(
        text("""
            WITH loaded AS (
                UPDATE nightporter.parked SET told_at = NULL
                WHERE told_at IS NOT NULL AND ended_as = 'released' RETURNING run_id, customer_code
            )
            SELECT r.profile, count(*) AS rows, (array_agg(DISTINCT l.customer_code))[1:CAST(:few AS integer)] AS codes
            FROM loaded l JOIN nightporter.import_run r ON r.id = l.run_id GROUP BY 1 ORDER BY 1"""),
        {"few": few},
    )
    return [(row.profile, row.rows, row.codes) for row in rows]

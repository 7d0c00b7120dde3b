"""What runs changed, in Postgres: kept for as long as they can be undone."""

from datetime import timedelta

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

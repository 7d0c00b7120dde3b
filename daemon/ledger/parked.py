"""Parked rows in Postgres, as far as runs and people are concerned; loading puts them there and takes them out."""

from datetime import timedelta

from sqlalchemy import Connection

from daemon.db import text


def long_parked(conn: Connection, age: timedelta, few: int) -> list[tuple[str, int, list[str]]]:
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

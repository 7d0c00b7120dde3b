"""The rescue: what is owed and has no job any more gets one again, whoever died, and whatever went wrong in between."""

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon import queue

_NO_JOB = """NOT EXISTS (
    SELECT FROM procrastinate_jobs j
    WHERE j.task_name = '{task}' AND j.status IN ('todo', 'doing') AND (j.args->>'{key}')::bigint = {id})"""

_BURY = """
DELETE FROM procrastinate_jobs j
WHERE status = 'failed' OR (status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers w
    WHERE w.id = j.worker_id AND w.last_heartbeat > now() - make_interval(secs => :silence)))
"""

# A run without a drop, or made by a retry, is worked on by a command that somebody is looking at.
_GIVE_BACK = f"""
UPDATE nightporter.import_run SET state = 'arrived' WHERE id IN (
    SELECT r.id FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
    WHERE r.state = 'importing' AND r.parent_id IS NULL AND a.drop_name <> ''
          AND {_NO_JOB.format(task="import_run", key="run_id", id="r.id")}
    FOR UPDATE OF r SKIP LOCKED)
"""

_RUNS_OWED = f"""
SELECT r.id, a.host FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
WHERE r.state = 'arrived' AND r.parent_id IS NULL AND a.drop_name <> ''
      AND NOT EXISTS (
          SELECT FROM nightporter.import_run earlier
          WHERE earlier.arrival_id = r.arrival_id AND earlier.section < r.section AND earlier.parent_id IS NULL
                AND earlier.state IN ('arrived', 'importing'))
      AND {_NO_JOB.format(task="import_run", key="run_id", id="r.id")}
"""

_DISPOSALS_OWED = f"""
SELECT max(r.id), a.host FROM nightporter.arrival a JOIN nightporter.import_run r ON r.arrival_id = a.id AND r.parent_id IS NULL
WHERE a.disposed_at IS NULL AND a.drop_name <> ''
GROUP BY a.id HAVING bool_and(r.state IN ('imported', 'refused', 'vanished'))
       AND bool_and({_NO_JOB.format(task="dispose", key="run_id", id="r.id")})
"""

_MAILS_OWED = f"""
SELECT e.id FROM nightporter.email e
WHERE e.sent_at IS NULL AND e.given_up_at IS NULL AND {_NO_JOB.format(task="send_result_email", key="email_id", id="e.id")}
"""


def rescue(conn: Connection, silence: float) -> int:
    """Bury the jobs of workers silent for `silence` seconds, and owe again whatever has no job; returns how much that was.

    One process does it at a time. The ledger says what is owed, so nothing depends on how the job was lost.
    """
    if not conn.execute(sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('nightporter.rescue', 0))")).scalar_one():
        return 0
    conn.execute(sa.text(_BURY), {"silence": silence})
    conn.execute(sa.text(_GIVE_BACK))
    found = 0
    for run_id, host in conn.execute(sa.text(_RUNS_OWED)).all():
        queue.enqueue(conn, "import_run", host, run_id=run_id)
        found += 1
    for run_id, host in conn.execute(sa.text(_DISPOSALS_OWED)).all():
        queue.enqueue(conn, "dispose", host, run_id=run_id)
        found += 1
    for (email_id,) in conn.execute(sa.text(_MAILS_OWED)).all():
        queue.enqueue(conn, "send_result_email", email_id=email_id)
        found += 1
    return found

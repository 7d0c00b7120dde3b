"""The rescue: what is owed and has no job any more gets one again, whoever died, and whatever went wrong in between."""

from sqlalchemy import Connection

from daemon import ledger, queue
from daemon.db import text

_NO_JOB = """NOT EXISTS (
    SELECT FROM procrastinate_jobs j
    WHERE j.task_name = '{task}' AND j.status IN ('todo', 'doing') AND (j.args->>'{key}')::bigint = {id})"""

_BURY = """
DELETE FROM procrastinate_jobs j
WHERE status = 'failed' OR (status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers w
    WHERE w.id = j.worker_id AND w.last_heartbeat > now() - make_interval(secs => :silence)))
"""

# A run without a drop, or made by a retry, is worked on by a command that somebody is looking at; one that was approved is not.
_GIVE_BACK = f"""
UPDATE nightporter.import_run i SET state = CASE WHEN approved IS NULL THEN 'arrived' ELSE 'held' END WHERE id IN (
    SELECT r.id FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
    WHERE r.state = 'importing' AND (r.parent_id IS NULL AND a.drop_name <> '' OR r.approved IS NOT NULL)
          AND {_NO_JOB.format(task="import_run", key="run_id", id="r.id")}
    FOR UPDATE OF r SKIP LOCKED)
"""

_MAILS_OWED = f"""
SELECT e.id FROM nightporter.email e
WHERE e.sent_at IS NULL AND e.given_up_at IS NULL AND e.digest IS NULL
      AND {_NO_JOB.format(task="send_result_email", key="email_id", id="e.id")}
"""

_HAS_JOB = f"SELECT NOT {_NO_JOB.format(task='import_run', key='run_id', id=':run')}"


def rescue(conn: Connection, silence: float) -> int:
    """Bury the jobs of workers silent for `silence` seconds, and owe again whatever has no job; returns how much that was.

    One process does it at a time. The ledger says what is owed, so nothing depends on how the job was lost.
    """
    ledger.alive(conn, queue.this_host())
    if not conn.execute(text("SELECT pg_try_advisory_xact_lock(hashtextextended('nightporter.rescue', 0))")).scalar_one():
        return 0
    conn.execute(text(_BURY), {"silence": silence})
    conn.execute(text(_GIVE_BACK))
    found = 0
    for drop, profile in sorted(ledger.lines(conn)):
        found += ledger.advance(conn, drop, profile)
    for run_id, host in ledger.approved_waiting(conn):
        if not conn.execute(text(_HAS_JOB), {"run": run_id}).scalar_one():
            queue.enqueue(conn, "import_run", host, run_id=run_id)
            found += 1
    for (email_id,) in conn.execute(text(_MAILS_OWED)).all():
        queue.enqueue(conn, "send_result_email", email_id=email_id)
        found += 1
    return found

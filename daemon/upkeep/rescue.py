"""The rescue: what is owed and has no job any more gets one again, whoever died, and whatever went wrong in between."""

from sqlalchemy import Connection

from daemon import ledger, queue, results
from daemon.db import text


def rescue(conn: Connection, silence: float) -> int:
    """Bury the jobs of workers silent for `silence` seconds, and owe again whatever has no job; returns how much that was.

    One process does it at a time. The ledger says what is owed, so nothing depends on how the job was lost.
    """
    ledger.drops.mark_alive(conn, queue.this_host())
    if not conn.execute(text("SELECT pg_try_advisory_xact_lock(hashtextextended('nightporter.rescue', 0))")).scalar_one():
        return 0
    queue.bury_jobs(conn, silence)
    ledger.runs.give_back_lost(conn)
    found = 0
    for drop, profile in sorted(ledger.runs.waiting_lines(conn)):
        found += ledger.runs.advance_line(conn, drop, profile)
    for run_id, host in ledger.runs.approved_runs(conn):
        queue.enqueue(conn, "import_run", host, run_id=run_id)
        found += 1
    for email_id in results.owed_mails(conn):
        queue.enqueue(conn, "send_result_email", email_id=email_id)
        found += 1
    return found

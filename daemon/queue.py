"""The queue: Procrastinate, in the same Postgres as the work it owes.

Two apps, for an app that a running worker has opened cannot enqueue on a caller's connection: one never opened, to
enqueue with, and one that workers run.
"""

import json
import socket
from datetime import datetime

import procrastinate
from procrastinate import PsycopgConnector, SyncPsycopgConnector
from sqlalchemy import Connection

from daemon import db

_enqueuer = procrastinate.App(connector=SyncPsycopgConnector())


def this_host() -> str:
    """The name under which this machine's own work waits: its local folders and its archive."""
    return socket.gethostname()


def lanes(*, imports: bool) -> list[str]:
    """The queues that a worker's lane takes from: imports, or errands (mails, disposals), which must not wait for imports."""
    kind = "imports" if imports else "errands"
    return [kind, f"{kind}@{this_host()}"]


def enqueue(conn: Connection, task: str, host: str = "", at: datetime | None = None, **arguments: int) -> None:
    """Owe `task` from the moment the caller's transaction commits, not before `at`; on the machine `host` if one is named."""
    kind = "imports" if task == "import_run" else "errands"
    queue = f"{kind}@{host}" if host else kind
    try:
        _enqueuer.configure_task(task, queue=queue, schedule_at=at, connection=db.driver(conn)).defer(**arguments)
    except procrastinate.exceptions.ConnectorException as error:
        raise error.__cause__ or error from None  # the database's fault, by its own name


def is_about(conn: Connection, job: int, **arguments: int) -> None:
    """Say what a job that is being done is about by now, so that it is known who works on what."""
    statement = db.text("UPDATE procrastinate_jobs SET args = CAST(:args AS jsonb) WHERE id = :job")
    conn.execute(statement, {"job": job, "args": json.dumps(arguments)})


def no_job(task: str, key: str, id: str, doing: str = "true") -> str:
    """The SQL condition that no job of `task` is about `id`, waiting, or, where `doing` holds, under way."""
    return f"""NOT EXISTS (
        SELECT FROM procrastinate_jobs j
        WHERE j.task_name = '{task}' AND (j.args->>'{key}')::bigint = {id}
              AND (j.status = 'todo' OR (j.status = 'doing' AND {doing})))"""


def bury_jobs(conn: Connection, silence: float) -> None:
    """Forget the jobs that failed, and those of workers silent for `silence` seconds."""
    statement = """
        DELETE FROM procrastinate_jobs j
        WHERE status = 'failed' OR (status = 'doing' AND NOT EXISTS (
            SELECT FROM procrastinate_workers w
            WHERE w.id = j.worker_id AND w.last_heartbeat > now() - make_interval(secs => :silence)))"""
    conn.execute(db.text(statement), {"silence": silence})


def worker_app(url: str, connections: int) -> procrastinate.App:
    """The app a worker runs, on a pool of its own."""
    connector = PsycopgConnector(
        conninfo=url,
        kwargs={"options": f"-c search_path={db.SEARCH_PATH}", "application_name": "nightporter worker"} | db.KEEPALIVES,
        min_size=1,
        max_size=connections,
    )
    return procrastinate.App(connector=connector)

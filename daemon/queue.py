"""The queue: Procrastinate, in the same Postgres as the work it owes.

Two apps, for an app that a running worker has opened cannot enqueue on a caller's connection: one never opened, to
enqueue with, and one that workers run.
"""

import socket
from datetime import datetime

import procrastinate
from procrastinate import PsycopgConnector, SyncPsycopgConnector
from sqlalchemy import Connection

from daemon import db

SHARED = "shared"
"""The queue every worker takes from."""

_enqueuer = procrastinate.App(connector=SyncPsycopgConnector())


def of_host(host: str | None = None) -> str:
    """The queue of work that only one machine can do: its local folders and its archive."""
    return f"host:{host or socket.gethostname()}"


def enqueue(conn: Connection, task: str, queue: str, at: datetime | None = None, **arguments: int) -> None:
    """Owe `task` from the moment the caller's transaction commits, not before `at`."""
    _enqueuer.configure_task(task, queue=queue, schedule_at=at, connection=db.driver(conn)).defer(**arguments)


def worker_app(url: str, connections: int) -> procrastinate.App:
    """The app a worker runs, on a pool of its own."""
    connector = PsycopgConnector(
        conninfo=url,
        kwargs={"options": f"-c search_path={db.SEARCH_PATH}", "application_name": "nightporter worker"},
        min_size=1,
        max_size=connections,
    )
    return procrastinate.App(connector=connector)

"""`run`, `worker`, `migrate`: the commands that serve."""

import os
import sys
import threading
from typing import Annotated

import typer


def run(context: typer.Context) -> None:
    """Serve: watch the drops, import what arrives, send the results, show the pages. One command on one machine."""
    from daemon.service.run import run as serve

    serve(context.obj)
    sys.stderr.flush()
    os._exit(0)  # a look into a silent server may go on until its time-out; nothing is lost by not waiting for it


def worker(context: typer.Context, child: Annotated[bool, typer.Option("--child", hidden=True)] = False) -> None:
    """Take imports and mails from the queue; any number of machines may."""
    from daemon import db, settings
    from daemon.service import worker as working
    from daemon.service.child import let_begin, stop_on_signal

    loaded = settings.load(context.obj)
    stop = threading.Event()
    if child and not let_begin():
        return
    stop_on_signal(stop, watch_parent=child)
    with db.opened(loaded, own=False if child else None) as engine:
        working.run(engine, loaded, stop)


def pages(context: typer.Context, child: Annotated[bool, typer.Option("--child", hidden=True)] = False) -> None:
    """Show the pages; `run` has a process for it."""
    from daemon import db, settings
    from daemon.service import pages as showing
    from daemon.service.child import let_begin, stop_on_signal

    loaded = settings.load(context.obj)
    stop = threading.Event()
    if child and not let_begin():
        return
    stop_on_signal(stop, watch_parent=child)
    with db.opened(loaded, own=False, most=showing.CONNECTIONS) as engine:
        showing.run(engine, loaded, stop)


def migrate(context: typer.Context) -> None:
    """Bring the database's schemas up to this version; `run` does it too."""
    from daemon import db, settings

    with db.opened(settings.load(context.obj)):
        print("The database is up to date.")

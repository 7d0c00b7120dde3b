"""The bodies of the queue's tasks, each a few lines. A task that fails is queued again; none is lost."""

import time

import procrastinate
from sqlalchemy import Engine

from daemon import db, ledger, queue, results
from daemon.importing import begin, carry_out, rehearse_draft
from daemon.log import get
from daemon.profiles import Profiles
from daemon.settings import Settings

log = get(__name__)

_TURN_SECONDS = 2.0
"""How long one line keeps a lane when others may wait."""


def register(app: procrastinate.App, engine: Engine, settings: Settings, profiles: Profiles) -> None:
    """Give a worker's app the tasks it can run."""

    @app.task(name="import_run", pass_context=True)
    def import_run(context: procrastinate.JobContext, run_id: int) -> None:
        assert context.job.id is not None
        take_turn(engine, settings, profiles, run_id, context.job.id)

    @app.task(name="send_result_email")
    def send_result_email(email_id: int) -> None:
        results.deliver(engine, settings, profiles, email_id)

    @app.task(name="rehearse_draft")
    def rehearse_one(draft_id: int) -> None:
        rehearse_draft(engine, settings, profiles, draft_id)

    @app.periodic(cron="0 0 1 1 *")
    @app.task(name="keep_listening", queue="errands")
    def keep_listening(timestamp: int) -> None:
        """Without one periodic task Procrastinate's side tasks end, and a lost LISTEN connection stays lost."""


def take_turn(engine: Engine, settings: Settings, profiles: Profiles, run_id: int, job: int) -> None:
    """Import a run and then, for a moment, the next ones of its line; after that the line waits behind the others again.

    A job for each of ten thousand small files would cost as much as their rows: the one there is is about each in turn.
    """
    ends = time.monotonic() + _TURN_SECONDS
    with db.transaction(engine, durable=False) as conn:
        run = begin(conn, profiles, run_id)
        if run and run.drop:
            ledger.runs.advance_line(conn, run.drop, run.profile)  # another lane may read the next file meanwhile
    while run and carry_out(engine, settings, profiles, run, keep_line=True) and run.drop:
        with db.transaction(engine, durable=False) as conn:
            line, run = (run.drop, run.profile), None
            if time.monotonic() > ends:
                ledger.runs.advance_line(conn, *line)
            elif following := ledger.runs.take_next(conn, *line):
                run = begin(conn, profiles, following)
                queue.is_about(conn, job, run_id=following)

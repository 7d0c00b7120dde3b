"""The bodies of the queue's tasks, each a few lines. A task that fails is queued again; none is lost."""

import time
from datetime import timedelta

import procrastinate
from sqlalchemy import Connection, Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.attempt import begin, carry_out
from daemon.errors import TryLater
from daemon.log import get
from daemon.profiles import Profiles
from daemon.results import Digest, Links, Owed, Result, compose
from daemon.results.email import FIRST_REJECTIONS
from daemon.settings import Settings

log = get(__name__)

_MAIL_ATTEMPTS = 12
_LONGEST_WAIT = 3600.0
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
        send(engine, settings, email_id)

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
            ledger.advance(conn, run.drop, run.profile)  # another lane may read the next file meanwhile
    while run and carry_out(engine, settings, profiles, run, hold=True) and run.drop:
        with db.transaction(engine, durable=False) as conn:
            line, run = (run.drop, run.profile), None
            if time.monotonic() > ends:
                ledger.advance(conn, *line)
            elif following := ledger.take(conn, *line):
                run = begin(conn, profiles, following)
                queue.is_about(conn, job, run_id=following)


def send(engine: Engine, settings: Settings, email_id: int) -> None:
    """Send an owed mail, or owe it again; the same Message-ID each time, so that a second copy is known for one."""
    with db.transaction(engine) as conn:
        later = _LONGEST_WAIT if settings.mail is None else results.GATHERING_SECONDS if results.gathering(conn, email_id) else 0
        if later or settings.mail is None:
            at = ledger.now(conn) + timedelta(seconds=later)
            queue.enqueue(conn, "send_result_email", at=at, email_id=email_id)
            return
        mail = results.take(conn, email_id)
    if mail is None:
        return
    with db.transaction(engine) as conn:
        if mail.attempts > _MAIL_ATTEMPTS:
            results.undelivered(conn, mail, mail.fault or "every attempt ended without a word", None)
            return
        message = compose(mail, settings.mail.sender, _told(conn, settings, mail))
    try:
        results.send(settings, settings.mail, message)
    except TryLater as reason:
        with db.transaction(engine) as conn:
            at = ledger.now(conn) + timedelta(seconds=settings.imports.after(mail.attempts - 1))
            results.undelivered(conn, mail, str(reason), at if mail.attempts < _MAIL_ATTEMPTS else None)
        log.warning("mail_not_taken", mail=mail.id, attempt=mail.attempts, reason=str(reason))
        return
    failpoint.reach("mail taken")
    with db.transaction(engine) as conn:
        results.was_sent(conn, mail)


def _told(conn: Connection, settings: Settings, mail: Owed) -> Result | Digest | None:
    """What a mail tells of."""
    links = Links.of(settings)
    if mail.kind == "digest":
        return results.gathered(conn, mail, lambda run_id: links.rejects(run_id, mail.recipient))
    run = ledger.get(conn, mail.run_id) if mail.run_id else None
    if run is None:
        return None
    rejections = list(ledger.rejections(conn, run.id, limit=FIRST_REJECTIONS))
    return Result(
        run,
        rejections,
        links.rejects(run.id, mail.recipient),
        links.days,
        links.decision(run.id, mail.recipient),
        round(settings.imports.held_for / 86400),
    )

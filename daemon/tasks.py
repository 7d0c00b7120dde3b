"""The bodies of the queue's tasks, each a few lines. A task that fails is queued again; none is lost."""

from datetime import timedelta

import procrastinate
from sqlalchemy import Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.attempt import attempt, put_away
from daemon.errors import TryLater
from daemon.log import get
from daemon.profiles import Profiles
from daemon.results import Links, compose
from daemon.results.email import FIRST_REJECTIONS, Result
from daemon.settings import Settings

log = get(__name__)

_MAIL_ATTEMPTS = 12
_LONGEST_WAIT = 3600.0


def register(app: procrastinate.App, engine: Engine, settings: Settings, profiles: Profiles) -> None:
    """Give a worker's app the tasks it can run."""

    @app.task(name="import_run")
    def import_run(run_id: int) -> None:
        attempt(engine, settings, profiles, run_id)

    @app.task(name="dispose")
    def dispose(run_id: int, tried: int = 0) -> None:
        dispose_or_later(engine, settings, run_id, tried)

    @app.task(name="send_result_email")
    def send_result_email(email_id: int) -> None:
        send(engine, settings, email_id)

    @app.periodic(cron="0 0 1 1 *")
    @app.task(name="keep_listening", queue="errands")
    def keep_listening(timestamp: int) -> None:
        """Without one periodic task Procrastinate's side tasks end, and a lost LISTEN connection stays lost."""


def dispose_or_later(engine: Engine, settings: Settings, run_id: int, tried: int) -> None:
    """Put a source file away, or owe it again after a while, for as long as it takes: the import itself stands."""
    try:
        put_away(engine, settings, run_id)
    except TryLater as reason:
        log.warning("dispose_later", run=run_id, reason=str(reason))
        with db.transaction(engine) as conn:
            run = ledger.get(conn, run_id)
            assert run
            at = ledger.now(conn) + timedelta(seconds=min(settings.imports.retry_after * 2.0**tried, _LONGEST_WAIT))
            queue.enqueue(conn, "dispose", run.host, at=at, run_id=run_id, tried=min(tried + 1, 20))


def send(engine: Engine, settings: Settings, email_id: int) -> None:
    """Send an owed mail, or owe it again; the same Message-ID each time, so that a second copy is known for one."""
    with db.transaction(engine) as conn:
        if settings.mail is None:
            later = ledger.now(conn) + timedelta(seconds=_LONGEST_WAIT)
            queue.enqueue(conn, "send_result_email", at=later, email_id=email_id)
            return
        mail = results.take(conn, email_id)
        if mail is None:
            return
        if mail.attempts > _MAIL_ATTEMPTS:
            results.undelivered(conn, mail, mail.fault or "every attempt ended without a word", None)
            return
        run = ledger.get(conn, mail.run_id) if mail.run_id else None
        rejections = list(ledger.rejections(conn, run.id, limit=FIRST_REJECTIONS)) if run else []
    links = Links(settings.link_keys, settings.web.public_url, settings.web.link_days)
    result = Result(run, rejections, links.rejects(run.id, mail.recipient), links.days) if run else None
    message = compose(mail, settings.mail.sender, result)
    try:
        results.send(settings, settings.mail, message)
    except TryLater as reason:
        with db.transaction(engine) as conn:
            at = ledger.now(conn) + timedelta(
                seconds=min(settings.imports.retry_after * 2.0 ** (mail.attempts - 1), _LONGEST_WAIT)
            )
            results.undelivered(conn, mail, str(reason), at if mail.attempts < _MAIL_ATTEMPTS else None)
        log.warning("mail_not_taken", mail=mail.id, attempt=mail.attempts, reason=str(reason))
        return
    failpoint.reach("mail taken")
    with db.transaction(engine) as conn:
        results.was_sent(conn, mail)

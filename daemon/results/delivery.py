"""Delivery: an owed mail is made and sent, or owed again."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from daemon import db, failpoint, ledger, queue
from daemon.errors import TryLater
from daemon.log import get
from daemon.results import smtp
from daemon.results.digest import Digest, gathered
from daemon.results.email import FIRST_REJECTIONS, Result, compose
from daemon.results.links import Links
from daemon.results.outbox import GATHERING_SECONDS, Owed, is_gathering, mark_sent, mark_undelivered, take_mail
from daemon.settings import Settings

log = get(__name__)

_MAIL_ATTEMPTS = 12
_WITHOUT_MAIL_SECONDS = 3600.0
"""How often it is looked whether the settings have a mail server by now."""


def deliver(engine: Engine, settings: Settings, email_id: int) -> None:
    """Send an owed mail, or owe it again; the same Message-ID each time, so that a second copy is known for one."""
    with db.transaction(engine) as conn:
        later = _WITHOUT_MAIL_SECONDS if settings.mail is None else GATHERING_SECONDS if is_gathering(conn, email_id) else 0
        if later or settings.mail is None:
            at = db.now(conn) + timedelta(seconds=later)
            queue.enqueue(conn, "send_result_email", at=at, email_id=email_id)
            return
        mail = take_mail(conn, email_id)
    if mail is None:
        return
    with db.transaction(engine) as conn:
        if mail.attempts > _MAIL_ATTEMPTS:
            mark_undelivered(conn, mail, mail.fault or "every attempt ended without a word", None)
            return
        message = compose(mail, settings.mail.sender, _told(conn, settings, mail))
    try:
        smtp.send(settings, settings.mail, message)
    except TryLater as reason:
        with db.transaction(engine) as conn:
            at = db.now(conn) + timedelta(seconds=settings.imports.after(mail.attempts - 1))
            mark_undelivered(conn, mail, str(reason), at if mail.attempts < _MAIL_ATTEMPTS else None)
        log.warning("mail_not_taken", mail=mail.id, attempt=mail.attempts, reason=str(reason))
        return
    failpoint.reach("mail taken")
    with db.transaction(engine) as conn:
        mark_sent(conn, mail)


def _told(conn: Connection, settings: Settings, mail: Owed) -> Result | Digest | None:
    """What a mail tells of."""
    links = Links.of(settings)
    if mail.kind == "digest":
        return gathered(conn, mail, lambda run_id: links.rejects(run_id, mail.recipient))
    run = ledger.runs.run_by_id(conn, mail.run_id) if mail.run_id else None
    if run is None:
        return None
    rejections = list(ledger.runs.rejections(conn, run.id, limit=FIRST_REJECTIONS))
    return Result(
        run,
        rejections,
        links.rejects(run.id, mail.recipient),
        links.days,
        links.decision(run.id, mail.recipient),
        round(settings.imports.held_for / 86400),
    )

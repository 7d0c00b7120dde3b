"""Delivery: an owed mail is made and sent, or owed again."""

import io
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from daemon import db, failpoint, ledger, queue
from daemon.errors import MailRefused, SetupFault, TryLater
from daemon.languages import nearest_language
from daemon.log import get
from daemon.model import ImportRun
from daemon.profiles import Profiles
from daemon.results import smtp
from daemon.results.digest import gathered
from daemon.results.email import Told, attach, compose
from daemon.results.links import Links
from daemon.results.outbox import GATHERING_SECONDS, Owed, is_gathering, mark_sent, mark_undelivered, take_mail
from daemon.results.rejections import as_xlsx, file_name
from daemon.results.result import Result, result_of, zone_of
from daemon.results.summary import summary_of
from daemon.settings import Person, Settings
from daemon.words import Words

log = get(__name__)

_MAIL_ATTEMPTS = 12
_MOST_ATTACHED = 20_000
"""Rows: a larger workbook is not even made."""
_WITHOUT_MAIL_SECONDS = 3600.0
"""How often it is looked whether the settings have a mail server by now."""


def deliver(engine: Engine, settings: Settings, profiles: Profiles, email_id: int) -> None:
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
        told, run = _told(conn, settings, profiles, mail)
        workbook = _workbook(conn, settings, mail, run) if run else None
        if isinstance(told, Result) and workbook:
            told = replace(told, is_attached=True)
        message = compose(settings, mail, settings.mail.sender, told, zone_of(conn, settings, run, mail))
        if run and workbook:
            attach(message, file_name(run, "xlsx"), workbook)
    try:
        smtp.send(settings, settings.mail, message)
    except MailRefused as refused:
        with db.transaction(engine) as conn:
            mark_undelivered(conn, mail, str(refused), None)
        log.warning("mail_refused", mail=mail.id, reason=str(refused))
        return
    except TryLater as reason:
        with db.transaction(engine) as conn:
            at = db.now(conn) + timedelta(seconds=settings.imports.after(mail.attempts - 1))
            mark_undelivered(conn, mail, str(reason), at if mail.attempts < _MAIL_ATTEMPTS else None)
        log.warning("mail_not_taken", mail=mail.id, attempt=mail.attempts, reason=str(reason))
        return
    failpoint.reach("mail taken")
    with db.transaction(engine) as conn:
        mark_sent(conn, mail)


def _told(conn: Connection, settings: Settings, profiles: Profiles, mail: Owed) -> tuple[Told, ImportRun | None]:
    """What a mail tells of, and the run that it is about."""
    links = Links.of(settings)
    if mail.kind == "digest":
        return gathered(
            conn, mail, lambda run_id: links.rejects(run_id, mail.recipient, mail.language, mail.timezone or "UTC")
        ), None
    if mail.kind == "summary":
        return summary_of(conn, settings, profiles, mail), None
    run = ledger.runs.run_by_id(conn, mail.run_id) if mail.run_id else None
    return (result_of(conn, settings, run, mail) if run else None), run


def _workbook(conn: Connection, settings: Settings, mail: Owed, run: ImportRun) -> io.BytesIO | None:
    """The workbook of a run's rejected rows, if the settings wish that it goes with the mail, and it is not too large."""
    most = settings.mail.attach_mb << 20 if settings.mail else 0
    if not most or not run.tally or not 0 < run.tally.rejected <= _MOST_ATTACHED:
        return None
    workbook = io.BytesIO()
    rejections = ledger.runs.rejections(conn, run.id, unresolved=True)
    as_xlsx(run, rejections, Words(mail.language), workbook, Links.of(settings).mark(run.id))
    return workbook if workbook.tell() <= most else None


def send_test(settings: Settings, to: Person) -> None:
    """Send a test to somebody, in their language and by their clock. Raises TryLater, MailRefused, SetupFault."""
    if settings.mail is None:
        raise SetupFault("the settings have no [mail]: there is no server to send by")
    now = datetime.now(UTC)
    message_id = f"<{uuid.uuid4()}@nightporter>"
    language = nearest_language(to.language)
    mail = Owed(0, "test", None, None, to.email, language, message_id, 1, now, to.timezone, None, None, None)
    smtp.send(settings, settings.mail, compose(settings, mail, settings.mail.sender, None, to.timezone or "UTC"))

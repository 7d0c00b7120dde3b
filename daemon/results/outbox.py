"""The outbox: every mail owed to one recipient, recorded and queued in the transaction that owes it."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from daemon import db, ledger, queue
from daemon.db import text
from daemon.languages import nearest_language
from daemon.model import ImportRun
from daemon.settings import Person

DIGEST_FROM = 10
"""As many files of one drop on their way are told together."""
GATHERING_SECONDS = 5.0
"""How often a digest looks whether its drop is done."""
LONGEST_GATHERING_SECONDS = 900.0
"""While files go on coming, those that came by then are told."""


@dataclass(frozen=True)
class Owed:
    """A mail that somebody is owed. `about` says what of, where that is no import run."""

    id: int
    kind: str
    run_id: int | None
    about: dict[str, Any] | None
    recipient: str
    language: str
    message_id: str
    attempts: int
    queued_at: datetime
    timezone: str | None
    sent_at: datetime | None
    given_up_at: datetime | None
    fault: str | None


def owe_result(conn: Connection, run: ImportRun, to: Iterable[Person], *, at_once: bool = False, waits: bool = False) -> None:
    """Owe the result of a run to each of `to`; as part of a digest, while many files of the run's drop are on their way, but
    for what must be told `at_once`. What `waits` for a person keeps no quiet hours.
    """
    many = bool(run.drop) and not at_once and ledger.runs.backlog(conn, run.drop, DIGEST_FROM) == DIGEST_FROM
    for person in _sorted(to):
        _owe(conn, person, "result", run.id, None, None if at_once else _digest(conn, run.drop, person, many), waits=waits)


def owe_notice(conn: Connection, kind: str, to: Iterable[Person], *, many: bool = False, drop: str = "", **about: object) -> None:
    """Owe each of `to` the news of something that is no import's result; as part of a digest when there are `many`."""
    for person in _sorted(to):
        digest = _digest(conn, drop, person, many) if many else None
        _owe(conn, person, kind, None, {"drop": drop, **about}, digest, waits=kind == "missing")


def was_told(conn: Connection, kind: str, to: str | None = None, **about: str) -> bool:
    """Whether somebody, or one of them, was owed this news before."""
    statement = text("""
        SELECT EXISTS (SELECT FROM nightporter.email WHERE kind = :kind AND about @> CAST(:about AS jsonb)
                       AND (CAST(:to AS text) IS NULL OR recipient = :to))""")
    return bool(conn.execute(statement, {"kind": kind, "to": to, "about": json.dumps(about)}).scalar())


def _sorted(to: Iterable[Person]) -> list[Person]:
    """In one order, so that no two transactions wait for each other's digests."""
    return sorted(to, key=lambda person: (person.email, person.language))


def _digest(conn: Connection, drop: str, to: Person, many: bool) -> int | None:
    """The digest about a drop that is being gathered for somebody; made, if there are many mails and none is."""
    named = {"recipient": to.email, "language": nearest_language(to.language), "drop": drop}
    # Locked, so that it is not sent before the caller's transaction has put its mail into it.
    gathered = text("""
        SELECT id FROM nightporter.email
        WHERE kind = 'digest' AND attempts = 0 AND recipient = :recipient AND language = :language AND about->>'drop' = :drop
        FOR SHARE""")
    found = conn.execute(gathered, named).scalar()
    if found is not None or not many:
        return found
    made = conn.execute(
        text("""
            INSERT INTO nightporter.email (kind, about, recipient, language, message_id)
            VALUES ('digest', jsonb_build_object('drop', CAST(:drop AS text)), :recipient, :language, :message_id)
            ON CONFLICT DO NOTHING RETURNING id"""),
        named | {"message_id": _message_id()},
    ).scalar()
    if made is None:
        return conn.execute(gathered, named).scalar()
    queue.enqueue(conn, "send_result_email", at=db.now(conn) + timedelta(seconds=GATHERING_SECONDS), email_id=made)
    return int(made)


def _message_id() -> str:
    return f"<{uuid.uuid4()}@nightporter>"


def _owe(
    conn: Connection,
    to: Person,
    kind: str,
    run_id: int | None,
    about: dict[str, Any] | None,
    digest: int | None,
    *,
    waits: bool,
) -> None:
    """Owe a mail, unless its reader does not want any of its kind; later, or never, as they wish, if nothing `waits` for them."""
    if not to.wants(kind):
        return
    now = db.now(conn) if to.muted_until or to.quiet else None
    muted = now is not None and not waits and to.is_muted(now)
    mail = conn.execute(
        text("""
            INSERT INTO nightporter.email (kind, run_id, about, recipient, language, timezone, message_id, digest,
                                           given_up_at, fault)
            VALUES (:kind, :run, CAST(:about AS jsonb), :recipient, :language, :timezone, :message_id, :digest,
                    CASE WHEN :muted THEN clock_timestamp() END, :fault) RETURNING id"""),
        {
            "kind": kind,
            "run": run_id,
            "about": json.dumps(about) if about else None,
            "recipient": to.email,
            "language": nearest_language(to.language),
            "timezone": to.timezone,
            "message_id": _message_id(),
            "digest": None if muted else digest,
            "muted": muted,
            "fault": f"muted until {to.muted_until}: {to.muted_because}" if muted else None,
        },
    ).scalar_one()
    if digest is None and not muted:
        at = None if waits or now is None else to.quiet_until(now)
        queue.enqueue(conn, "send_result_email", at=at, email_id=mail)


_MAIL = """
SELECT id, kind, run_id, about, recipient, language, message_id, attempts, queued_at, timezone, sent_at, given_up_at,
       fault
FROM nightporter.email
"""


def is_gathering(conn: Connection, email_id: int) -> bool:
    """Whether a mail is a digest that should wait: files of its drop are still on their way, and it is not too old."""
    row = conn.execute(
        text("""
            SELECT about->>'drop' AS drop FROM nightporter.email WHERE id = :id AND kind = 'digest' AND attempts = 0
                   AND queued_at > clock_timestamp() - make_interval(secs => :longest)"""),
        {"id": email_id, "longest": LONGEST_GATHERING_SECONDS},
    ).one_or_none()
    return row is not None and ledger.runs.backlog(conn, row.drop, 1) > 0


def take_mail(conn: Connection, email_id: int) -> Owed | None:
    """A mail that is still owed, its attempt counted before it is made; None when it was sent or given up."""
    conn.execute(
        text("UPDATE nightporter.email SET attempts = attempts + 1 WHERE id = :id AND sent_at IS NULL AND given_up_at IS NULL"),
        {"id": email_id},
    )
    row = (
        conn.execute(text(_MAIL + "WHERE id = :id AND sent_at IS NULL AND given_up_at IS NULL"), {"id": email_id})
        .mappings()
        .one_or_none()
    )
    return Owed(**row) if row else None


def owed_mails(conn: Connection) -> list[int]:
    """The mails that are still to be sent by themselves, and have no job."""
    statement = f"""
        SELECT e.id FROM nightporter.email e WHERE e.sent_at IS NULL AND e.given_up_at IS NULL AND e.digest IS NULL
               AND {queue.no_job("send_result_email", "email_id", "e.id")}"""
    return list(conn.execute(text(statement)).scalars())


def undelivered(conn: Connection) -> int:
    """How many mails of the last days were given up, or refused again and again, that nobody wished not to get."""
    statement = """
        SELECT count(*) FROM nightporter.email WHERE digest IS NULL AND sent_at IS NULL
               AND queued_at > clock_timestamp() - interval '2 days' AND fault NOT LIKE 'muted until %'
               AND (given_up_at IS NOT NULL OR attempts > 2)"""
    count: int = conn.execute(text(statement)).scalar_one()
    return count


def mails_of(conn: Connection, run_id: int) -> list[Owed]:
    """The mails that a run owed."""
    return [Owed(**row) for row in conn.execute(text(_MAIL + "WHERE run_id = :run ORDER BY id"), {"run": run_id}).mappings()]


def mark_sent(conn: Connection, mail: Owed) -> None:
    """Record that the mail server took it."""
    conn.execute(
        text("UPDATE nightporter.email SET sent_at = clock_timestamp(), fault = NULL WHERE id = :id OR digest = :id"),
        {"id": mail.id},
    )


def mark_undelivered(conn: Connection, mail: Owed, fault: str, retry_at: datetime | None) -> None:
    """Record a failed attempt, and queue the next one; without `retry_at` the mail is given up and shown as undelivered."""
    conn.execute(
        text(
            """
            UPDATE nightporter.email SET fault = :fault, given_up_at = CASE WHEN :final THEN clock_timestamp() END
            WHERE id = :id OR digest = :id"""
        ),
        {"id": mail.id, "fault": fault, "final": retry_at is None},
    )
    if retry_at:
        queue.enqueue(conn, "send_result_email", at=retry_at, email_id=mail.id)

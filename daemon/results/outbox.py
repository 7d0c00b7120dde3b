"""The outbox: every mail owed to one recipient, recorded and queued in the transaction that owes it."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from daemon import queue
from daemon.model import ImportRun, RemoteFile
from daemon.settings import Person


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
    sent_at: datetime | None
    given_up_at: datetime | None
    fault: str | None


def owe_result(conn: Connection, run: ImportRun, to: Iterable[Person]) -> None:
    """Owe the result of a run to each of `to`."""
    _owe(conn, "result", run.id, None, to)


def owe_unmatched(conn: Connection, drop: str, file: RemoteFile, to: Iterable[Person]) -> None:
    """Owe the admins the news of a file that no profile claims."""
    _owe(conn, "unmatched", None, {"drop": drop, **asdict(file)}, to)


def _owe(conn: Connection, kind: str, run_id: int | None, about: dict[str, Any] | None, to: Iterable[Person]) -> None:
    for person in to:
        mail = conn.execute(
            sa.text("""
                INSERT INTO nightporter.email (kind, run_id, about, recipient, language, message_id)
                VALUES (:kind, :run, CAST(:about AS jsonb), :recipient, :language, :message_id) RETURNING id"""),
            {
                "kind": kind,
                "run": run_id,
                "about": json.dumps(about) if about else None,
                "recipient": person.email,
                "language": person.language,
                "message_id": f"<{uuid.uuid4()}@nightporter>",
            },
        ).scalar_one()
        queue.enqueue(conn, "send_result_email", email_id=mail)


_MAIL = """
SELECT id, kind, run_id, about, recipient, language, message_id, attempts, queued_at, sent_at, given_up_at, fault
FROM nightporter.email
"""


def take(conn: Connection, email_id: int) -> Owed | None:
    """A mail that is still owed, its attempt counted before it is made; None when it was sent or given up."""
    conn.execute(
        sa.text(
            "UPDATE nightporter.email SET attempts = attempts + 1 WHERE id = :id AND sent_at IS NULL AND given_up_at IS NULL"
        ),
        {"id": email_id},
    )
    row = (
        conn.execute(sa.text(_MAIL + "WHERE id = :id AND sent_at IS NULL AND given_up_at IS NULL"), {"id": email_id})
        .mappings()
        .one_or_none()
    )
    return Owed(**row) if row else None


def mails_of(conn: Connection, run_id: int) -> list[Owed]:
    """The mails that a run owed."""
    return [Owed(**row) for row in conn.execute(sa.text(_MAIL + "WHERE run_id = :run ORDER BY id"), {"run": run_id}).mappings()]


def was_sent(conn: Connection, mail: Owed) -> None:
    """Record that the mail server took it."""
    conn.execute(
        sa.text("UPDATE nightporter.email SET sent_at = clock_timestamp(), fault = NULL WHERE id = :id"),
        {"id": mail.id},
    )


def undelivered(conn: Connection, mail: Owed, fault: str, retry_at: datetime | None) -> None:
    """Record a failed attempt, and queue the next one; without `retry_at` the mail is given up and shown as undelivered."""
    conn.execute(
        sa.text(
            """
            UPDATE nightporter.email SET fault = :fault, given_up_at = CASE WHEN :final THEN clock_timestamp() END
            WHERE id = :id"""
        ),
        {"id": mail.id, "fault": fault, "final": retry_at is None},
    )
    if retry_at:
        queue.enqueue(conn, "send_result_email", at=retry_at, email_id=mail.id)

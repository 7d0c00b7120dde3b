"""Sessions: logins. The browser holds a secret, the database its hash, so that who reads that is let in nowhere."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.people.accounts import Account

_IDLE = "12 hours"
_LONGEST = "7 days"


@dataclass(frozen=True)
class Session:
    """A login that is in force: whose it is, and what every form of it carries."""

    account: Account
    form_token: str


def begin_session(conn: Connection, account: Account) -> str | None:
    """Begin one; returns the secret that its browser holds; None when the account has another password by now, or has ended."""
    secret = secrets.token_urlsafe(32)
    made = conn.execute(
        text("""
            INSERT INTO nightporter.session (id, account_id, form_token)
            SELECT :id, id, :form_token FROM nightporter.account
            WHERE id = :account AND password = :password AND ended_at IS NULL FOR SHARE"""),
        {
            "id": _known_by(secret),
            "account": account.id,
            "password": account.password,
            "form_token": secrets.token_urlsafe(24),
        },
    )
    return secret if made.rowcount else None


def live_session(conn: Connection, secret: str) -> Session | None:
    """The login of a browser's secret; None when it is none of ours, has ended, or has been idle too long."""
    row = (
        conn.execute(
            text(f"""
                UPDATE nightporter.session s SET seen_at = clock_timestamp() FROM nightporter.account a
                WHERE s.id = :id AND a.id = s.account_id AND s.ended_at IS NULL AND a.ended_at IS NULL
                      AND s.seen_at > clock_timestamp() - interval '{_IDLE}'
                      AND s.made_at > clock_timestamp() - interval '{_LONGEST}'
                RETURNING s.form_token, a.id, a.name, a.password, a.role, a.entities, a.language, a.made_at"""),
            {"id": _known_by(secret)},
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return Session(Account(**{name: value for name, value in row.items() if name != "form_token"}), row["form_token"])


def had_form(conn: Connection, account: Account, token: str) -> bool:
    """Whether a form's token is of a login that somebody had within the longest time of one, ended or not."""
    statement = f"""
        SELECT EXISTS (SELECT FROM nightporter.session WHERE account_id = :account AND form_token = :token
                       AND made_at > clock_timestamp() - interval '{_LONGEST}')"""
    return bool(conn.execute(text(statement), {"account": account.id, "token": token}).scalar_one())


def end_session(conn: Connection, secret: str) -> None:
    """End one."""
    statement = "UPDATE nightporter.session SET ended_at = clock_timestamp() WHERE id = :id AND ended_at IS NULL"
    conn.execute(text(statement), {"id": _known_by(secret)})


def _known_by(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

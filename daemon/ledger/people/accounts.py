"""Accounts: who may come into the console, and what they may see there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from daemon.db import text

_ACCOUNT = "SELECT id, name, password, role, entities, language, made_at FROM nightporter.account WHERE ended_at IS NULL"


@dataclass(frozen=True)
class Account:
    """Somebody who may come in: an admin sees everything; a manager, what is of their entities and of no other."""

    id: int
    name: str
    password: str
    role: Literal["admin", "manager"]
    entities: list[str]
    language: str | None
    made_at: datetime

    @property
    def is_admin(self) -> bool:
        """Whether nothing is kept from them."""
        return self.role == "admin"

    def may_see(self, entities: Collection[str]) -> bool:
        """Whether what is of some entities is theirs to see: of all of them, or none of it."""
        return self.is_admin or (bool(entities) and set(entities) <= set(self.entities))


def add_account(conn: Connection, name: str, password: str, role: str, entities: Collection[str], language: str | None) -> bool:
    """Make an account, `password` being a hash; or give the one of that name a new password and new rights. Whether it is new."""
    made = conn.execute(
        text("""
            INSERT INTO nightporter.account (name, password, role, entities, language)
            VALUES (:name, :password, :role, :entities, :language)
            ON CONFLICT (name) DO UPDATE SET password = excluded.password, role = excluded.role, entities = excluded.entities,
                                             language = excluded.language, ended_at = NULL
            RETURNING id, xmax = 0 AS made"""),
        {"name": name, "password": password, "role": role, "entities": list(entities), "language": language},
    ).one()
    _end_sessions(conn, made.id)
    return bool(made.made)


def end_account(conn: Connection, name: str) -> bool:
    """Let somebody in no more, and end their logins; False when there is nobody of that name."""
    statement = "UPDATE nightporter.account SET ended_at = clock_timestamp() WHERE name = :name AND ended_at IS NULL RETURNING id"
    ended = conn.execute(text(statement), {"name": name}).scalar()
    if ended is not None:
        _end_sessions(conn, ended)
    return ended is not None


def _end_sessions(conn: Connection, account_id: int) -> None:
    statement = "UPDATE nightporter.session SET ended_at = clock_timestamp() WHERE account_id = :id AND ended_at IS NULL"
    conn.execute(text(statement), {"id": account_id})


def account_named(conn: Connection, name: str) -> Account | None:
    """The account of that name, or None."""
    row = conn.execute(text(f"{_ACCOUNT} AND name = :name"), {"name": name}).mappings().one_or_none()
    return None if row is None else Account(**row)


def accounts(conn: Connection) -> list[Account]:
    """Everybody who may come in."""
    return [Account(**row) for row in conn.execute(text(f"{_ACCOUNT} ORDER BY name")).mappings()]


def is_anybody(conn: Connection) -> bool:
    """Whether there is anybody who may come in."""
    return bool(conn.execute(text("SELECT EXISTS (SELECT FROM nightporter.account WHERE ended_at IS NULL)")).scalar_one())

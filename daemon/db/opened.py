"""Which Postgres: the one that the settings name, or the embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import Engine

from daemon import db
from daemon.db import embedded, tables
from daemon.settings import Settings


def is_there(settings: Settings) -> bool:
    """Whether there is a database to ask, without making one."""
    return bool(_named(settings)) or (settings.home / "postgres").exists()


def _named(settings: Settings) -> str | None:
    return os.environ.get("NIGHTPORTER_DATABASE_URL") or settings.database.url


@contextmanager
def opened(settings: Settings, own: bool | None = None, most: int = 200) -> Iterator[Engine]:
    """The settings' database, or the embedded one, with its schemas up to date, by at `most` so many connections.

    `own` says of the embedded one whether this process must run it, or must not; None: whoever needs it first.
    """
    url = _named(settings)
    if url is None:
        with embedded.postgres(settings.home, own) as server, _migrated(server, settings, most) as engine:
            yield engine
        return
    password = settings.secret(settings.database.password_file, "database_password")
    made = sa.make_url(url)
    named = (made.set(password=password) if password else made).render_as_string(hide_password=False)
    with _migrated(named, settings, most) as engine:
        yield engine


@contextmanager
def _migrated(url: str, settings: Settings, most: int) -> Iterator[Engine]:
    engine = db.connect(url, most)
    try:
        db.migrate(engine)
        tables.ensure(engine, settings)
        yield engine
    finally:
        engine.dispose()

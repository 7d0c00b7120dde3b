"""The way to Postgres: engine, transactions, migrations, and the one place where its faults become `TryLater`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from daemon import shipped
from daemon.errors import TryLater

SEARCH_PATH = "nightporter"
"""Procrastinate's SQL names no schema; its tables live beside ours."""


text = cache(sa.text)
"""SQL for SQLAlchemy, which looks for the parameters in it: once for each statement is enough."""

KEEPALIVES = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
_KEEPALIVE = "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
"""A machine that lost its power gives its locks back within half a minute, and a lost database is noticed as soon."""


def connect(url: str, most: int = 200) -> Engine:
    """An engine on `url` (postgresql://…) with at `most` so many connections, each with the session settings of ours."""
    options = f"-c search_path={SEARCH_PATH} -c timezone=UTC -c lock_timeout=60s -c idle_in_transaction_session_timeout=30min"
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={"options": f"{options} {_KEEPALIVE}", "connect_timeout": 10, "application_name": "nightporter"}
        | KEEPALIVES,
        pool_pre_ping=True,
        pool_size=min(most, 10),
        max_overflow=max(most - 10, 0),  # each lane holds one; Postgres' own limit is the one that counts
        pool_timeout=10,
    )


def conninfo(engine: Engine) -> str:
    """The same database as a libpq connection string, for a library that keeps its own connections."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def now(connection: Connection) -> datetime:
    """The database's clock, the one every time in the ledger is told by."""
    at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at


def tell(connection: Connection, what: str) -> None:
    """Say what a connection is at, for as long as its transaction lasts; others can see it meanwhile (`told`)."""
    connection.execute(text("SELECT set_config('application_name', :what, true)"), {"what": what})


def told(connection: Connection, beginning: str) -> str | None:
    """The rest of what a connection that says so is at; None where none is."""
    rows = connection.execute(
        text("SELECT application_name FROM pg_stat_activity WHERE starts_with(application_name, :beginning)"),
        {"beginning": beginning},
    )
    return next((name.removeprefix(beginning) for name in rows.scalars()), None)


@contextmanager
def transaction(engine: Engine, *, durable: bool = True) -> Iterator[Connection]:
    """A transaction, committed at the end. One that is not `durable` may be lost if the database crashes within a moment: for
    what would only be done once more.

    Raises TryLater when the database, not the work, is at fault: gone, full, locked, or two transactions in a knot.
    """
    try:
        with engine.begin() as connection:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection
    except PoolTimeout as error:
        raise TryLater(f"the database: {error}") from error
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError)):
            raise TryLater(f"the database: {cause}") from error
        raise


def driver(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """Psycopg's own connection under SQLAlchemy's, for COPY and for SQL built from identifiers; same transaction."""
    own = connection.connection.driver_connection
    assert isinstance(own, psycopg.Connection)
    return own


def migrate(engine: Engine) -> None:
    """Bring the schemas up to this version. Safe to call from several processes: one does it, the others wait."""
    migrations = shipped("schema") / "migrations"
    newest = max(path.stem[:4] for path in (migrations / "versions").glob("*.py"))
    with transaction(engine) as connection:
        if connection.execute(sa.text("SELECT to_regclass('nightporter.schema_version') IS NOT NULL")).scalar_one():
            if connection.execute(sa.text("SELECT version_num FROM nightporter.schema_version")).scalar_one() == newest:
                return
    from alembic import command  # slow to import, and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with transaction(engine) as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('nightporter.migrate', 0))"))
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SEARCH_PATH}"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

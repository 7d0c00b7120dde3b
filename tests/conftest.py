"""What tests are made with: a real Postgres with a database for each test, an office to import in, real servers."""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from daemon import datasets, db
from daemon.db import embedded
from tests.support.office import Office
from tests.support.servers import MailServer, Sshd

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The URL of a Postgres whose database `template` has our schemas."""
    home = Path(tempfile.mkdtemp(prefix="nightporter-tests-"))
    home.chmod(0o711)
    with embedded.postgres(home) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        engine = db.connect(url.replace("/postgres?", "/template?"))
        db.migrate(engine)
        engine.dispose()
        yield url
    shutil.rmtree(home)


@pytest.fixture
def database(cluster: str) -> Iterator[str]:
    """The URL of a database of the test's own."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template")
        yield cluster.replace("/postgres?", f"/{name}?")
        _drop(connection, name)


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database, once the server's own vacuum, which it lets nobody end, is done there."""
    for _ in range(60):
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            return
        time.sleep(0.5)
    raise AssertionError(f"{name} could not be dropped")


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An engine on the test's own database."""
    made = db.connect(database)
    yield made
    assert isinstance(made.pool, QueuePool)
    for _ in range(100):
        if not made.pool.checkedout():
            break
        time.sleep(0.05)  # a page's thread may still be answering
    made.dispose()


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Iterator[Office]:
    """A credit department: a home folder with profiles, and the means to import and look."""
    yield Office(engine, tmp_path)
    datasets.extend(tmp_path / "none", {}, tmp_path)  # those of the house again, whatever the office added


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """An SMTP server that keeps what it gets."""
    with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """OpenSSH's own server on loopback."""
    with Sshd() as server:
        yield server


@pytest.fixture
def eventually() -> Callable[..., object]:
    """Waits until a function's result is true, and returns it."""

    def wait(probe: Callable[[], object], seconds: float = 30) -> object:
        end = time.monotonic() + seconds
        while not (result := probe()):
            assert time.monotonic() < end, f"not within {seconds} s"
            time.sleep(0.05)
        return result

    return wait


@pytest.fixture
def command(database: str, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs `nightporter` as a user does, on the test's own database and home folder."""

    def run(*arguments: object, given: str = "") -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"NIGHTPORTER_HOME": str(tmp_path), "NIGHTPORTER_DATABASE_URL": database, "COLUMNS": "120"}
        return subprocess.run(
            [sys.executable, "-m", "daemon", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            input=given,
        )

    return run

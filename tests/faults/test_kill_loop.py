"""Anything killed at any time, on the embedded Postgres: `make kills ARGS=1000` kills so often, `make test` a few times."""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from daemon.db import embedded
from daemon.errors import TryLater
from tests.support.office import ITEMS_HEADER
from tests.support.servers import MailServer
from tests.support.service import Service

KILLS = int(os.environ.get("KILLS", "6"))
ROWS = 50
READY_SECONDS = 15.0


class Killed(Service):
    """A service with its own Postgres, whose processes are killed; what a service manager would do for it is done here."""

    def __init__(self, home: Path, mail: MailServer, eventually: Callable[..., object]) -> None:
        super().__init__(home, "", mail, eventually)
        self.environment = {name: value for name, value in os.environ.items() if name != "NIGHTPORTER_DATABASE_URL"}
        self.slowest = 0.0
        self.restarts = 0

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """What a query finds, as soon as the database answers."""
        with embedded.postgres(self.home, own=False) as url, psycopg.connect(url) as connection:
            return connection.execute(statement).fetchall()

    def victims(self) -> dict[str, list[psutil.Process]]:
        """The processes there are, by what they do."""
        found: dict[str, list[psutil.Process]] = {"service": [psutil.Process(self.process.pid)]}
        for child in found["service"][0].children():
            words = child.cmdline()
            kind = "postmaster" if child.name() == "postgres" else words[-2] if words[-1:] == ["--child"] else ""
            found.setdefault(kind, []).append(child)
        found["backend"] = [each for server in found.get("postmaster", []) for each in server.children()]
        found.pop("", None)
        return {kind: processes for kind, processes in found.items() if processes}

    def kill_one(self, chance: random.Random) -> str:
        """Kill a process, any of them; returns which; '' when it was gone already."""
        with suppress(psutil.Error):
            kind, processes = chance.choice(sorted(self.victims().items(), key=lambda each: each[0]))
            chance.choice(processes).send_signal(signal.SIGKILL)
            return kind
        return ""

    def come_back(self) -> None:
        """Start it again if it ended, as a service manager does, and wait until its pages answer."""
        began = time.monotonic()
        while not self._answers():
            if self.process.poll() is not None:
                self.restarts += 1
                with (self.home / "service.log").open("ab") as log:
                    self.process = self.started(log)
            assert time.monotonic() - began < READY_SECONDS, (self.home / "service.log").read_text()[-3000:]
            time.sleep(0.05)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _answers(self) -> bool:
        return self.process.poll() is None and self.serves()


@pytest.fixture
def service(mail_server: MailServer, eventually: Callable[..., object]) -> Iterator[Killed]:
    """The service on a home of its own, and a customer."""
    home = Path(tempfile.mkdtemp(prefix="nightporter-kills-"))
    home.chmod(0o711)
    with Killed(home, mail_server, eventually) as made:
        made.arrive("customers.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
        made.wait_for("imported")
        yield made
    shutil.rmtree(home)


@pytest.mark.timeout(0)
def test_whatever_is_killed_every_row_and_every_mail_is_there_once(service: Killed, eventually: Callable[..., object]) -> None:
    """Service, worker, pages, postmaster or backend, two of them within two seconds: ready again in 15 s, nothing lost or doubled."""
    chance = random.Random(int(os.environ.get("SEED", time.time_ns())))
    kills: dict[str, int] = {}
    files = 0
    while sum(kills.values()) < KILLS:
        for _ in range(chance.randint(1, 3)):
            files += 1
            rows = (f"C1;K{files}-{row};01/02/2024;02/03/2024;{row},50\n" for row in range(ROWS))
            service.arrive(f"items-{files:05}.csv", ITEMS_HEADER + "".join(rows) + f"C1;K{files};31/02/2024;02/03/2024;1\n")
        time.sleep(chance.uniform(0, 1.5))
        for _ in range(chance.randint(1, 2)):
            if kind := service.kill_one(chance):
                kills[kind] = kills.get(kind, 0) + 1
            time.sleep(chance.uniform(0, 1))
        service.come_back()

    def done() -> bool:
        with suppress(psycopg.Error, TryLater):
            return service.query("SELECT count(*) FROM nightporter.import_run WHERE state = 'imported'") == [(files + 1,)]
        return False

    eventually(done, 60 + KILLS)
    eventually(lambda: len(list((service.drop / "processed").iterdir())) == files + 1, 60)
    eventually(lambda: service.query("SELECT FROM nightporter.email WHERE sent_at IS NULL") == [], 120)
    assert service.query("SELECT count(*), count(DISTINCT item_number) FROM ar.receivable") == [(files * ROWS, files * ROWS)]
    assert service.query("SELECT count(*), count(DISTINCT run_id) FROM nightporter.rejection") == [(files, files)]
    told = {str(message["Message-ID"]) for message in service.mail.messages}
    assert told == {row[0] for row in service.query("SELECT message_id FROM nightporter.email WHERE digest IS NULL")}
    print(f"{kills} killed, {files} files, {service.restarts} restarts, ready again after at most {service.slowest:.1f} s")

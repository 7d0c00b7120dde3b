"""The service as a user starts it: `nightporter run` in a process of its own, on a home folder and a database."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import IO, Self

import psycopg

from tests.support.office import CUSTOMERS, ITEMS
from tests.support.servers import MailServer, free_port

Wait = Callable[..., object]


class Service:
    """A running service with the drops `erp` (a local folder, settled by marker) and whatever `more` settings say."""

    def __init__(self, home: Path, database: str, mail: MailServer, eventually: Wait, more: str = "") -> None:
        self.home, self.database, self.mail, self.eventually = home, database, mail, eventually
        self.port = free_port()
        self.drop = home / "drop"
        self.drop.mkdir(exist_ok=True)
        (home / "profiles").mkdir(exist_ok=True)
        for name, toml in (("customers", CUSTOMERS), ("items", ITEMS)):
            notify = '\n[notify]\nto = [{ email = "credit@example.com" }]\n'
            (home / "profiles" / f"{name}.toml").write_text(dedent(toml) + notify, encoding="utf-8")
        settings = f"""
            [drops.erp]
            kind = "local"
            path = "drop"
            marker = "{{name}}.ok"
            poll = "1s"
            [mail]
            host = "127.0.0.1"
            port = {mail.port}
            security = "none"
            admins = [{{ email = "it@example.com" }}]
            [web]
            listen = "127.0.0.1:{self.port}"
            public_url = "http://127.0.0.1:{self.port}"
            [import]
            stalled_after = "2s"
            retry_after = "200ms"
        """
        (home / "nightporter.toml").write_text(dedent(settings) + dedent(more), encoding="utf-8")
        self.environment = os.environ | {"NIGHTPORTER_DATABASE_URL": database}
        self.command = [sys.executable, "-m", "daemon", "--home", str(home), "run"]

    def start(self, **environment: str) -> Self:
        """Start it, and return when it serves."""
        with (self.home / "service.log").open("ab") as log:
            self.process = self.started(log, **environment)
        self.eventually(self.serves)
        return self

    def started(self, log: IO[bytes], **environment: str) -> "subprocess.Popen[bytes]":
        """Its process, just begun."""
        return subprocess.Popen(self.command, env=self.environment | environment, stderr=log)

    def serves(self) -> bool:
        """Whether its pages answer."""
        assert self.process.poll() is None, (self.home / "service.log").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except OSError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def arrive(self, name: str, content: str, marked: bool = True) -> None:
        """Leave a file in the drop as a polite ERP does: written aside, renamed, then its marker."""
        half = self.drop / f"{name}.part"
        half.write_text(content)
        half.rename(self.drop / name)
        if marked:
            (self.drop / f"{name}.ok").touch()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """What a query finds."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement).fetchall()

    def runs(self) -> list[tuple[object, ...]]:
        """Name, state and code of every run, in the order of their arrival."""
        return self.query(
            "SELECT a.name, r.state, r.code FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = arrival_id ORDER BY r.id"
        )

    def wait_for(self, state: str, count: int = 1, seconds: float = 30) -> None:
        """Wait until so many runs are in a state."""
        self.eventually(lambda: sum(run[1] == state for run in self.runs()) >= count, seconds)

    def wait_for_mails(self, count: int, seconds: float = 30) -> None:
        """Wait until the mail server took so many mails."""
        self.eventually(lambda: len(self.mail.messages) >= count, seconds)

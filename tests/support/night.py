"""A night at the office, step by step: files arrive in drops, the drops are visited, the queue's imports are done."""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from daemon import db, ledger
from daemon.drops import open_drop
from daemon.drops.base import Drop
from daemon.importing.attempt import attempt
from daemon.pickup.visit import Visitor
from daemon.results import deliver
from daemon.settings import Settings
from tests.support.office import CUSTOMERS, ITEMS, Office

MAIL = {"host": "127.0.0.1", "admins": [{"email": "it@example.com"}]}


class Night:
    """An office with drops; nothing happens by itself."""

    def __init__(self, office: Office, **drops: dict[str, Any]) -> None:
        self.office = office
        for name, drop in drops.items():
            (office.home / name).mkdir(exist_ok=True)
            drop.setdefault("kind", "local")
            if drop["kind"] == "local":
                drop.setdefault("path", name)
                drop.setdefault("at_once", True)
        office.settings = Settings.model_validate({"home": office.home, "drops": drops, "mail": MAIL})
        office.profile("customers", CUSTOMERS)
        office.profile("items", ITEMS)
        self.visitors = {name: Visitor(office.engine, office.settings, office.profiles, name) for name in drops}

    def arrive(self, path: str, content: str | bytes = "", mtime: float | None = None) -> Path:
        """Leave a file in a drop: `erp/items.csv`."""
        file = self.office.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        return file

    def look(self, name: str = "erp") -> None:
        """Visit a drop as a poll does."""
        self.due(name)
        self.visitors[name].visit(listing=True)

    def due(self, name: str = "erp") -> None:
        """Let the wait after a fault be over."""
        self.do(f"UPDATE nightporter.drop_state SET next_look = NULL WHERE drop_name = '{name}'")
        self.do("UPDATE nightporter.arrival SET not_before = NULL")

    def work(self) -> list[int]:
        """Do the imports that the queue owes, until it owes none now; the runs in the order they were done."""
        done: list[int] = []
        while ids := self.office.rows(
            "DELETE FROM nightporter.procrastinate_jobs WHERE task_name = 'import_run' AND status = 'todo' "
            "AND coalesce(scheduled_at, now()) <= now() RETURNING (args->>'run_id')::bigint"
        ):
            for (run_id,) in sorted(ids):
                attempt(self.office.engine, self.office.settings, self.office.profiles, run_id)
                done.append(run_id)
        return done

    def pass_by(self, name: str = "erp") -> None:
        """A whole round: look, import, put away."""
        self.look(name)
        self.work()
        self.look(name)

    def do(self, statement: str) -> None:
        """Change something in the database, as time would."""
        with db.transaction(self.office.engine) as conn:
            conn.execute(sa.text(statement))

    def runs(self) -> list[tuple[Any, ...]]:
        """Name, state and code of every run."""
        return self.office.rows(
            "SELECT a.name, r.state, r.code FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id ORDER BY r.id"
        )

    def files(self, name: str = "erp") -> set[str]:
        """Everything that lies in a drop and below."""
        root = self.office.home / name
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    def mails(self) -> list[tuple[Any, ...]]:
        """Kind and recipient of every mail that is owed."""
        return self.office.rows("SELECT kind, recipient FROM nightporter.email ORDER BY id")

    def drop(self, name: str = "erp") -> Drop:
        """A drop, to be entered."""
        return open_drop(name, self.office.settings.drops[name], self.office.settings)

    def send_mails(self) -> None:
        """Hand every mail that is owed to the mail server."""
        for (id,) in self.office.rows("SELECT id FROM nightporter.email WHERE digest IS NULL AND sent_at IS NULL ORDER BY id"):
            deliver(self.office.engine, self.office.settings, self.office.profiles, id)

    def run(self, number: int) -> Any:
        """One run, as the ledger knows it."""
        with db.transaction(self.office.engine) as conn:
            return ledger.runs.run_by_id(conn, number)


def customers(*codes: str) -> str:
    """A customers file."""
    return "Code;Name;City;Limit\n" + "".join(f"{code};Customer {code};Paris;\n" for code in codes)


def items(*numbers: str, amount: str = "5", customer: str = "C1") -> str:
    """An open items file."""
    rows = "".join(f"{customer};{number};01/02/2024;02/03/2024;{amount}\n" for number in numbers)
    return "Customer;Item;Issued;Due;Amount\n" + rows

"""A credit department for tests: profiles are written, files imported, tables looked at."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from daemon import db, ledger
from daemon.db import embedded, tables
from daemon.importing import attempt_file
from daemon.model import ImportRun, Rejection, RemoteFile, Tally
from daemon.profiles import Profiles
from daemon.settings import Settings, load
from daemon.words import Words

CUSTOMERS = """
    dataset = "customers"
    pattern = "customers*.csv"
    columns = { customer_code = "Code", business_name = "Name", city = "City", credit_limit = "Limit" }
    format = { delimiter = ";", decimal = "," }
"""

ITEMS = """
    dataset = "receivables"
    pattern = "items*.csv"
    [format]
    delimiter = ";"
    decimal = ","
    date = "dd/mm/yyyy"
    [columns]
    customer_code = "Customer"
    item_number = "Item"
    issue_date = "Issued"
    due_date = "Due"
    amount = "Amount"
    currency = { value = "EUR" }
"""

CREDITS = """
    dataset = "open_credits"
    pattern = "credits*.csv"
    columns = { customer_code = "Customer", credit_number = "Credit", credit_date = "Date", balance = "Balance", currency = "Cur" }
    format = { delimiter = ";", decimal = ",", date = "dd/mm/yyyy" }
"""

ITEMS_HEADER = "Customer;Item;Issued;Due;Amount\n"


class Office:
    """A home folder, a database, and one pair of hands."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self.engine = engine
        self.home = home
        self.settings = Settings(home=home)
        self.settings.profiles.mkdir()
        self.profiles = Profiles(self.settings.profiles)

    def settle(self, settings: str = "") -> None:
        """Write the settings, and put them and the home's own datasets in force."""
        (self.home / "nightporter.toml").write_text(dedent(settings), encoding="utf-8")
        self.settings = load(self.home)
        self.profiles = Profiles(self.settings.profiles)
        tables.ensure(self.engine, self.settings)

    def profile(self, name: str, toml: str) -> None:
        """Save a profile."""
        (self.settings.profiles / f"{name}.toml").write_text(dedent(toml), encoding="utf-8")

    def file(self, name: str, content: bytes | str) -> Path:
        """Write a file."""
        path = self.home / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, profile: str, content: bytes | str, name: str = "file.csv") -> ImportRun:
        """Import content with a profile; the run of the profile's own section."""
        path = self.file(name, content)
        chosen = self.profiles.get(profile)
        with db.transaction(self.engine) as conn:
            entry = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
            first = ledger.arrivals.record_inline(conn, entry, [(profile, section.dataset) for section in chosen.sections])
        runs = attempt_file(self.engine, self.settings, self.profiles, first)
        return next(run for run in runs if run.dataset == chosen.dataset)

    def customers(self, *codes: str) -> None:
        """Have these customers."""
        self.profile("customers", CUSTOMERS)
        rows = "".join(f"{code};Customer {code};Paris;\n" for code in codes)
        assert self.load("customers", "Code;Name;City;Limit\n" + rows).state == "imported"

    def items(self, rows: str) -> ImportRun:
        """Import open items written as rows of `ITEMS`."""
        self.profile("items", ITEMS)
        return self.load("items", ITEMS_HEADER + rows)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with db.transaction(self.engine) as conn:
            return [tuple(row) for row in conn.execute(sa.text(query))]

    def rejections(self, run: ImportRun) -> list[Rejection]:
        """The rejected rows of a run."""
        with db.transaction(self.engine) as conn:
            return list(ledger.runs.rejections(conn, run.id))

    def reasons(self, run: ImportRun) -> dict[int, list[str]]:
        """By line, why rows of a run were rejected."""
        return {r.line: [str(reason.code) for reason in r.reasons] for r in self.rejections(run)}

    @staticmethod
    def _get(conn: sa.Connection, run_id: int) -> ImportRun:
        run = ledger.runs.run_by_id(conn, run_id)
        assert run
        return run

    def run(self, number: int) -> ImportRun:
        """One run, as the ledger knows it now."""
        with db.transaction(self.engine) as conn:
            return self._get(conn, number)

    def do(self, statement: str) -> None:
        """Change something in the database, as somebody else would."""
        with db.transaction(self.engine) as conn:
            conn.execute(sa.text(statement))


def counts(run: ImportRun) -> dict[str, int]:
    """A run's tally, as far as there is something in it."""
    return {
        name: count
        for name, count in (run.tally or Tally()).as_json().items()
        if name not in ("money", "unread_amounts") and count
    }


def said(run: ImportRun) -> str:
    """What else there is to say of a run, in English."""
    return Words("en").detail(run.detail)


@contextmanager
def standing_office() -> Iterator[Office]:
    """One with an embedded database of its own, for what runs outside the tests."""
    home = Path(tempfile.mkdtemp(prefix="nightporter-office-"))
    home.chmod(0o711)
    with embedded.postgres(home) as url:
        engine = db.connect(url)
        db.migrate(engine)
        (home / "office").mkdir()
        yield Office(engine, home / "office")
        engine.dispose()

"""Settings: what the admin wrote in `nightporter.toml` in the home folder, and the secrets it points to."""

import contextlib
import os
import re
import secrets
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from daemon import toml
from daemon.datasets import Field as DatasetField
from daemon.datasets import Name, extend
from daemon.errors import SetupFault
from daemon.languages import use_own_words
from daemon.settings.drops import DropSettings
from daemon.settings.oidc import Oidc
from daemon.settings.person import Person
from daemon.toml import Seconds, Table, known_zone

FILE = "nightporter.toml"
"""In the home folder."""


class Database(Table):
    """Where Postgres is. Neither key: the embedded one."""

    url: str | None = Field(
        None, pattern=r"^postgres(ql)?://", description="postgresql://user@host/database, without the password"
    )
    password_file: Path | None = Field(None, description="the file with its password; or NIGHTPORTER_DATABASE_PASSWORD")


class Mail(Table):
    """The SMTP server that result emails leave by."""

    host: str = Field(description="the server")
    port: int = Field(587, description="its port")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="how the connection is encrypted")
    ca_file: Path | None = Field(None, description="certificates to trust instead of the system's")
    username: str | None = Field(None, description="whom to log in as, if at all")
    password_file: Path | None = Field(None, description="the file with the password; or NIGHTPORTER_MAIL_PASSWORD")
    sender: str = Field("nightporter@localhost", pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", description="from whom mails come")
    timeout: Seconds = Field(30, description="the longest silence of the server")
    admins: list[Person] = Field([], description="told what no profile names anybody for")
    attach_mb: int = Field(0, ge=0, le=20, description="attach the workbook of rejected rows, if it is no larger; 0: never")


class Web(Table):
    """The pages behind the links in the mails."""

    listen: str = Field("127.0.0.1:8080", pattern=r"^\S+:\d+$", description="address and port; a TLS proxy stands before it")
    public_url: str = Field("http://127.0.0.1:8080", description="how the readers of the mails reach the pages")
    decide_by_link: bool = Field(
        False, description="whether a link from a mail is enough to decide about a held file, though there are users"
    )
    link_days: int = Field(30, ge=1, le=365, description="how long the links in mails work")
    oidc: Oidc | None = Field(None, description="a login provider, beside the passwords: the table `[web.oidc]` below")

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, url: str) -> str:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError("not an absolute http(s) URL")
        return url.rstrip("/")


class Imports(Table):
    """How often an import is tried, and how much at once."""

    attempts: int = Field(5, ge=1, description="tries before a file is refused as gave_up")
    retry_after: Seconds = Field(30, gt=0, description="before the second try; doubles each time")
    workers: int = Field(2, ge=1, le=64, description="imports side by side in one worker process")
    held_for: Seconds = Field(14 * 86400, ge=60, description="how long a held file waits for somebody's decision")
    parked_for: Seconds = Field(30 * 86400, ge=60, description="how long a row waits for its customer before somebody is told")
    stalled_after: Seconds = Field(30, ge=1, description="silence after which a worker is taken for dead")

    def after(self, tries: int) -> float:
        """How many seconds to wait after so many tries."""
        return float(min(self.retry_after * 2.0 ** min(tries, 20), 900))


class Archive(Table):
    """Where the bytes of every file are kept as they came."""

    path: Path = Field(
        Path("archive"), description="the folder; one that several machines share lets each import what any fetched"
    )
    shared: bool = Field(False, description="whether all machines see the same folder there")
    keep: Seconds = Field(90 * 86400, gt=0, description="how long, from a file's arrival")


class Sandbox(Table):
    """The limits of the process that opens spreadsheets and zips."""

    memory_mb: int = Field(2048, ge=256, description="the most memory it may take")
    cpu_seconds: int | None = Field(
        None, ge=1, description="the most time it may reckon; if not said, 2 s and 1 s for each MB of the file, at most 60 s"
    )
    wall_seconds: int = Field(900, ge=1, description="the most time it may take in all")
    unpacked_mb: int = Field(4096, ge=1, description="the most that a zip, or a workbook, may unpack to")
    ratio: int = Field(250, ge=2, description="how many times its own size it may unpack to, beyond its first 16 MB")
    entries: int = Field(1000, ge=1, description="the most members it may have")
    cells: int = Field(50_000_000, ge=1, description="the most cells that a sheet may span, empty ones too")

    def for_size(self, size: int) -> "Sandbox":
        """The limits for a file of so many bytes."""
        return self if self.cpu_seconds else self.model_copy(update={"cpu_seconds": min(2 + (size >> 20), 60)})


class Added(Table):
    """What an admin adds to a dataset."""

    custom: dict[Name, DatasetField] = Field({}, description="fields of the admin's own")

    @field_validator("custom")
    @classmethod
    def _plain(cls, fields: dict[str, DatasetField]) -> dict[str, DatasetField]:
        if worked_out := [name for name, field in fields.items() if not field.plain]:
            told = "default, default_from, by_sign, joined_from, derived, shared, vat and sole are not for fields of your own"
            raise ValueError(f"{', '.join(worked_out)}: {told}; a profile can give a default")
        return fields


class Entity(Table):
    """What is to be known of a company of the group."""

    timezone: str = Field("UTC", description="in which its days begin, and items become overdue")
    credits: Literal["receivables", "open_credits"] | None = Field(
        None, description="which of the two datasets its credits come by; one that stands in the other is rejected"
    )
    numbering: Literal["yearly", "continuous"] | None = Field(
        None, description="whether item numbers begin anew each year; a change needs `nightporter ledger renumber`"
    )
    brake_from: Decimal | dict[str, Decimal] = Field(
        Decimal(10_000), description="from which sum on open debits or credits that halve or double are held, or that by currency"
    )
    closed_until: date | None = Field(None, description="the last day of the closed period: what is about it is refused")

    @field_validator("brake_from")
    @classmethod
    def _of_currencies(cls, floor: Decimal | dict[str, Decimal]) -> Decimal | dict[str, Decimal]:
        floors = floor if isinstance(floor, dict) else {"": floor}
        if wrong := [name for name in floors if name and not re.fullmatch("[A-Z]{3}", name)]:
            raise ValueError(f"{', '.join(wrong)}: currencies by their ISO codes, as EUR")
        if any(amount < 0 for amount in floors.values()):
            raise ValueError("a sum is not below zero")
        return floor

    def brake_floor(self) -> dict[str, str]:
        """The sums from which on the brake looks at money: by currency, and under "" for any other."""
        floors = self.brake_from if isinstance(self.brake_from, dict) else {"": self.brake_from}
        return {"": "10000"} | {currency: f"{amount:f}" for currency, amount in floors.items()}

    _known_zone = field_validator("timezone")(known_zone)


class Settings(Table):
    """Everything in `nightporter.toml`."""

    home: Path
    database: Database = Database()
    mail: Mail | None = None
    web: Web = Web()
    drops: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")], DropSettings] = {}
    imports: Imports = Field(Imports(), alias="import")
    sandbox: Sandbox = Sandbox()
    archive: Archive = Archive()
    datasets: dict[str, Added] = {}
    entities: dict[Annotated[str, Field(max_length=60)], Entity] = {}

    @property
    def admins(self) -> list[Person]:
        """Who is told what concerns no profile."""
        return self.mail.admins if self.mail else []

    @property
    def archive_folder(self) -> Path:
        """Where the bytes of every import run are kept."""
        return self.path(self.archive.path)

    @property
    def profiles(self) -> Path:
        """Where the saved mapping profiles are."""
        return self.home / "profiles"

    @property
    def drafts(self) -> Path:
        """Where the files lie whose import is being set up in the console."""
        return self.home / "drafts"

    def path(self, path: Path) -> Path:
        """A path of the settings: `~` is the user's home, and what is relative lies in the home folder."""
        return self.home / path.expanduser()

    @property
    def secret_files(self) -> list[Path]:
        """Every file that the settings say a secret is in."""
        named = [self.database.password_file, self.mail.password_file if self.mail else None]
        named.append(self.web.oidc.client_secret_file if self.web.oidc else None)
        for drop in self.drops.values():
            named += [getattr(drop, each, None) for each in ("token_file", "password_file", "key_file")]
        return [self.path(file) for file in named if file]

    def secret(self, file: Path | None, variable: str) -> str | None:
        """A secret from its file, else from the environment variable `NIGHTPORTER_<variable>`, else None."""
        if file:
            try:
                return self.path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SetupFault(f"the secret in {self.path(file)} cannot be read: {error}") from error
        return os.environ.get("NIGHTPORTER_" + variable.upper().replace("-", "_"))

    @property
    def link_keys(self) -> list[str]:
        """The keys that sign links, newest last; made on first use. An admin rotates them by adding a line."""
        file = self.home / "link.keys"
        if not file.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            _write_once(file, secrets.token_urlsafe(32) + "\n")
        return file.read_text(encoding="ascii").split()


def load(home: Path) -> Settings:
    """The settings of a home folder, those of a new one where there is no file; the datasets that it adds are known from here on.

    Raises ConfigInvalid with every fault.
    """
    file = home / FILE
    loaded = toml.load(file, Settings, home=home.absolute()) if file.exists() else Settings(home=home.absolute())
    use_own_words(loaded.home / "words")
    extend(loaded.home / "datasets", {name: added.custom for name, added in loaded.datasets.items()}, file)
    return loaded


def _write_once(file: Path, text: str) -> None:
    """Write a secret file that appears whole or not at all; of two processes, the first one's stays."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f"{file.name}.") as half:
        half.write(text)
        half.flush()
        with contextlib.suppress(FileExistsError):
            os.link(half.name, file)

"""An import run: one file through one profile."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from daemon.errors import Detail
from daemon.model.effect import Effect
from daemon.model.files import RemoteFile, basename, shown
from daemon.model.outcome import Note, Tally
from daemon.model.states import State


@dataclass(frozen=True)
class ReadAs:
    """How a run's file was read: its format and conventions, as declared, found, pinned or proven, by their names in a profile's
    `[format]`; and the headers that have come and gone since the profile's latest import.
    """

    kind: str | None = None
    language: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header_row: int | None = None
    header_rows: int | None = None
    header: list[str] | None = None
    comment: str | None = None
    ignore: tuple[str, ...] = ()
    final_newline: bool | None = None
    trailer: str | None = None
    positions: dict[str, tuple[int, int]] | None = None
    record_length: int | None = None
    packed: dict[str, int] | None = None
    sheet: str | int | None = None
    range: str | None = None
    member: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    date: str | None = None
    calendar: str | None = None
    pivot: int | None = None
    new_columns: tuple[str, ...] = ()
    gone_columns: tuple[str, ...] = ()

    @classmethod
    def of_json(cls, stored: dict[str, Any] | None) -> Self | None:
        """As it was stored, by whatever version."""
        known = {each.name for each in fields(cls)}
        return None if stored is None else cls(**{name: value for name, value in stored.items() if name in known})

    def columns(self, which: str) -> str:
        """The headers that are `new`, or `gone`, as people are shown them."""
        return shown(", ".join(getattr(self, f"{which}_columns")))


@dataclass(frozen=True)
class ImportRun:
    """One file through one profile, as the ledger knows it."""

    id: int
    arrival_id: int
    section: int
    member: str
    parent_id: int | None
    corrects: int | None
    """The run whose rejected rows this one brings again, corrected."""
    profile: str
    dataset: str
    state: State
    attempt: int
    deferrals: int
    drop: str
    name: str
    size: int
    mtime: int
    archive_host: str
    archive: str | None
    sha256: str | None
    control: str | None
    arrived_at: datetime
    finished_at: datetime | None
    code: str | None
    detail: Detail | None
    header: list[str] | None
    read_as: ReadAs | None
    tally: Tally | None
    business_date: date | None
    notes: tuple[Note, ...]
    effect: Effect | None
    approved: Effect | None
    decided_by: str | None
    undone_at: datetime | None
    undone_by: str | None
    disposed_as: str | None
    fault: str | None
    """Why the source file could not be fetched, or put away, the last time."""
    follows: int | None
    """The first run of the file before it under the same name."""
    started_at: datetime | None = None
    """When the attempt began, that under way or the last."""

    @property
    def in_line(self) -> bool:
        """Whether it came to a drop, whose files are imported in their order, and nobody asked for it since."""
        return bool(self.drop) and self.parent_id is None

    @property
    def tries(self) -> int:
        """The attempts that failed, or died, for no reason outside, and the one under way."""
        return self.attempt - self.deferrals

    @property
    def file(self) -> RemoteFile:
        """The entry this run was made from."""
        return RemoteFile(self.name, self.size, self.mtime)

    @property
    def archive_path(self) -> Path:
        """Where its bytes are, which must be there."""
        assert self.archive
        return Path(self.archive)

    @property
    def title(self) -> str:
        """The file's name as people are shown it: without folders, and with nothing that acts on a line or a terminal."""
        name = basename(self.name) + (f" › {self.member}" if self.member else "")
        return shown(name)

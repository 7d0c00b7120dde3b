"""An import run: one file through one profile."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from daemon.model.files import RemoteFile, basename, shown
from daemon.model.states import State


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
    detail: str | None
    header: list[str] | None
    format: dict[str, Any] | None
    tally: dict[str, Any] | None
    business_date: date | None
    notes: list[dict[str, Any]]
    effect: dict[str, Any] | None
    approved: dict[str, Any] | None
    decided_by: str | None
    undone_at: datetime | None
    undone_by: str | None
    disposed_as: str | None
    fault: str | None
    """Why the source file could not be fetched, or put away, the last time."""
    follows: int | None
    """The first run of the file before it under the same name."""

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

    def columns(self, which: str) -> str:
        """The file's headers that are `new`, or `gone`, since the profile's latest import; as people are shown them."""
        names = (self.format or {}).get(f"{which}_columns", [])
        return shown(", ".join(names))

    @property
    def title(self) -> str:
        """The file's name as people are shown it: without folders, and with nothing that acts on a line or a terminal."""
        name = basename(self.name) + (f" › {self.member}" if self.member else "")
        return shown(name)

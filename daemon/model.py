"""The nouns that cross packages, and the states of an import run with every transition they allow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # slow to import, and no command that only looks needs it


def shown(text: str) -> str:
    """Text from outside as people may be shown it: on one line, with nothing in it that acts on a terminal or a mail."""
    return "".join(char if char.isprintable() else "·" for char in text)


def basename(path: str) -> str:
    """A file's name without its folders."""
    return path.rpartition("/")[2]


class State(StrEnum):
    """Where an import run stands."""

    ARRIVED = "arrived"
    IMPORTING = "importing"
    IMPORTED = "imported"
    REFUSED = "refused"
    HELD = "held"
    VANISHED = "vanished"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.ARRIVED: frozenset({State.IMPORTING, State.VANISHED}),
    State.IMPORTING: frozenset({State.IMPORTED, State.REFUSED, State.HELD, State.ARRIVED}),
    State.HELD: frozenset({State.IMPORTING, State.REFUSED}),
    State.IMPORTED: frozenset(),
    State.REFUSED: frozenset(),
    State.VANISHED: frozenset(),
}
"""From each state, the states that may follow; those with none are final."""

FINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)


@dataclass(frozen=True)
class RemoteFile:
    """One entry seen in a drop. `mtime` is the server's word, used only to notice change."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True)
class Arrival:
    """A file that came, as the ledger knows it: `path` is where in its drop it is now, `companions` are its marker
    and its control file.
    """

    id: int
    file: RemoteFile
    path: str
    companions: tuple[str, ...]
    sha256: str | None
    tries: int
    run_id: int
    """Its first run; `profile` is that one's, and `states` are those of all its runs."""
    profile: str
    states: frozenset[State]


@dataclass(frozen=True)
class Fetched:
    """The bytes of a file, safe in the archive: where, how many, and their sha256."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Batch:
    """Rows as read: a frame of Arrow-backed text columns, indexed by the line in the file.

    `typed` has the same shape and is true where a spreadsheet had typed the cell (a number, a date): such text is
    canonical (a decimal point, ISO dates) whatever the file's conventions. None where no cell is typed.
    """

    frame: "pd.DataFrame"
    typed: "pd.DataFrame | None" = None
    errors: "pd.DataFrame | None" = None
    """Of a workbook: true where a cell holds an error, or a formula that nobody calculated. None where none does."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's line and cells; for the few that people are shown, not for the many that are loaded."""
        columns = [self.frame.iloc[:, number].tolist() for number in range(self.frame.shape[1])]
        for line, *cells in zip(self.frame.index.tolist(), *columns, strict=True):
            yield line, cells

    def of(self, rows: "list[int] | np.ndarray[Any, np.dtype[np.bool_]]") -> "Batch":
        """Some of its rows, by their places or by a mask."""
        marks = (None if each is None else each.iloc[rows] for each in (self.typed, self.errors))
        return Batch(self.frame.iloc[rows], *marks)

    def typed_cells(self) -> list[list[int]]:
        """For each row the places of its typed cells."""
        if self.typed is None:
            return [[]] * len(self.frame)
        return [[place for place, typed in enumerate(row) if typed] for row in self.typed.to_numpy().tolist()]


class Fault(StrEnum):
    """Why a row was rejected."""

    AMBIGUOUS = "ambiguous"
    AMOUNT_TOO_LARGE = "amount_too_large"
    BETWEEN_COLUMNS = "between_columns"
    CONTROL_CHARACTER = "control_character"
    COUNTRY_UNKNOWN = "country_unknown"
    CREDIT_ELSEWHERE = "credit_elsewhere"
    CREDIT_NOT_POSITIVE = "credit_not_positive"
    CURRENCY_CONTRADICTED = "currency_contradicted"
    CURRENCY_UNKNOWN = "currency_unknown"
    DEBIT_AND_CREDIT = "debit_and_credit"
    DUPLICATE_KEY = "duplicate_key"
    ERROR_CELL = "error_cell"
    KEY_TAKEN = "key_taken"
    MATCH_KEY_BLANK = "match_key_blank"
    MISSING = "missing"
    NOT_A_BOOL = "not_a_bool"
    NOT_A_DATE = "not_a_date"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_INTEGER = "not_an_integer"
    OUTDATED = "outdated"
    SIGN_UNCLEAR = "sign_unclear"
    TOO_FEW_CELLS = "too_few_cells"
    TOO_LONG = "too_long"
    TOO_MANY_CELLS = "too_many_cells"
    TOO_MANY_DECIMALS = "too_many_decimals"
    BAD_QUOTES = "bad_quotes"
    UNDECODABLE = "undecodable"
    UNKNOWN_WORD = "unknown_word"


@dataclass(frozen=True)
class Reason:
    """One thing wrong with a row: `field` is the dataset's name for the column, or '' when the whole row is meant."""

    code: Fault
    field: str = ""
    value: str = ""
    column: str = ""
    """The file's own header of the bad cell, where there is one."""
    detail: str = ""
    """What else the sentence about it needs: the other line, the limit."""


@dataclass(frozen=True)
class Rejection:
    """One row refused: its line in the file, its cells as read, and every reason found."""

    line: int
    cells: Sequence[str]
    reasons: tuple[Reason, ...]
    resolved_by: int | None = None
    """The run by which the row went in after all, corrected."""
    typed: Sequence[int] = ()
    """Of a workbook: the cells that the spreadsheet had typed, whose text is canonical."""


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

"""What an attempt at an import run comes to: its tally, or why it has none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from daemon.errors import Refusal


@dataclass
class Money:
    """What a file did to one currency's open items; `file_total` counts every row whose amount could be read."""

    file_total: Decimal = Decimal(0)
    open_before: Decimal = Decimal(0)
    open_after: Decimal = Decimal(0)
    new: Decimal = Decimal(0)
    cleared: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)


@dataclass
class Tally:
    """The counts of one import run. `check` is promise P3."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    parked: int = 0
    skipped: int = 0
    ignored: int = 0
    cleared: int = 0
    reopened: int = 0
    released: int = 0
    suppressed: int = 0
    moved: int = 0
    money: dict[str, Money] = field(default_factory=dict)

    def check(self) -> None:
        """Raise unless every record read is accounted for."""
        counted = self.created + self.updated + self.unchanged + self.rejected + self.parked + self.skipped
        if self.read != counted:
            raise AssertionError(f"{self.read} rows read, {counted} accounted for: {self}")


@dataclass(frozen=True)
class Imported:
    """The outcome of an attempt whose rows are in the tables: what it came to, the day it is about, what else to tell."""

    tally: Tally
    business_date: date
    notes: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Refused:
    """The outcome of an attempt on a file that cannot be imported as it is."""

    code: Refusal
    detail: str


@dataclass(frozen=True)
class Held:
    """The outcome of an attempt at a file that is fine, but not plausible: a person decides whether it may have this effect."""

    why: str
    effect: dict[str, Any]
    business_date: date


@dataclass(frozen=True)
class Deferred:
    """The outcome of an attempt that failed; it is tried again after `seconds`.

    Where the world is at fault (`blameless`), that is no reason ever to give the file up.
    """

    reason: str
    seconds: float
    blameless: bool


Outcome = Imported | Refused | Held | Deferred

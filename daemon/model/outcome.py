"""What an attempt at an import run comes to: its tally, why it has none, or that it was none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, Self

from daemon.errors import Detail, Refusal
from daemon.model.effect import Change, Effect


@dataclass(frozen=True)
class Money:
    """One currency's part in a run, as two statements that close to the cent: of the file, and of the ledger that it speaks for.

    The file: `file_total` is every row whose amount could be read; each was taken, rejected, parked, a twin, skipped, or is
    not of the balance. The ledger: `open_before` to `open_after`, in the scopes that the run speaks for; `rest` is what is open
    elsewhere in its entities.
    """

    file_total: Decimal = Decimal(0)
    taken: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    parked: Decimal = Decimal(0)
    twins: Decimal = Decimal(0)
    skipped: Decimal = Decimal(0)
    off_balance: Decimal = Decimal(0)
    open_before: Decimal = Decimal(0)
    new: Decimal = Decimal(0)
    released: Decimal = Decimal(0)
    reopened: Decimal = Decimal(0)
    increased: Decimal = Decimal(0)
    decreased: Decimal = Decimal(0)
    cleared: Decimal = Decimal(0)
    currency_changed: Decimal = Decimal(0)
    by_type: Decimal = Decimal(0)
    """What entered the balance, or left it, for its type does or does not count any more."""
    taken_over: Decimal = Decimal(0)
    """What belonged to another scope."""
    open_after: Decimal = Decimal(0)
    rest: Decimal = Decimal(0)

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def __neg__(self) -> Self:
        return type(self)(*(-getattr(self, each.name) for each in fields(self)))

    @property
    def unaccounted(self) -> tuple[Decimal, Decimal]:
        """What either statement does not explain: of the file, of the ledger."""
        file = sum((getattr(self, name) for name in OF_THE_FILE), Decimal(0))
        ledger = sum((sign * getattr(self, name) for name, sign in OF_THE_LEDGER.items()), self.open_before)
        return self.file_total - file, self.open_after - ledger


OF_THE_FILE = ("taken", "rejected", "parked", "twins", "skipped", "off_balance")
"""What a file's total is made of."""
OF_THE_LEDGER = {
    "new": 1,
    "released": 1,
    "reopened": 1,
    "increased": 1,
    "decreased": -1,
    "cleared": -1,
    "currency_changed": 1,
    "by_type": 1,
    "taken_over": 1,
}
"""What leads from what was open to what is, each with its sign."""


@dataclass(frozen=True)
class Tally:
    """The counts of one import run, or of one of its steps; those of the steps are added up. `check` is promises P3 and P8."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    parked: int = 0
    skipped: int = 0
    above: int = 0
    ignored: int = 0
    cleared: int = 0
    reopened: int = 0
    released: int = 0
    suppressed: int = 0
    moved: int = 0
    unread_amounts: int = 0
    """Rows whose amount could not be read, so that no money of theirs is in the file's total."""
    money: Mapping[str, Money] = field(default_factory=dict)

    def __add__(self, other: Self) -> Self:
        counts = {
            each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self) if each.name != "money"
        }
        money = dict(self.money)
        for currency, sums in other.money.items():
            money[currency] = money.get(currency, Money()) + sums
        return replace(self, **counts, money=money)

    def check(self) -> None:
        """Raise unless every record read is accounted for, and every amount."""
        counted = self.created + self.updated + self.unchanged + self.rejected + self.parked + self.skipped
        if self.read != counted:
            raise AssertionError(f"{self.read} rows read, {counted} accounted for: {self}")
        for currency, sums in self.money.items():
            if any(sums.unaccounted):
                raise AssertionError(f"{currency}: {sums.unaccounted} not accounted for: {sums}")

    def as_json(self) -> dict[str, Any]:
        """The tally as scripts see it, and as it is stored: amounts are text, for no number of JSON's is exact."""
        counts: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return counts | {
            "money": {
                currency: {each.name: _plain(getattr(sums, each.name)) for each in fields(sums)}
                for currency, sums in self.money.items()
            }
        }

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Self:
        """A tally as it was stored."""
        money = {
            currency: Money(**{name: Decimal(amount) for name, amount in sums.items()})
            for currency, sums in stored.get("money", {}).items()
        }
        return cls(**(stored | {"money": money}))

    @property
    def took_nothing(self) -> bool:
        """Whether there were rows, and none of them is in the ledger now."""
        return self.read > 0 and not self.created + self.updated + self.unchanged


def _plain(value: Decimal) -> str:
    """An amount as written by hand: no exponent, two decimals at least."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


@dataclass(frozen=True)
class Note:
    """Something else to be told of an imported file, by its code; of how many rows it is so, and a few of them."""

    code: str
    count: int
    examples: str = ""

    def as_json(self) -> dict[str, Any]:
        """As scripts see it, and as it is stored."""
        return {"code": self.code, "count": self.count} | ({"examples": self.examples} if self.examples else {})


@dataclass(frozen=True)
class Imported:
    """The outcome of an attempt whose rows are in the tables: what it came to, the day it is about, what else to tell; to which
    scope its rows belong, and of which companies they are; `*` stands for those of rejected rows that nobody knows; and a mark of
    the rules by which they were read and judged.
    """

    tally: Tally
    business_date: date
    notes: tuple[Note, ...] = ()
    scope: str = ""
    entities: tuple[str, ...] = ()
    rules: str = ""


@dataclass(frozen=True)
class Refused:
    """The outcome of an attempt on a file that cannot be imported as it is."""

    code: Refusal
    detail: Detail


@dataclass(frozen=True)
class Held:
    """The outcome of an attempt at a file that is fine, but not plausible: a person decides whether it may have this effect."""

    effect: Effect
    business_date: date
    changes: Sequence[Change] = ()
    """The dearest of the rows that it would change."""


@dataclass(frozen=True)
class Deferred:
    """The outcome of an attempt that failed; it is tried again after `seconds`.

    Where the world is at fault (`blameless`), that is no reason ever to give the file up.
    """

    reason: str
    seconds: float
    blameless: bool


@dataclass(frozen=True)
class Opened:
    """The outcome of an attempt that found what is in a file: each part is now a run in the line of its own profile."""


@dataclass(frozen=True)
class OutOfTurn:
    """The outcome of an attempt whose run is behind another that is not in: it goes back into its line, and was no attempt."""


@dataclass(frozen=True)
class Overtaken:
    """The outcome of an attempt that was given up for dead meanwhile: the run is another's, and nothing of this one stays."""


Outcome = Imported | Refused | Held | Deferred | Opened | OutOfTurn | Overtaken

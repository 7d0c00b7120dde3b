"""The account of a file while it is imported: its tally so far, and what was seen of it beside its rows."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pyarrow.compute as pc

from daemon.loading import Turned
from daemon.mapping import AS_OF, Mapped
from daemon.model import Money, Rejection, Tally


@dataclass
class Account:
    """What came of a file so far: the tally; whose its rows are, and what days they are about; and how many rejected ones do
    not even say what they speak of.
    """

    entities: set[str]
    tally: Tally = field(default_factory=Tally)
    earliest: date | None = None
    latest: date | None = None
    unreadable: int = 0

    def enter(self, item: Mapped | list[Rejection], rejected: int) -> None:
        """Enter a batch, or rejections of the reading; so many rows of it were rejected."""
        self.tally.rejected += rejected
        self.tally.read += rejected
        if not isinstance(item, Mapped):
            self.unreadable += len(item)
            return
        self.tally.read += item.rows.num_rows + item.skipped
        self.tally.skipped += item.skipped
        self._add("file_total", item.money)
        self._add("rejected", item.rejected_money)
        self.unreadable += item.protects.null_count
        self.entities |= set(pc.unique(item.rows.column("entity")).to_pylist())
        if AS_OF in item.rows.column_names and item.rows.num_rows:
            first, last = pc.min_max(item.rows.column(AS_OF)).as_py().values()
            self.earliest, self.latest = min(self.earliest or first, first), max(self.latest or last, last)

    def turn_down(self, turned: Turned) -> None:
        """Enter what the checks took off the stage."""
        self.tally.rejected += turned.rejected
        self.tally.skipped += turned.skipped
        self._add("rejected", turned.money)

    def compare(self, before: dict[str, Decimal], after: dict[str, Decimal]) -> None:
        """Enter what was and is open, for the currencies that the file speaks of or changed."""
        told = self.tally.money.keys() | {
            currency for currency in before.keys() | after.keys() if before.get(currency) != after.get(currency)
        }
        for name, totals in (("open_before", before), ("open_after", after)):
            self._add(name, {currency: totals[currency] for currency in told & totals.keys()})

    def _add(self, what: str, sums: dict[str, Decimal]) -> None:
        for currency, amount in sums.items():
            money = self.tally.money.setdefault(currency, Money())
            setattr(money, what, getattr(money, what) + amount)

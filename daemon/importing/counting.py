"""The account of a file while it is imported: what its steps counted, added up, and what was seen of it beside its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pyarrow.compute as pc

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

    def add(self, counted: Tally) -> None:
        """Enter what a step counted."""
        self.tally += counted

    def enter(self, item: Mapped | list[Rejection], rejected: int) -> None:
        """Enter a batch, or rejections of the reading; so many rows of it were rejected."""
        self.add(Tally(read=rejected, rejected=rejected))
        if not isinstance(item, Mapped):
            self.unreadable += len(item)
            return
        self.add(Tally(read=item.rows.num_rows + item.skipped, skipped=item.skipped))
        self.add(_money(file_total=item.money))
        self.add(_money(rejected=item.rejected_money))
        self.unreadable += item.protects.null_count
        self.entities |= set(pc.unique(item.rows.column("entity")).to_pylist())
        if AS_OF in item.rows.column_names and item.rows.num_rows:
            first, last = pc.min_max(item.rows.column(AS_OF)).as_py().values()
            self.earliest, self.latest = min(self.earliest or first, first), max(self.latest or last, last)

    def compare(self, before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> None:
        """Enter what was and is open, for the currencies that the file speaks of or changed."""
        told = self.tally.money.keys() | {
            currency for currency in before.keys() | after.keys() if before.get(currency) != after.get(currency)
        }
        self.add(_money(open_before={currency: before[currency] for currency in told & before.keys()}))
        self.add(_money(open_after={currency: after[currency] for currency in told & after.keys()}))


def _money(**sums: Mapping[str, Decimal]) -> Tally:
    """One kind of money, by currency."""
    ((what, by_currency),) = sums.items()
    return Tally(money={currency: Money(**{what: amount}) for currency, amount in by_currency.items()})

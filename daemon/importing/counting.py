"""The account of a file while it is imported: what its steps counted, added up, and what was seen of it beside its rows."""

from dataclasses import dataclass, field
from datetime import date

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
            self.add(Tally(unread_amounts=len(item)))
            return
        self.add(Tally(read=item.rows.num_rows + item.skipped, skipped=item.skipped, unread_amounts=item.unread_amounts))
        for what, by_currency in (("file_total", item.money), ("rejected", item.rejected_money), ("skipped", item.skipped_money)):
            self.add(Tally(money={currency: Money(**{what: amount}) for currency, amount in by_currency.items()}))
        self.unreadable += item.protects.null_count
        self.entities |= set(pc.unique(item.rows.column("entity")).to_pylist())
        if AS_OF in item.rows.column_names and item.rows.num_rows:
            first, last = pc.min_max(item.rows.column(AS_OF)).as_py().values()
            self.earliest, self.latest = min(self.earliest or first, first), max(self.latest or last, last)

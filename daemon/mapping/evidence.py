"""What a file's columns hold: dates, amounts, codes, words; told from their values alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from daemon.mapping import dates, numbers
from daemon.mapping.convert import cells
from daemon.mapping.currencies import CODES
from daemon.mapping.digits import latin, latin_column
from daemon.mapping.prove import Amounts, Dates
from daemon.model import Batch, Rejection

_LOOKED_AT = 2000
"""Different values of a column by which it is told what it holds; once that is dates or amounts, all that come are looked at."""
_MOSTLY = 0.9
_SIDES = numbers.DEBIT | numbers.CREDIT
_FORMS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "url": re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE),
    "phone": re.compile(r"\+?[0-9][0-9 ()./-]{6,}[0-9]"),
    "digits": re.compile(r"[0-9]+"),
    "code": re.compile(r"[\w.,/:#+-]*[0-9][\w.,/:#+-]*"),
}


@dataclass
class Evidence:
    """What one column holds."""

    filled: int = 0
    values: set[str] = field(default_factory=set)
    repeats: bool = False
    typed: bool = False
    days: Dates = field(default_factory=Dates)
    amounts: Amounts = field(default_factory=Amounts)

    def see(self, texts: pa.Array, typed: pa.Array | None) -> None:
        """Take a batch's cells into account."""
        known = texts.drop_null()
        distinct = pc.unique(known)
        self.filled += len(known)
        self.repeats |= len(distinct) < len(known)
        self.typed |= typed is not None and pc.any(typed).as_py()
        if len(self.values) < _LOOKED_AT:
            self.values.update(distinct.slice(0, _LOOKED_AT - len(self.values)).to_pylist())
            self.__dict__.pop("shares", None)
        if self.holds("date"):
            self.days.see(latin_column(distinct))
        elif self.holds("amount"):
            self.amounts.see(latin_column(distinct))

    def holds(self, what: str) -> bool:
        """Whether nearly all of its values are dates, amounts, …"""
        return self.shares[what] >= _MOSTLY

    @cached_property
    def shares(self) -> dict[str, float]:
        """The share of its different values that are a date, an amount, …"""
        plain = [latin(value) for value in self.values]
        count = max(len(plain), 1)
        found = {name: sum(bool(form.fullmatch(text)) for text in plain) / count for name, form in _FORMS.items()}
        return found | {
            "date": sum(dates.is_blank(text) or bool(dates.fitting(text)) for text in plain) / count,
            "amount": sum(any(isinstance(numbers.amount(text, mark), Decimal) for mark in ",.") for text in plain) / count,
            "currency": sum(text.upper() in CODES for text in plain) / count,
            "side": sum(text.casefold() in _SIDES for text in plain) / count,
            "words": sum(" " in text.strip() and not any(c.isdigit() for c in text) for text in plain) / count,
            "letters": sum(any(c.isalpha() for c in text) for text in plain) / count,
            "decimals": sum(bool(re.search(r"[0-9][.,][0-9]{2}\b", text)) for text in plain) / count,
        }


def evidence_of(header: list[str], rows: Iterable[Batch | Rejection]) -> dict[str, Evidence]:
    """What each column of a file holds, by its header."""
    found = {name: Evidence() for name in header}
    for batch in rows:
        if isinstance(batch, Batch):
            for name, seen in found.items():
                typed = None if batch.typed is None else pa.array(batch.typed[name])
                seen.see(cells(batch.frame, name), typed)
    return found

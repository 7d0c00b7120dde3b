"""Proof: what a file's conventions are, where nobody declared them, from every value of its columns; never from a few."""

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from daemon.errors import FileRefused, Refusal
from daemon.mapping import dates, numbers
from daemon.mapping.apply import Mapping
from daemon.mapping.convert import cells, is_canonical
from daemon.mapping.digits import latin_column
from daemon.model import Batch, Rejection
from daemon.profiles import SERIAL, Conventions, Section, is_short

_EXAMPLES = 3
_CENTURY = " and pivot = 70, say"


def fit(section: Section, header: list[str], rows: Callable[[], Iterable[Batch | Rejection]], known: Conventions) -> Mapping:
    """A section fitted to a file by its header and, where that is not enough, its rows: what `known` leaves open, and how
    credits are printed where their type says the sign. `rows` reads the file anew at each call.

    Raises FileRefused when a column is missing, or two readings are possible.
    """
    mapping = Mapping(section, header, known)
    unfilled = unfilled_columns(rows(), mapping.of_a_form) if mapping.of_a_form else set[str]()
    mapping = Mapping(section, header, known, unfilled)
    if mapping.undecided:
        mapping = Mapping(section, header, prove(rows(), mapping, known), unfilled)
    if section.import_.sign == "by_type":
        mapping.credits = frozenset().union(*(mapping.signs(batch) for batch in rows() if isinstance(batch, Batch)))
    return mapping


def check_pins(rows: Iterable[Batch | Rejection], mapping: Mapping, declared: Conventions) -> None:
    """Hold what earlier files decided, and the profile does not declare, against all of this one.

    Raises FileRefused when this file proves otherwise: its rows that happen to fit would be misread.
    """
    pinned = mapping.conventions
    days, amounts = _seen(rows, mapping, declared)
    if declared.decimal is None and pinned.decimal and amounts.proven and pinned.decimal not in amounts.proven:
        told = {"examples": ", ".join(amounts.examples), "pinned": f'decimal = "{pinned.decimal}"'}
        raise FileRefused(Refusal.DECIMAL_AMBIGUOUS, "pinned_otherwise", **told)
    if declared.date is None and pinned.date and days.left and pinned.date not in days.left:
        told = {"examples": ", ".join(days.examples), "pinned": f'date = "{pinned.date}"'}
        raise FileRefused(Refusal.DATE_ORDER_AMBIGUOUS, "pinned_otherwise", **told)


def prove(rows: Iterable[Batch | Rejection], mapping: Mapping, known: Conventions) -> Conventions:
    """`known`, and what it leaves open decided over all amounts and dates that `mapping` reads of `rows`.

    Raises FileRefused when two readings are possible, with examples and the line that settles it.
    """
    return decided(*_seen(rows, mapping, known), known)


def _seen(rows: Iterable[Batch | Rejection], mapping: Mapping, known: Conventions) -> tuple["Dates", "Amounts"]:
    """All dates and amounts that `mapping` reads of `rows`, but for what is known about already."""
    days, amounts = Dates(known.language), Amounts()
    for batch in rows:
        if isinstance(batch, Rejection):
            continue
        relevant = mapping.kept(batch)
        for header, type in mapping.conventional:
            texts = conventional(relevant, header, type)
            if type == "date" and not known.date:
                days.see(texts)
            elif type == "money" and not (known.decimal and known.thousands):
                amounts.see(texts)
    return days, amounts


def unfilled_columns(rows: Iterable[Batch | Rejection], headers: set[str]) -> set[str]:
    """Those of some columns that hold nothing in the whole file."""
    unfilled = set(headers)
    for batch in rows:
        if isinstance(batch, Batch):
            unfilled -= {header for header in unfilled if cells(batch.frame, header).null_count < len(batch.frame)}
        if not unfilled:
            break
    return unfilled


def decided(days: "Dates", amounts: "Amounts", known: Conventions) -> Conventions:
    """`known`, and the verdicts on what it leaves open. Raises FileRefused where there is none."""
    date = known.date or days.verdict()
    if date and is_short(date) and known.pivot is None:
        examples = ", ".join(days.examples)
        raise FileRefused(Refusal.CENTURY_UNCLEAR, "add_to_format", examples=examples, line=f'date = "{date}"{_CENTURY}')
    decimal = known.decimal or amounts.verdict()
    return known.model_copy(update={"date": date, "decimal": decimal, "thousands": known.thousands or amounts.thousands(decimal)})


def conventional(batch: Batch, header: str, type: str) -> pa.Array:
    """The distinct texts of a column that the file's conventions apply to, in Latin digits."""
    column = cells(batch.frame, header)
    if batch.typed is not None:
        column = pc.if_else(is_canonical(column, pa.array(batch.typed[header]), type), None, column)
    return latin_column(pc.unique(column).drop_null())


class Dates:
    """The readings of the dates seen."""

    def __init__(self, language: str | None = None) -> None:
        self._language = language
        self._readings: dict[frozenset[str], list[str]] = {}

    def see(self, texts: pa.Array) -> None:
        """Take distinct texts into account."""
        for text in texts.to_pylist():
            known = self._readings.setdefault(dates.fitting(text, self._language), [])
            if len(known) < _EXAMPLES:
                known.append(text)

    def add(self, other: "Dates") -> None:
        """Take into account what another has seen."""
        for reading, texts in other._readings.items():
            self._readings.setdefault(reading, []).extend(texts)

    @property
    def examples(self) -> list[str]:
        """A few of the texts that are dates, one of each reading first."""
        told = [texts for reading, texts in self._readings.items() if reading]
        return list(dict.fromkeys(text for nth in range(_EXAMPLES) for texts in told for text in texts[nth : nth + 1]))[
            :_EXAMPLES
        ]

    @property
    def left(self) -> set[str]:
        """The patterns that are possible, none where no text is a date."""
        return dates.proven(self._readings)

    def verdict(self) -> str | None:
        """The pattern that is left, None where no text is a date. Raises FileRefused when more than one is."""
        left = self.left
        if len(left) > 1 or left == {SERIAL}:
            lines = [f'date = "{pattern}"' + _CENTURY * is_short(pattern) for pattern in sorted(left)]
            raise FileRefused(Refusal.DATE_ORDER_AMBIGUOUS, "add_to_format", examples=", ".join(self.examples), line=lines)
        return left.pop() if left else None


class Amounts:
    """The proofs of decimal and thousands marks in the amounts seen."""

    def __init__(self) -> None:
        self.proven: set[str] = set()
        self._unclear: list[str] = []
        self._grouping: dict[str, set[str]] = {",": set(), ".": set()}

    def see(self, texts: pa.Array) -> None:
        """Take distinct texts into account."""
        self.proven |= numbers.proven(texts)
        for decimal, marks in self._grouping.items():
            marks |= numbers.grouping(texts, decimal)
        if len(self._unclear) < _EXAMPLES:
            self._unclear += numbers.unclear(texts)[:_EXAMPLES]

    def add(self, other: "Amounts") -> None:
        """Take into account what another has seen."""
        self.proven |= other.proven
        self._unclear += other._unclear
        for decimal, marks in other._grouping.items():
            self._grouping[decimal] |= marks

    def verdict(self) -> str | None:
        """The decimal mark, None where there is none. Raises FileRefused when it may be either, or is both."""
        if len(self.proven) == 1:
            return next(iter(self.proven))
        if self.proven or self._unclear:
            lines = ['decimal = ","', 'decimal = "."']
            raise FileRefused(Refusal.DECIMAL_AMBIGUOUS, "add_to_format", examples=", ".join(self.examples), line=lines)
        return None

    @property
    def examples(self) -> list[str]:
        """A few of the amounts with a mark in them."""
        return self._unclear[:_EXAMPLES]

    def thousands(self, decimal: str | None) -> str | None:
        """The thousands mark, where there is only one."""
        marks = self._grouping.get(decimal or "", set())
        return next(iter(marks)) if len(marks) == 1 else None

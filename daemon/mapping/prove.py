"""Proof: what a file's conventions are, where nobody declared them, from every value of its columns; never from a few."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from daemon.errors import FileRefused, Refusal
from daemon.mapping import dates, numbers
from daemon.mapping.apply import Mapping
from daemon.mapping.convert import cells
from daemon.model import Batch, Rejection
from daemon.shape import Conventions


def prove(rows: Iterable[Batch | Rejection], mapping: Mapping, known: Conventions) -> Conventions:
    """`known`, and what it leaves open decided over all amounts and dates that `mapping` reads of `rows`.

    Raises FileRefused when two readings are possible, with examples and the line that settles it.
    """
    days, amounts = _Dates(), _Amounts()
    for batch in rows:
        if isinstance(batch, Rejection):
            continue
        relevant = mapping.kept(batch)
        for header, type in mapping.conventional:
            texts = _untyped(relevant, header)
            if type == "date" and not known.date:
                days.see(texts)
            elif type == "money" and not known.decimal:
                amounts.see(texts)
    return Conventions(date=known.date or days.verdict(), decimal=known.decimal or amounts.verdict())


def _untyped(batch: Batch, header: str) -> pa.Array:
    """The distinct texts of a column that the file's conventions apply to."""
    column = cells(batch.frame, header)
    if batch.typed is not None:
        column = pc.if_else(pa.array(batch.typed[header]), None, column)
    return pc.unique(column).drop_null()


class _Dates:
    def __init__(self) -> None:
        self._readings: dict[frozenset[str], str] = {}

    def see(self, texts: pa.Array) -> None:
        for text in texts.to_pylist():
            self._readings.setdefault(dates.fitting(text), text)

    def verdict(self) -> str | None:
        left = dates.proven(self._readings)
        if len(left) > 1:
            examples = ", ".join(text for reading, text in self._readings.items() if reading)
            line = " or ".join(f'date = "{pattern}"' for pattern in sorted(left))
            raise FileRefused(Refusal.DATE_ORDER_AMBIGUOUS, f"{examples}: add to [format] {line}")
        return left.pop() if left else None


class _Amounts:
    def __init__(self) -> None:
        self._proven: set[str] = set()
        self._unclear: list[str] = []

    def see(self, texts: pa.Array) -> None:
        self._proven |= numbers.proven(texts)
        if len(self._unclear) < 3:
            self._unclear += numbers.unclear(texts)[:3]

    def verdict(self) -> str | None:
        if len(self._proven) == 1:
            return self._proven.pop()
        if self._proven or self._unclear:
            raise FileRefused(
                Refusal.DECIMAL_AMBIGUOUS,
                f'{", ".join(self._unclear[:3])}: add to [format] decimal = "," or decimal = "."',
            )
        return None

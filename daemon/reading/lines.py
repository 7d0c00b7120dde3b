"""Text with one record on each line: lists drawn with bars and dashes, and columns of fixed width."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Reason, ReasonCode, Rejection
from daemon.profiles import Format
from daemon.reading import sniff
from daemon.reading.delimited import columns_of
from daemon.reading.records import ragged
from daemon.reading.sieve import Sieve
from daemon.reading.text import Text
from daemon.reading.weighing import WhatElse


class _Lines(ABC):
    """A text file whose lines are told apart by `_cells`. See `reading.Reader`."""

    def __init__(self, path: Path, format: Format, clues: WhatElse) -> None:
        self._text = Text(path, format, clues)
        self._comment = format.comment
        sample = [line.decode(self._text.codec, "replace").rstrip("\r\f") for line in self._text.head()]
        titles, self._above = self._find_header(sample, format)
        below = max(self._above - (0 if format.header or format.positions else format.header_rows or 1), 0)
        above = [[line.strip()] for line in sample[:below] if line.strip()]
        self.above = len(above)
        if not any(title.strip() for title in titles):
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_header_line")
        self.header = sniff.unique(titles)
        self._sieve = Sieve(self.header, titles, format, above)
        found = {"encoding": self._text.encoding, "header_row": format.header_row or self._above or None}
        self.format = format.model_copy(update=found)

    @property
    def ignored(self) -> int:
        """Lines below the header that were no records."""
        return self._sieve.ignored

    @property
    def trailers(self) -> list[str]:
        """The lines that count the others."""
        return self._sieve.trailers

    @property
    def total(self) -> dict[str, str]:
        """The cells of the file's own total, the last one, by their headers; none where there is no such line."""
        return self._sieve.total

    @property
    def final_newline(self) -> bool | None:
        """Whether the last line has a line end."""
        return self._text.final_newline

    def __iter__(self) -> Iterator[Batch | Rejection]:
        line = self._above
        for block, _ in self._text.blocks(self._above):
            rows: list[list[str]] = []
            numbers: list[int] = []
            for raw in block.removesuffix(b"\n").split(b"\n") if block else []:
                line += 1
                got = self._record(raw)
                if isinstance(got, Reason):
                    yield Rejection(line, [raw.decode(self._text.codec, "backslashreplace").rstrip()], (got,))
                elif len(got) == len(self.header):
                    rows.append(got)
                    numbers.append(line)
                elif not self._sieve.drops(got):
                    yield Rejection(line, got, (ragged(len(got), len(self.header)),))
            batch = self._sieve.batch(columns_of(rows, len(self.header)), np.array(numbers, dtype=np.int64))
            if len(batch.frame):
                yield batch

    def _record(self, raw: bytes) -> list[str] | Reason:
        """The cells of a line, none if it is no record, or why they cannot be told."""
        try:
            line = raw.decode(self._text.codec).strip("\r\f\ufeff")
        except UnicodeDecodeError as error:
            return Reason(ReasonCode.UNDECODABLE, detail=f"{error.object[error.start]:02X}")
        if "\0" in line or "\r" in line:
            return Reason(ReasonCode.CONTROL_CHARACTER)
        if self._comment and line.startswith(self._comment):
            return []
        return self._cells(line)

    @abstractmethod
    def _find_header(self, sample: list[str], format: Format) -> tuple[list[str], int]:
        """The headers, and the number of lines above the first record."""

    @abstractmethod
    def _cells(self, line: str) -> list[str] | Reason:
        """The cells of a line, none if it is no record, or why they cannot be told."""


class List(_Lines):
    """A list as SAP prints it: `|` frames, dashed rules, page headers that repeat, subtotals marked with `*`."""

    _bars: list[int]
    """Where the bars of the headers' line stand: a text may hold bars of its own, but the frame does not move."""

    def _find_header(self, sample: list[str], format: Format) -> tuple[list[str], int]:
        framed = [n for n, line in enumerate(sample) if _is_framed(line)]
        first = format.header_row - 1 if format.header_row else next(iter(framed), None)
        if first is None or first >= len(sample):
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_framed_line")
        self._bars = [at for at, char in enumerate(sample[first]) if char == "|"]
        if format.header:
            return format.header, 0
        last = first + (format.header_rows or 1)
        return sniff.stacked([self._cells(line) for line in sample[first:last]]), last

    def _cells(self, line: str) -> list[str]:
        if not line.lstrip().startswith("|") or sniff.is_rule(line):
            return []
        cells = line.strip()[1:].split("|")[:-1]  # what stands behind the last bar is cut off
        if len(cells) != len(self._bars) - 1 and all(line[at : at + 1] == "|" for at in self._bars):
            cells = [line[start + 1 : end] for start, end in pairwise(self._bars)]
        cells = [cell.strip() for cell in cells]
        is_subtotal = next((cell for cell in cells if cell), "").strip("*") == ""
        return [] if is_subtotal else cells


def _is_framed(line: str) -> bool:
    """Whether a line is written between bars, not drawn."""
    line = line.strip()
    return line.startswith("|") and line.endswith("|") and len(line) > 1 and not sniff.is_rule(line)


class FixedWidth(_Lines):
    """Columns of fixed width, at positions the profile names or a line of dashes under the headers marks."""

    _gaps: list[tuple[int, int]]
    """Where a ruler says that nothing stands. What the profile's positions leave out is left out."""

    def _find_header(self, sample: list[str], format: Format) -> tuple[list[str], int]:
        if format.positions:
            self._columns, self._gaps = [(first - 1, last) for first, last in format.positions.values()], []
            return list(format.positions), format.header_row or 0
        below = next((n for n, line in enumerate(sample) if sniff.ruler(line)), None)
        if below is None:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_ruler")
        self._columns = sniff.ruler(sample[below])
        self._gaps = [(end, start) for (_, end), (start, _) in pairwise([(0, 0), *self._columns, (1 << 30, 1 << 30)])]
        if format.header:
            return format.header, below + 1
        return sniff.stacked(
            [self._sliced(line) for line in sample[max(below - (format.header_rows or 1), 0) : below]]
        ), below + 1

    def _cells(self, line: str) -> list[str] | Reason:
        if sniff.is_rule(line) or sniff.ruler(line):
            return []
        return Reason(ReasonCode.BETWEEN_COLUMNS) if any(line[a:b].strip() for a, b in self._gaps) else self._sliced(line)

    def _sliced(self, line: str) -> list[str]:
        return [line[first:last].strip() for first, last in self._columns]

"""Delimited text, streamed. A block of lines whose quotes are plainly right is parsed by pyarrow in one go; any other
is read record by record, so that a fault costs one line and is told with its number.
"""

import codecs
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Rejection
from daemon.profiles import Format
from daemon.reading import delimiter, sniff
from daemon.reading.records import Records, ragged
from daemon.reading.sieve import Sieve
from daemon.reading.text import Text
from daemon.reading.weighing import WhatElse


@dataclass
class _Parsed:
    """What came of a block: how many lines were used up, the bytes left for the next block, and the rows."""

    lines: int
    batch: Batch
    rejections: list[Rejection] = field(default_factory=list)
    rest: bytes = b""


class Delimited:
    """A delimited text file. See `reading.Reader`."""

    def __init__(self, path: Path, format: Format, clues: WhatElse, headers: Collection[str]) -> None:
        self._text = Text(path, format, clues)
        lines = self._text.head()
        sample = [line.decode(self._text.codec, "replace").removesuffix("\r") for line in lines]
        found = delimiter.delimited(sample, format, headers)
        self._dialect = found.dialect
        self._records = Records(self._dialect, self._text.codec)
        titles, self._above = list(format.header or []), found.header_row - 1
        above = [row for row in delimiter.rows(sample[: self._above], self._dialect.delimiter, "") if any(map(str.strip, row))]
        self.above = len(above)
        if not titles:
            titles = self._titles(lines[self._above :], format.header_rows or 1)
            while len(titles) > found.width and not titles[-1].strip():
                titles.pop()
            titles += [""] * (found.width - len(titles))
        if not any(title.strip() for title in titles):
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_headers_on_line", line=found.header_row)
        self.header = sniff.unique(titles)
        self._sieve = Sieve(self.header, titles, format, above)
        self.format = format.model_copy(
            update={
                "kind": "delimited",
                "encoding": self._text.encoding,
                "delimiter": self._dialect.delimiter,
                "quote": self._dialect.quote,
                "header_row": None if format.header else found.header_row,
            }
        )

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
        line, rest = self._above + 1, b""
        for block, last in self._text.blocks(self._above):
            block = rest + block
            if not block:
                continue
            parsed = self._quickly(block, line) or self._carefully(block, line, last)
            yield from (rejection for rejection in parsed.rejections if not self._sieve.drops(rejection.cells))
            if len(parsed.batch.frame):
                yield parsed.batch
            line, rest = line + parsed.lines, parsed.rest

    def _titles(self, lines: list[bytes], count: int) -> list[str]:
        """The headers, spread over `count` records; moves `_above` to the line before the first row."""
        records = [record for record, _ in zip(self._records.parse(lines), range(count), strict=False)]
        self._above += sum(record.span for record in records)
        faulty = any(record.reason for record in records)
        cells = [[cell.strip(f" {self._dialect.quote}") for cell in r.cells] if faulty else r.cells for r in records]
        return sniff.stacked(cells)

    def _quickly(self, block: bytes, first: int) -> _Parsed | None:
        """Parse a block in one go; None when it holds anything that must be looked at line by line."""
        try:
            text = block if block.isascii() else block.decode(self._text.codec).encode()
        except UnicodeDecodeError:
            return None
        dialect = self._dialect
        if dialect.comment and b"\n" + dialect.comment.encode() in b"\n" + text:
            return None
        if dialect.single != dialect.delimiter:
            if (dialect.quote and dialect.quote.encode() in text) or dialect.single.encode() in text:
                return None
            text = text.replace(dialect.delimiter.encode(), dialect.single.encode())
        if not self._is_plain(text):
            return None
        bad: list[tuple[int, str]] = []

        def aside(row: arrow_csv.InvalidRow) -> str:
            bad.append((row.number, row.text))
            return "skip"

        names = [str(number) for number in range(len(self.header) + dialect.trailing)]
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text),
                arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(text) + 1),
                arrow_csv.ParseOptions(
                    delimiter=dialect.single,
                    quote_char=dialect.quote or False,
                    ignore_empty_lines=False,
                    invalid_row_handler=aside,
                ),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
            )
        except pa.ArrowInvalid:
            return None
        if bad and dialect.short:
            return None
        lines = int(np.count_nonzero(np.frombuffer(text, np.uint8) == 10))
        if table.num_rows + len(bad) != lines:
            return None
        columns = [column.combine_chunks() for column in table.columns]
        if dialect.trailing and pc.any(pc.not_equal(columns.pop(), "")).as_py():
            return None
        numbers = np.arange(first, first + lines)
        numbers = np.delete(numbers, [number - 1 for number, _ in bad])
        rejections = [self._ragged(first + number - 1, row) for number, row in bad]
        return _Parsed(lines, self._sieve.batch(columns, numbers), rejections)

    def _ragged(self, line: int, text: str) -> Rejection:
        raw = text.replace(self._dialect.single, self._dialect.delimiter).encode(self._text.codec)
        record = next(self._records.parse([raw], len(self.header)))
        return Rejection(line, record.cells, (record.reason or ragged(len(record.cells), len(self.header)),))

    def _is_plain(self, text: bytes) -> bool:
        """Whether every line is a record, and every quoted cell a pair of quotes that stand at the cell's two ends."""
        dialect = self._dialect
        if not text or b"\0" in text or codecs.BOM_UTF8 in text or not (dialect.single + dialect.quote).isascii():
            return False
        if (dialect.escape and dialect.escape.encode() in text) or b'="' in text:
            return False
        data = np.frombuffer(b"\n" + text, np.uint8)
        if (data[np.flatnonzero(data == 13) + 1] != 10).any():
            return False
        quote = dialect.quote.encode()
        if not quote or quote not in text:
            return True
        quotes = np.flatnonzero(data == quote[0])
        if len(quotes) % 2:
            return False
        opening, closing = quotes[::2], quotes[1::2]
        ends = [ord(dialect.single), 10]
        feeds = np.flatnonzero(data == 10)
        return bool(
            np.isin(data[opening - 1], ends).all()
            and np.isin(data[closing + 1], [*ends, 13]).all()
            and (np.searchsorted(feeds, opening) == np.searchsorted(feeds, closing)).all()
        )

    def _carefully(self, block: bytes, first: int, last: bool) -> _Parsed:
        """Parse a block record by record."""
        lines = block.removesuffix(b"\n").split(b"\n") if block else []
        width, line = len(self.header), first
        rows: list[list[str]] = []
        numbers: list[int] = []
        rejections = []
        for record in self._records.parse(lines, width, complete=last):
            if record.reason:
                rejections.append(Rejection(line, record.cells, (record.reason,)))
            else:
                rows.append(record.cells or [""] * width)
                numbers.append(line)
            line += record.span
        rest = lines[line - first :]
        batch = self._sieve.batch(columns_of(rows, width), np.array(numbers, dtype=np.int64))
        return _Parsed(line - first, batch, rejections, b"\n".join([*rest, b""]) if rest else b"")


def columns_of(rows: list[list[str]], width: int) -> list[pa.Array]:
    """Rows of `width` cells as text columns."""
    return [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [pa.array([], pa.string())] * width

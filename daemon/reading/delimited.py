"""Delimited text, streamed. A block of lines whose quotes are plainly right is parsed by pyarrow in one go; any other
is read record by record, so that a fault costs one line and is told with its number.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Rejection
from daemon.reading import encoding, sniff
from daemon.reading.packed import open_bytes
from daemon.reading.records import Records, ragged
from daemon.shape import Format

_BLOCK = 4 << 20
_LONGEST_LINE = 64 << 20
_HEAD = 1 << 18
TEXT = pd.ArrowDtype(pa.string())


@dataclass
class _Parsed:
    """What came of a block: how many lines were used up, the bytes left for the next block, and the rows."""

    lines: int
    batch: Batch | None
    rejections: list[Rejection] = field(default_factory=list)
    rest: bytes = b""


class Delimited:
    """A delimited text file. See `reading.Reader`."""

    def __init__(self, path: Path, format: Format) -> None:
        self._path = path
        self.ignored = 0
        self._declared = self._encoding(format)
        self._wide = codecs.lookup(self._declared).name.startswith(("utf-16", "utf-32"))
        self._codec = "utf-8" if self._wide else self._declared
        lines = self._head()
        self._quote = '"' if format.quote is None else format.quote
        sample = [line.decode(self._codec, "replace") for line in lines]
        self._delimiter = format.delimiter or sniff.delimiter(sample[(format.header_row or 1) - 1 :], self._quote)
        header_row = format.header_row or sniff.header_row(sniff.rows(sample, self._delimiter, self._quote))
        self._records = Records(self._delimiter, self._quote, self._codec)
        header = next(self._records.parse(lines[header_row - 1 :]), None)
        if header is None or header.reason or not any(cell.strip() for cell in header.cells):
            raise FileRefused(Refusal.SHAPE_UNCLEAR, f"line {header_row} holds no headers")
        self._above = header_row - 1 + header.span
        self.header = sniff.unique(header.cells)
        self.format = Format(
            kind="delimited",
            encoding=self._declared,
            delimiter=self._delimiter,
            quote=self._quote,
            header_row=header_row,
        )

    def __iter__(self) -> Iterator[Batch | Rejection]:
        line, rest = self._above + 1, b""
        for block, last in self._blocks():
            block = rest + block
            parsed = self._quickly(block, line) or self._carefully(block, line, last)
            yield from parsed.rejections
            if parsed.batch is not None and len(parsed.batch.frame):
                yield parsed.batch
            line, rest = line + parsed.lines, parsed.rest

    def _encoding(self, format: Format) -> str:
        with open_bytes(self._path) as file:
            head = file.read(4)
            if mark := encoding.byte_order_mark(head):
                return mark[0]
        if format.encoding:
            return encoding.declared(format.encoding)
        with open_bytes(self._path) as file:
            return encoding.detect(iter(lambda: file.read(_BLOCK), b""))

    def _head(self) -> list[bytes]:
        head = next(self._chunks(), b"")[:_HEAD]
        if not head.strip():
            raise FileRefused(Refusal.EMPTY, "there is nothing in the file")
        lines = head.split(b"\n")
        return lines if len(head) < _HEAD and lines[-1] else lines[:-1] or lines

    def _chunks(self) -> Iterator[bytes]:
        """The file in a superset of ASCII, without its byte order mark, old Macintosh line ends made line feeds."""
        with open_bytes(self._path) as file:
            chunk = file.read(_BLOCK)
            if mark := encoding.byte_order_mark(chunk[:4]):
                chunk = chunk[mark[1] :]
            decoder = codecs.getincrementaldecoder(self._declared)() if self._wide else None
            macintosh = b"\r" in chunk and b"\n" not in chunk
            while chunk:
                if decoder:
                    chunk = self._narrow(decoder, chunk)
                yield chunk.replace(b"\r", b"\n") if macintosh else chunk
                chunk = file.read(_BLOCK)
            if decoder:
                self._narrow(decoder, b"", final=True)

    def _narrow(self, decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bytes:
        try:
            return decoder.decode(chunk, final).encode()
        except UnicodeError as error:
            raise FileRefused(Refusal.ENCODING_UNKNOWN, f"this is not {self._declared}: {error}") from error

    def _blocks(self) -> Iterator[tuple[bytes, bool]]:
        """The lines below the header, about 4 MiB of whole lines at a time, and whether they are the last."""
        rest, above = b"", self._above
        for chunk in self._chunks():
            whole, feed, rest_of_chunk = chunk.rpartition(b"\n")
            if not feed:
                rest += chunk
                if len(rest) > _LONGEST_LINE:
                    raise FileRefused(Refusal.SHAPE_UNCLEAR, f"a line is longer than {_LONGEST_LINE >> 20} MiB")
                continue
            block, rest = rest + whole + feed, rest_of_chunk
            while above and block:
                block, above = block[block.index(b"\n") + 1 :], above - 1
            if block:
                yield block, False
        if not above:
            yield (rest + b"\n" if rest else b""), True

    def _quickly(self, block: bytes, first: int) -> _Parsed | None:
        """Parse a block in one go; None when it holds anything that must be looked at line by line."""
        if not self._is_plain(block):
            return None
        try:
            text = block if block.isascii() else block.decode(self._codec).encode()
        except UnicodeDecodeError:
            return None
        bad: list[tuple[int, str]] = []

        def aside(row: arrow_csv.InvalidRow) -> str:
            bad.append((row.number, row.text))
            return "skip"

        names = [str(number) for number in range(len(self.header))]
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text),
                arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(text) + 1),
                arrow_csv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char=self._quote or False,
                    ignore_empty_lines=False,
                    invalid_row_handler=aside,
                ),
                arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
            )
        except pa.ArrowInvalid:
            return None
        lines = int(np.count_nonzero(np.frombuffer(text, np.uint8) == 10))
        if table.num_rows + len(bad) != lines:
            return None
        numbers = np.arange(first, first + lines)
        numbers = np.delete(numbers, [number - 1 for number, _ in bad])
        rejections = [self._ragged(first + number - 1, row) for number, row in bad]
        return _Parsed(lines, self._batch(table, numbers), rejections)

    def _ragged(self, line: int, text: str) -> Rejection:
        record = next(self._records.parse([text.encode(self._codec)]))
        return Rejection(line, record.cells, (ragged(len(record.cells), len(self.header)),))

    def _is_plain(self, block: bytes) -> bool:
        """Whether every line is a record, and every quoted cell a pair of quotes that stand at the cell's two ends."""
        if not block or b"\0" in block or block.startswith(codecs.BOM_UTF8) or not (self._delimiter + self._quote).isascii():
            return False
        data = np.frombuffer(b"\n" + block, np.uint8)
        if (data[np.flatnonzero(data == 13) + 1] != 10).any():
            return False
        quote = self._quote.encode()
        if not quote or quote not in block:
            return True
        quotes = np.flatnonzero(data == quote[0])
        if len(quotes) % 2:
            return False
        opening, closing = quotes[::2], quotes[1::2]
        ends = [ord(self._delimiter), 10]
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
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [pa.array([], pa.string())] * width
        table = pa.table(columns, names=[str(number) for number in range(width)])
        return _Parsed(
            line - first,
            self._batch(table, np.array(numbers, dtype=np.int64)),
            rejections,
            b"\n".join([*rest, b""]) if rest else b"",
        )

    def _batch(self, table: pa.Table, lines: np.ndarray) -> Batch:
        """A batch of a table's rows, blank ones left out and counted."""
        empty = np.ones(table.num_rows, dtype=bool)
        for column in table.columns:
            if not empty.any():
                break
            empty &= np.asarray(pa.compute.equal(column, "").combine_chunks())
        if empty.any():
            self.ignored += int(empty.sum())
            table, lines = table.filter(pa.array(~empty)), lines[~empty]
        frame = table.to_pandas(types_mapper={pa.string(): TEXT}.get)
        frame.columns = pd.Index(self.header)
        frame.index = pd.Index(lines, name="line")
        return Batch(frame)

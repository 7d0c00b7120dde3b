"""Workbooks and HTML tables: rows of text from the sandbox, with the cells marked that a spreadsheet had typed."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Rejection
from daemon.profiles import Format
from daemon.reading import encoding, header, sandbox, sniff
from daemon.reading.records import ragged
from daemon.reading.sieve import Sieve
from daemon.reading.source import open_bytes
from daemon.reading.weighing import WhatElse
from daemon.settings import Sandbox

_SAMPLE = 300
_TYPED, _ERROR = 1, 2
_DBF_PAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x04: "mac-roman", 0x08: "cp865", 0x09: "cp437", 0x0A: "cp850",
    0x0B: "cp437", 0x0D: "cp437", 0x0E: "cp850", 0x0F: "cp437", 0x10: "cp850", 0x11: "cp437", 0x12: "cp850",
    0x13: "cp932", 0x14: "cp850", 0x15: "cp437", 0x16: "cp850", 0x17: "cp865", 0x18: "cp437", 0x19: "cp437",
    0x1A: "cp850", 0x1B: "cp437", 0x1C: "cp863", 0x1D: "cp850", 0x1F: "cp852", 0x22: "cp852", 0x23: "cp852",
    0x24: "cp860", 0x25: "cp850", 0x26: "cp866", 0x37: "cp850", 0x40: "cp852", 0x4D: "cp936", 0x4E: "cp949",
    0x4F: "cp950", 0x50: "cp874", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0x66: "cp865", 0x67: "cp861", 0x6A: "cp737", 0x6B: "cp857", 0x78: "cp950", 0x79: "cp949", 0x7A: "cp936",
    0x7B: "cp932", 0x7C: "cp874", 0x7D: "cp1255", 0x7E: "cp1256", 0x86: "cp737", 0x87: "cp852", 0x88: "cp857",
    0x96: "mac-cyrillic", 0x97: "mac-latin2", 0x98: "mac-greek", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254",
    0xCB: "cp1253", 0xCC: "cp1257",
}  # fmt: skip
"""The code page that the mark of a dBASE table says, after Visual FoxPro's own list."""
_CHARSET = re.compile(rb"""<meta[^>]+charset=["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE)


class Grid:
    """A table of rows and columns, one sheet of a workbook or the longest table of a page. See `reading.Reader`."""

    def __init__(self, path: Path, format: Format, limits: Sandbox, headers: Collection[str], clues: WhatElse) -> None:
        if format.kind == "html":
            format = format.model_copy(update={"encoding": _encoding(path, format, clues)})
            self._batches = sandbox.rows(path, limits, "tables.table", encoding=format.encoding, wanted=format.sheet)
        else:
            self._batches = _workbook(path, format, limits, headers, clues)
        first = next(self._batches, None)
        if first is None or not first.num_rows:
            raise FileRefused(Refusal.EMPTY, "sheet_empty")
        self._first = first
        header_row = format.header_row or (1 if format.header else self._find_header(first, headers, format.header_rows or 1))
        self._above = 0 if format.header else header_row + (format.header_rows or 1) - 1
        if self._above > first.num_rows:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "headers_below_sheet", rows=first.num_rows, row=header_row)
        titles = format.header or self._titles(header_row)
        if not titles:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_headers_on_row", row=header_row)
        self.header = sniff.unique(titles)
        above = [row for row in _sample(first, 0 if format.header else header_row - 1) if any(map(str.strip, row))]
        self.above = len(above)
        self._sieve = Sieve(self.header, titles, format, above)
        self.format = format.model_copy(update={"header_row": None if format.header else header_row})

    @property
    def ignored(self) -> int:
        """Rows below the headers that were no records."""
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
        """A workbook or a page is whole, or cannot be read."""
        return None

    def __iter__(self) -> Iterator[Batch | Rejection]:
        for batch in chain([self._first], self._batches):
            yield from self._rows(batch.filter(pc.greater(batch.column(0), self._above)))

    def _titles(self, header_row: int) -> list[str]:
        rows = range(header_row - 1, self._above)
        titles = sniff.stacked([[column[row].as_py() for column in _texts(self._first)] for row in rows])
        while titles and not titles[-1].strip():
            titles.pop()
        return titles

    def _find_header(self, first: pa.RecordBatch, ours: Collection[str], over: int) -> int:
        """The row of the headers, by what headers are and by the width of most rows."""
        rows = _sample(first, _SAMPLE)
        filled = [max((place for place, cell in enumerate(row, 1) if cell.strip()), default=0) for row in rows]
        widths = Counter(width for width in filled if width)
        if not widths:
            raise FileRefused(Refusal.EMPTY, "sheet_empty")
        usual = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
        return header.find(rows, usual, ours, over)

    def _rows(self, batch: pa.RecordBatch) -> Iterator[Batch | Rejection]:
        width, lines, texts = len(self.header), np.asarray(batch.column(0)), _texts(batch)
        texts += [pa.repeat(pa.scalar(""), batch.num_rows)] * (width - len(texts))
        beyond = np.zeros(batch.num_rows, dtype=bool)
        for text in texts[width:]:
            beyond |= np.asarray(pc.not_equal(pc.utf8_trim_whitespace(text), ""))
        for at in np.flatnonzero(beyond):
            cells = [text[int(at)].as_py() for text in texts]
            while not cells[-1].strip():
                cells.pop()
            if not self._sieve.drops(cells):
                yield Rejection(int(lines[at]), cells, (ragged(len(cells), width),))
        keep = pa.array(~beyond)
        marks = [mark.filter(keep) for mark in batch.columns[2::2][:width]]
        marks += [pa.repeat(pa.scalar(0, pa.int8()), len(lines) - int(beyond.sum()))] * (width - len(marks))
        typed, errors = ([pc.equal(mark, kind) for mark in marks] for kind in (_TYPED, _ERROR))
        records = self._sieve.batch([text.filter(keep) for text in texts[:width]], lines[~beyond], typed, errors)
        if len(records.frame):
            yield (
                records if records.errors is not None and records.errors.to_numpy().any() else Batch(records.frame, records.typed)
            )


def _workbook(path: Path, format: Format, limits: Sandbox, headers: Collection[str], clues: WhatElse) -> Iterator[pa.RecordBatch]:
    """The rows of a workbook, of whatever kind."""
    with open_bytes(path) as file:
        head = file.read(1 << 12)
    if sniff.is_dbf(head):
        return sandbox.rows(path, limits, "dbf.table", encoding=_of_dbf(path, head, format, clues))
    wanted = {"wanted": format.sheet, "headers": list(headers)}
    if sniff.is_flat(head):
        return sandbox.rows(path, limits, "flat.table", **wanted)
    return sandbox.rows(path, limits, "workbook.sheet", area=format.range, **wanted)


def _of_dbf(path: Path, head: bytes, format: Format, clues: WhatElse) -> str:
    """The encoding of a dBASE table: the profile's word, its own mark, or by what is in it."""
    if format.encoding:
        return encoding.declared(format.encoding, head)
    if name := _DBF_PAGES.get(head[29]):
        return name
    with open_bytes(path) as file:
        file.read(int.from_bytes(head[8:10], "little"))
        return encoding.detect(iter(lambda: file.read(1 << 22), b""), format.language, clues)


def _sample(batch: pa.RecordBatch, count: int) -> list[list[str]]:
    """The first rows."""
    return [list(row) for row in zip(*(column.slice(0, count).to_pylist() for column in _texts(batch)), strict=True)]


def _texts(batch: pa.RecordBatch) -> list[pa.Array]:
    texts: list[pa.Array] = batch.columns[1::2]
    return texts


def _encoding(path: Path, format: Format, clues: WhatElse) -> str:
    """The encoding of a page: by its mark, the profile's word, its own word, or its bytes."""
    with open_bytes(path) as file:
        head = file.read(1 << 12)
    if mark := encoding.byte_order_mark(head):
        return "utf-8-sig" if mark[0] == "utf-8" else mark[0].rsplit("-", 1)[0]
    if format.encoding:
        return encoding.declared(format.encoding, head)
    if said := _CHARSET.search(head):
        name = encoding.declared(said[1].decode("ascii"), head)
        return "cp1252" if name in ("iso8859-1", "ascii") else name  # as browsers take it: WHATWG's Encoding Standard
    with open_bytes(path) as file:
        return encoding.detect(iter(lambda: file.read(1 << 22), b""), format.language, clues)

"""Workbooks and HTML tables: rows of text from the sandbox, with the cells marked that a spreadsheet had typed."""

import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Rejection
from daemon.profiles import Format
from daemon.reading import encoding, sandbox, sniff
from daemon.reading.records import ragged
from daemon.reading.sieve import Sieve
from daemon.reading.source import open_bytes
from daemon.reading.weighing import WhatElse
from daemon.settings import Sandbox

_HEADER_WITHIN = 50
_TYPED, _ERROR = 1, 2
_CHARSET = re.compile(rb"""<meta[^>]+charset=["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE)


class Grid:
    """A table of rows and columns, one sheet of a workbook or the longest table of a page. See `reading.Reader`."""

    def __init__(self, path: Path, format: Format, limits: Sandbox, headers: Collection[str], clues: WhatElse) -> None:
        if format.kind == "html":
            format = format.model_copy(update={"encoding": _encoding(path, format, clues)})
            self._batches = sandbox.rows(path, limits, "tables.table", encoding=format.encoding, wanted=format.sheet)
        else:
            self._batches = sandbox.rows(
                path, limits, "workbook.sheet", wanted=format.sheet, area=format.range, headers=list(headers)
            )
        first = next(self._batches, None)
        if first is None or not first.num_rows:
            raise FileRefused(Refusal.EMPTY, "sheet_empty")
        self._first = first
        header_row = format.header_row or (1 if format.header else self._find_header(first))
        self._above = 0 if format.header else header_row + (format.header_rows or 1) - 1
        if self._above > first.num_rows:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "headers_below_sheet", rows=first.num_rows, row=header_row)
        titles = format.header or self._titles(header_row)
        if not titles:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_headers_on_row", row=header_row)
        self.header = sniff.unique(titles)
        self._sieve = Sieve(self.header, titles, format)
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

    def _find_header(self, first: pa.RecordBatch) -> int:
        """The first row that fills as many cells as most rows do: titles above the headers fill fewer."""
        filled = np.sum([np.asarray(pc.not_equal(text, "")) for text in _texts(first)], axis=0)
        rows = np.flatnonzero(filled)[:_HEADER_WITHIN]
        if not len(rows):
            raise FileRefused(Refusal.EMPTY, "sheet_empty")
        counts = np.bincount(filled[rows])
        usual = len(counts) - 1 - counts[::-1].argmax()  # of two that are as frequent, the wider
        return int(rows[np.argmax(filled[rows] >= usual)]) + 1

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

"""Workbooks: one sheet as batches of text, with the cells marked that the spreadsheet had typed."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, Rejection
from daemon.reading import sandbox, sniff
from daemon.reading.records import ragged
from daemon.settings import Sandbox
from daemon.shape import Format

_HEADER_WITHIN = 50


class Excel:
    """One sheet of a workbook. See `reading.Reader`."""

    def __init__(self, path: Path, format: Format, limits: Sandbox) -> None:
        self.ignored = 0
        self._batches = sandbox.sheet(path, format.sheet, limits)
        first = next(self._batches, None)
        if first is None or not first.num_rows:
            raise FileRefused(Refusal.EMPTY, "the sheet is empty")
        self._first = first
        header_row = format.header_row or self._find_header(first)
        if header_row > first.num_rows:
            raise FileRefused(
                Refusal.SHAPE_UNCLEAR, f"the sheet has {first.num_rows} rows; its headers should be on row {header_row}"
            )
        header = [column[header_row - 1].as_py() for column in _texts(first)]
        while header and not header[-1].strip():
            header.pop()
        if not header:
            raise FileRefused(Refusal.SHAPE_UNCLEAR, f"row {header_row} holds no headers")
        self.header = sniff.unique(header)
        self.format = Format(kind="excel", header_row=header_row, sheet=format.sheet)

    def __iter__(self) -> Iterator[Batch | Rejection]:
        assert self.format.header_row
        for batch in chain([self._first], self._batches):
            yield from self._rows(batch.filter(pa.compute.greater(batch.column(0), self.format.header_row)))

    def _find_header(self, first: pa.RecordBatch) -> int:
        """The first row that fills as many cells as most rows do: titles above the headers fill fewer."""
        filled = np.sum([np.asarray(pa.compute.not_equal(text, "")) for text in _texts(first)], axis=0)
        rows = np.flatnonzero(filled)[:_HEADER_WITHIN]
        if not len(rows):
            raise FileRefused(Refusal.EMPTY, "the sheet is empty")
        usual = np.bincount(filled[rows]).argmax()
        return int(rows[np.argmax(filled[rows] >= usual)]) + 1

    def _rows(self, batch: pa.RecordBatch) -> Iterator[Batch | Rejection]:
        width, lines = len(self.header), np.asarray(batch.column(0))
        filled = np.array([np.asarray(pa.compute.not_equal(text, "")) for text in _texts(batch)])
        blank, wide = ~filled.any(axis=0), filled[width:].any(axis=0)
        self.ignored += int(blank.sum())
        for at in np.flatnonzero(wide):
            cells = [text[int(at)].as_py() for text in _texts(batch)]
            count = int(np.flatnonzero(filled[:, at])[-1]) + 1
            yield Rejection(int(lines[at]), cells[:count], (ragged(count, width),))
        keep = pa.array(~blank & ~wide)
        text = pa.table(_texts(batch)[:width], names=[str(n) for n in range(width)]).filter(keep)
        if text.num_rows:
            index = pd.Index(lines[~blank & ~wide], name="line")
            frame = text.to_pandas(types_mapper=pd.ArrowDtype)
            typed = pa.table(batch.columns[2::2][:width], names=text.column_names).filter(keep).to_pandas()
            frame.columns = typed.columns = pd.Index(self.header)
            frame.index = typed.index = index
            yield Batch(frame, typed)


def _texts(batch: pa.RecordBatch) -> list[pa.Array]:
    texts: list[pa.Array] = batch.columns[1::2]
    return texts

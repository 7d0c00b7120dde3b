"""What is no record of a table: blank lines, drawn lines, repeats of the headers, and lines the profile names."""

import fnmatch
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from daemon.model import Batch
from daemon.profiles import Format

_MARKS = "-=_"
_DRAWN = re.compile(f"[{_MARKS}]{{2,}}")
TEXT = pd.ArrowDtype(pa.string())


class Sieve:
    """Keeps the records of one table, and counts in `ignored` the lines that are none.

    Those that the format says are trailers are kept in `trailers`, their cells joined by `;`.
    """

    def __init__(self, header: list[str], raw_header: Sequence[str], format: Format) -> None:
        self.ignored = 0
        self.trailers: list[str] = []
        self._trailer = re.compile(fnmatch.translate(format.trailer)) if format.trailer else None
        self._names = header
        self._titles = [cell.strip() for cell in raw_header]
        self._first = next((n for n, title in enumerate(self._titles) if title), 0)
        self._patterns = [re.compile(fnmatch.translate(pattern)) for pattern in format.ignore]
        if self._trailer:
            self._patterns.append(self._trailer)

    def drops(self, cells: Sequence[str]) -> bool:
        """Whether a line of any width is no record; if so it is counted."""
        filled = next((cell.strip() for cell in cells if cell.strip()), "")
        no_record = not filled or self._is_named(filled) or self._is_drawing(cells)
        self.ignored += no_record
        self._keep_trailer(filled, cells)
        return no_record

    def batch(self, columns: Sequence[pa.Array], lines: np.ndarray, *marks: Sequence[pa.Array]) -> Batch:
        """A batch of the records among rows that have a cell for each header; `marks` go the way of `Batch.typed`, `.errors`."""
        keep = self._records(columns)
        if not keep.all():
            self.ignored += int((~keep).sum())
            lines, mask = lines[keep], pa.array(keep)
            columns = [column.filter(mask) for column in columns]
            marks = tuple([column.filter(mask) for column in each] for each in marks)
        index = pd.Index(lines, name="line")
        return Batch(self._frame(columns, index), *(self._frame(each, index) for each in marks))

    def _frame(self, columns: Sequence[pa.Array], index: pd.Index) -> pd.DataFrame:
        numbered = pa.table(list(columns), names=[str(n) for n in range(len(columns))])
        frame: pd.DataFrame = numbered.to_pandas(types_mapper={pa.string(): TEXT}.get)
        frame.columns, frame.index = pd.Index(self._names), index
        return frame

    def _records(self, columns: Sequence[pa.Array]) -> np.ndarray:
        trimmed = pc.utf8_trim_whitespace(columns[self._first])
        suspect = pc.equal(trimmed, self._titles[self._first])
        for mark in _MARKS:
            suspect = pc.or_(suspect, pc.starts_with(trimmed, mark * 2))
        suspects = np.flatnonzero(_true(suspect))
        if not self._patterns and not len(suspects) and not pc.any(pc.equal(trimmed, "")).as_py():
            return np.ones(len(trimmed), dtype=bool)
        filled = _filled(columns)
        no_record = filled < 0
        for row in suspects:
            no_record[row] |= self._is_drawing([column[row].as_py() for column in columns])
        if self._patterns:
            for number in np.unique(filled[filled >= 0]):
                coded = pc.utf8_trim_whitespace(columns[number]).dictionary_encode()
                named = np.array([self._is_named(text) for text in coded.dictionary.to_pylist()], dtype=bool)
                found = (filled == number) & named[np.asarray(coded.indices)]
                no_record |= found
                for row in np.flatnonzero(found) if self._trailer else []:
                    self._keep_trailer(columns[number][row].as_py().strip(), [column[row].as_py() for column in columns])
        return ~no_record

    def _keep_trailer(self, filled: str, cells: Sequence[str]) -> None:
        if self._trailer and self._trailer.match(filled):
            self.trailers.append(";".join(cells))

    def _is_drawing(self, cells: Sequence[str]) -> bool:
        """Whether a line repeats the headers, or is a rule under them."""
        filled = [cell.strip() for cell in cells]
        return filled == self._titles or all(_DRAWN.fullmatch(cell) for cell in filled if cell)

    def _is_named(self, text: str) -> bool:
        return any(pattern.match(text) for pattern in self._patterns)


def _filled(columns: Sequence[pa.Array]) -> np.ndarray:
    """For each row the first column with text in it, or -1."""
    first = np.full(len(columns[0]), -1)
    for number, column in enumerate(columns):
        open_ = first < 0
        if not open_.any():
            break
        if open_.all():
            first[~_true(pc.equal(pc.utf8_trim_whitespace(column), ""))] = number
        else:
            rows = np.flatnonzero(open_)
            blank = _true(pc.equal(pc.utf8_trim_whitespace(column.take(pa.array(rows))), ""))
            first[rows[~blank]] = number
    return first


def _true(mask: pa.Array) -> np.ndarray:
    return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=bool)

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
from daemon.reading import totals

_MARKS = "-=_"
_DRAWN = re.compile(f"[{_MARKS}]{{2,}}")
_BLANKS = " \t\r\n\f\v\0\x1a\u00a0\ufeff"
_COUNTS = re.compile(
    r"(?:record|row|line) count\W*[0-9]+|(?:anzahl|nombre|número|numero|aantal|antal|liczba|broj|sayı)\W.{0,20}\W[0-9]+"
    r"|"
    r"(?:page|seite|pagina|página|pág\.?|pag\.?|strona|str\.?|stranica|side|sida|sayfa|oldal|strana|ページ|第)\W*[0-9]+.{0,20}"
    r"|\W*[0-9]+\W*(?:rows?|records?|zeilen|sätze|lignes?|enregistrements?|filas?|registros?|righe|rijen|regels|rader|poster|linhas"
    r"|wierszy|rekordów|redaka|zapisa|rânduri|satır|kayıt|行|件)\b.{0,20}",
    re.IGNORECASE,
)
"""The foot of a page, and how databases say how many rows they gave."""
_NEARLY = 0.9
"""The share of records that have something where what makes a record is blank in a total."""
_GROUP = 1000
"""Rows above a sum of parts among which there is what it is the sum of."""
TEXT = pd.ArrowDtype(pa.string())


class Sieve:
    """Keeps the records of one table, and counts in `ignored` the lines that are none.

    Those that the format says are trailers are kept in `trailers`, their cells joined by `;`.
    """

    def __init__(self, header: list[str], raw_header: Sequence[str], format: Format, above: Sequence[Sequence[str]] = ()) -> None:
        self.ignored = 0
        self.trailers: list[str] = []
        self.total: dict[str, str] = {}
        """The cells of the file's own total, the last of its totals, by their headers."""
        self._trailer = re.compile(fnmatch.translate(format.trailer)) if format.trailer else None
        self._names = header
        self._titles = [cell.strip().casefold() for cell in raw_header]
        self._pages = {_page(cells) for cells in above}
        self._first = next((n for n, title in enumerate(self._titles) if title), 0)
        self._patterns = [re.compile(fnmatch.translate(pattern)) for pattern in format.ignore]
        if self._trailer:
            self._patterns.append(self._trailer)

    def drops(self, cells: Sequence[str]) -> bool:
        """Whether a line of any width is no record; if so it is counted."""
        filled = next((text for cell in cells if (text := cell.strip(_BLANKS))), "")
        no_record = not filled or self._is_named(filled) or self._is_drawing(cells) or self._is_of_a_page(cells)
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
        suspect = pc.equal(pc.utf8_lower(trimmed), self._titles[self._first])
        for mark in _MARKS:
            suspect = pc.or_(suspect, pc.starts_with(trimmed, mark * 2))
        blank = _true(pc.equal(trimmed, ""))
        likely = _true(pc.match_substring_regex(trimmed, totals.SUSPECT))
        suspects = np.flatnonzero(_true(suspect))
        if not self._patterns and not len(suspects) and not likely.any() and not blank.any():
            return np.ones(len(trimmed), dtype=bool)
        filled = _filled(columns)
        no_record = filled < 0
        for row in suspects:
            no_record[row] |= self._is_drawing([column[row].as_py() for column in columns])
        no_record |= self._totals(columns, filled, likely, blank & ~no_record)
        if self._patterns:
            for number in np.unique(filled[filled >= 0]):
                coded = pc.utf8_trim_whitespace(columns[number]).dictionary_encode()
                named = np.array([self._is_named(text) for text in coded.dictionary.to_pylist()], dtype=bool)
                found = (filled == number) & named[np.asarray(coded.indices)]
                no_record |= found
                for row in np.flatnonzero(found) if self._trailer else []:
                    self._keep_trailer(columns[number][row].as_py().strip(), [column[row].as_py() for column in columns])
        return ~no_record

    def _totals(self, columns: Sequence[pa.Array], filled: np.ndarray, likely: np.ndarray, blank: np.ndarray) -> np.ndarray:
        """Which rows are totals of the others; `likely` ones by their first cell, or of those whose first one is `blank`."""
        found = np.zeros(len(filled), dtype=bool)
        for number in np.unique(filled[blank]):
            rows = np.flatnonzero(blank & (filled == number))
            says = pc.utf8_trim_whitespace(columns[number].take(pa.array(rows)))
            likely[rows] = _true(pc.match_substring_regex(says, totals.SUSPECT))
        if not likely.any():
            return found
        records = ~likely & (filled >= 0)
        always = [_true(pc.not_equal(pc.utf8_trim_whitespace(column), ""))[records] for column in columns]
        full = [bool(each.mean() >= _NEARLY) if len(each) else True for each in always]
        for row in np.flatnonzero(likely):
            cells = [column[row].as_py() for column in columns]
            above = {columns[filled[row]][int(other)].as_py().strip() for other in range(max(0, int(row) - _GROUP), int(row))}
            if totals.is_total(cells, full, above):
                found[row] = True
                if totals.OWN.fullmatch(cells[filled[row]].strip()):
                    self.total = dict(zip(self._names, (cell.strip() for cell in cells), strict=True))
        return found

    def _keep_trailer(self, filled: str, cells: Sequence[str]) -> None:
        if self._trailer and self._trailer.match(filled):
            self.trailers.append(";".join(cells))

    def _is_drawing(self, cells: Sequence[str]) -> bool:
        """Whether a line repeats the headers, or is a rule under them."""
        filled = [cell.strip() for cell in cells]
        return [cell.casefold() for cell in filled] == self._titles or all(_DRAWN.fullmatch(cell) for cell in filled if cell)

    def _is_of_a_page(self, cells: Sequence[str]) -> bool:
        """Whether a line is what stands above the headers, come again with other numbers; or counts pages, or records."""
        return _page(cells) in self._pages or bool(_COUNTS.fullmatch(" ".join(cells).strip(_BLANKS)))

    def _is_named(self, text: str) -> bool:
        return any(pattern.match(text) for pattern in self._patterns)


def _page(cells: Sequence[str]) -> str:
    """A line without its numbers."""
    return re.sub(r"[0-9]+", "9", " ".join(cell.strip(_BLANKS) for cell in cells if cell.strip(_BLANKS)))


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

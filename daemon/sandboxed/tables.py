"""The tables of HTML: what many programs write under the name of .xls."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import BinaryIO

from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.stream import write

_WIDEST, _TO_THE_END = 1000, 1 << 30
_UNSHOWN = {"script", "style", "template"}
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_AMOUNT = re.compile(r"[-+(]?(?:[1-9][0-9.,'\s]*|0(?:[.,][0-9]+)?)[)-]?")
"""What counts once, in how many rows a cell may stand."""
_BREAKS = {"br", "p", "div", "li"}


def table(source: BinaryIO, sink: BinaryIO, limits: dict[str, int], encoding: str, wanted: str | int | None) -> None:
    """Write the rows of the page's table: the wanted one, by number from 1 of those that hold rows, or the only one; tables
    that begin with the same row are one table.
    """
    try:
        page = source.read().decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = f"{error.object[error.start]:02X}"
        raise Unreadable("encoding_unknown", "not_in_encoding", line=line, byte=byte, encoding=encoding) from error
    parser = _Tables(limits["cells"])
    parser.feed(_without_comments(page))
    parser.close()
    if parser.cut_short:
        raise Unreadable("unreadable", "page_cut_short")
    rows = _choose(parser.tables, wanted)
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) > limits["cells"]:
        raise Unreadable("unreadable", "table_spans", rows=len(rows), columns=width)
    write(sink, width, ([*row, *[""] * (width - len(row))] for row in rows))


def _without_comments(page: str) -> str:
    """The page without its comments, and without what is left of one that is not closed: the parser would look for each one's end
    again and again.
    """
    kept: list[str] = []
    at = 0
    while (begins := page.find("<!--", at)) >= 0:
        kept.append(page[at:begins])
        ends = page.find("-->", begins)
        if ends < 0:
            return "".join(kept)
        at = ends + 3
    return "".join([*kept, page[at:]])


def _choose(tables: list[list[list[str]]], wanted: str | int | None) -> list[list[str]]:
    held = [rows for rows in tables if sum(sum(map(bool, row)) > 1 for row in rows) > 1] or [max(tables, key=len, default=[])]
    if isinstance(wanted, int) and wanted <= len(held):
        return held[wanted - 1]
    if wanted is not None or any(rows[0] != held[0][0] for rows in held if len(held) > 1):
        raise Unreadable("sheet_missing", "several_tables", count=len(held))
    return [row for rows in held for row in rows]


def _is_hidden(tag: str, attributes: list[tuple[str, str | None]]) -> bool:
    """Whether nobody sees what stands within an element of a cell; a cell or row that is hidden is data all the same."""
    given = dict(attributes)
    is_unseen = "hidden" in given or bool(_UNSEEN.search(given.get("style") or ""))
    return is_unseen and tag in ("span", "div", "p", "small", "i", "b", "a")


class _Tables(HTMLParser):
    """Collects each table's rows of texts; a table within a cell is a table of its own."""

    def __init__(self, most_cells: int) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[_Table] = []
        self._left = most_cells
        self._hides, self._hidden = "", 0
        """The element that hides what is in it, and how many of the kind are open within."""

    @property
    def cut_short(self) -> bool:
        """Whether a table was not closed."""
        return bool(self._open)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell."""
        if self._hidden:
            self._hidden += tag == self._hides
            return
        opens = not self._open or self._open[-1].is_blank  # what Excel hides at a cell's end is the rest of what it shows
        if tag in _UNSHOWN or (opens and _is_hidden(tag, attributes)):
            self._hides, self._hidden = tag, 1
            return
        if tag == "table":
            self._open.append(_Table(self._spend))
            self.tables.append(self._open[-1].rows)
        elif not self._open:
            return
        elif tag == "tr":
            self._open[-1].start_row()
        elif tag in ("td", "th"):
            spans = {name: int(value) for name, value in attributes if name.endswith("span") and value and value.isdecimal()}
            columns, rows = spans.get("colspan", 1) or 1, spans.get("rowspan", 1) or _TO_THE_END
            if columns > _WIDEST:
                raise Unreadable("unreadable", "table_too_large")
            self._spend(columns)
            self._open[-1].start_cell(columns, rows)
        elif tag in _BREAKS:
            self._open[-1].text(" ")

    def _spend(self, cells: int) -> None:
        """Count cells, those that hang down from other rows among them."""
        self._left -= cells
        if self._left < 0:
            raise Unreadable("unreadable", "table_too_large")

    def handle_endtag(self, tag: str) -> None:
        """Close a table or a cell."""
        if self._hidden:
            self._hidden -= tag == self._hides
            return
        if tag == "table" and self._open:
            self._open.pop().end_row()
        elif tag in ("td", "th", "tr") and self._open:
            self._open[-1].end_cell()

    def handle_data(self, data: str) -> None:
        """Take up text that stands in a cell."""
        if self._open and not self._hidden:
            self._open[-1].text(data)


class _Table:
    def __init__(self, spend: Callable[[int], None]) -> None:
        self._spend = spend
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._hanging: dict[int, tuple[int, str]] = {}
        """By column: for how many rows more a cell from above hangs down into it, and its text."""

    def start_row(self) -> None:
        self.end_row()
        self.rows.append([])
        self._hang()

    def end_row(self) -> None:
        """End the last row; what hangs down into columns that it did not reach stands there."""
        self.end_cell()
        for column in sorted(self._hanging):
            row = self.rows[-1]
            if column >= len(row):
                row += [""] * (column - len(row))
                self._hang()

    def start_cell(self, columns: int, rows: int) -> None:
        self.end_cell()
        if not self.rows:
            self.rows.append([])
        self._cell, self._span = [], (columns, rows)

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands in the cell so far."""
        return not "".join(self._cell or []).strip()

    def text(self, text: str) -> None:
        if self._cell is not None:
            self._cell.append(text)

    def end_cell(self) -> None:
        if self._cell is None:
            return
        row, texts = self.rows[-1], [" ".join("".join(self._cell).split())] + [""] * (self._span[0] - 1)
        if self._span[1] > 1:
            once = ["" if _AMOUNT.fullmatch(text) else text for text in texts]
            self._hanging |= {len(row) + n: (self._span[1] - 1, text) for n, text in enumerate(once)}
        row += texts
        self._cell = None
        self._hang()

    def _hang(self) -> None:
        """Put what hangs down from the rows above where the row now ends."""
        row = self.rows[-1]
        while (at := len(row)) in self._hanging:
            left, text = self._hanging.pop(at)
            self._spend(1)
            if left > 1:
                self._hanging[at] = (left - 1, text)
            row.append(text)

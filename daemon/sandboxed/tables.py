"""The tables of HTML: what many programs write under the name of .xls."""

from html.parser import HTMLParser
from typing import BinaryIO

from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.stream import write

_BREAKS = {"br", "p", "div", "li"}


def table(source: BinaryIO, sink: BinaryIO, limits: dict[str, int], encoding: str) -> None:
    """Write the rows of the page's longest table."""
    try:
        page = source.read().decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        what = f"line {line}: the byte {error.object[error.start]:02X} is no {encoding}"
        raise Unreadable("encoding_unknown", what) from error
    parser = _Tables(limits["cells"])
    parser.feed(page)
    parser.close()
    longest = max(parser.tables, key=len, default=[])
    width = max((len(row) for row in longest), default=0)
    if width * len(longest) > limits["cells"]:
        raise Unreadable("unreadable", f"the table spans {len(longest)} rows of {width} columns")
    write(sink, width, ([*row, *[""] * (width - len(row))] for row in longest))


class _Tables(HTMLParser):
    """Collects each table's rows of texts; a table within a cell is a table of its own."""

    def __init__(self, most_cells: int) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[_Table] = []
        self._left = most_cells

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell."""
        if tag == "table":
            self._open.append(_Table())
            self.tables.append(self._open[-1].rows)
        elif not self._open:
            return
        elif tag == "tr":
            self._open[-1].start_row()
        elif tag in ("td", "th"):
            spans = {
                name: int(value) if value and value.isdecimal() else 1 for name, value in attributes if name.endswith("span")
            }
            self._left -= max(spans.get("colspan", 1), 1)
            if self._left < 0 or spans.get("rowspan", 1) > 65536:
                raise Unreadable("unreadable", "the table has more cells than it may have")
            self._open[-1].start_cell(spans.get("colspan", 1), spans.get("rowspan", 1))
        elif tag in _BREAKS:
            self._open[-1].text(" ")

    def handle_endtag(self, tag: str) -> None:
        """Close a table or a cell."""
        if tag == "table" and self._open:
            self._open.pop().end_cell()
        elif tag in ("td", "th", "tr") and self._open:
            self._open[-1].end_cell()

    def handle_data(self, data: str) -> None:
        """Take up text that stands in a cell."""
        if self._open:
            self._open[-1].text(data)


class _Table:
    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._hanging: dict[int, tuple[int, str]] = {}
        """By column: for how many rows more a cell from above hangs down into it, and its text."""

    def start_row(self) -> None:
        self.end_cell()
        self.rows.append([])
        self._hang()

    def start_cell(self, columns: int, rows: int) -> None:
        self.end_cell()
        if not self.rows:
            self.rows.append([])
        self._cell, self._span = [], (columns, rows)

    def text(self, text: str) -> None:
        if self._cell is not None:
            self._cell.append(text)

    def end_cell(self) -> None:
        if self._cell is None:
            return
        row, text = self.rows[-1], " ".join("".join(self._cell).split())
        columns, rows = self._span
        if rows > 1:
            self._hanging[len(row)] = (rows - 1, text)
        row += [text] + [""] * (columns - 1)
        self._cell = None
        self._hang()

    def _hang(self) -> None:
        """Put what hangs down from the rows above where the row now ends."""
        row = self.rows[-1]
        while (at := len(row)) in self._hanging and self._hanging[at][0]:
            left, text = self._hanging[at]
            self._hanging[at] = (left - 1, text)
            row.append(text)

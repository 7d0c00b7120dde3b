"""Spreadsheets in one file of XML: Excel's of 2003 (SpreadsheetML) and flat OpenDocument, read as they come, without entities."""

import datetime
import re
from typing import BinaryIO
from xml.parsers import expat

from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.shown import shown
from daemon.sandboxed.stream import Error, write

_BLOCK = 1 << 16
_FAR = 1000
"""Blank cells or rows that are repeated more often lead to the sheet's end."""
_ASIDE = ("Comment", "annotation")
"""What is written beside a cell."""
_SPACES = {"s": " ", "tab": "\t", "line-break": "\n"}
"""Elements that stand for spaces, in OpenDocument."""
_CODE = re.compile(r"-?[^\W\d_]*[-/]?0[0-9]+(?:[-/ ][0-9]+)*|-?[^\W\d_]{1,6}[-/]?[0-9]+|[0-9]+(?:[-/][0-9]+)+")
"""What is shown of a whole number where its format makes a code of it."""


def table(source: BinaryIO, sink: BinaryIO, limits: dict[str, int], wanted: str | int | None, headers: list[str]) -> None:
    """Write the rows of one sheet: the wanted one, by name or number from 1, or the only one that holds a table."""
    sheets = _Sheets(limits["cells"])
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse_entities
    parser.StartElementHandler, parser.EndElementHandler = sheets.start, sheets.end
    parser.CharacterDataHandler = sheets.text
    try:
        while block := source.read(_BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable("unreadable", "plain", text=str(error)) from error
    rows = _choose(sheets.rows, wanted, set(headers))
    width = max((len(row) for row in rows), default=0)
    write(sink, width, ([*row, *[""] * (width - len(row))] for row in rows))


def _refuse_entities(*_: object) -> None:
    raise Unreadable("unreadable", "plain", text="it declares entities")


def _choose(sheets: dict[str, list[list[object]]], wanted: str | int | None, headers: set[str]) -> list[list[object]]:
    names = list(sheets)
    if isinstance(wanted, int):
        wanted = names[wanted - 1] if 0 < wanted <= len(names) else f"number {wanted}"
    if wanted is not None:
        if wanted not in sheets:
            raise Unreadable("sheet_missing", "no_such_sheet", sheet=wanted, names=", ".join(names))
        return sheets[wanted]
    filled = [name for name in names if sheets[name]]
    if not filled:
        raise Unreadable("empty", "no_sheet_holds_anything")
    tables = [name for name in filled if sum(len([cell for cell in row if cell != ""]) > 1 for row in sheets[name]) > 1] or filled
    with_headers = [name for name in tables if any(headers <= set(map(str, row)) for row in sheets[name])] if headers else []
    tables = with_headers if len(with_headers) == 1 else tables
    if len(tables) > 1:
        raise Unreadable("sheet_missing", "several_sheets", names=", ".join(filled))
    return sheets[tables[0]]


class _Sheets:
    """Collects the rows of each sheet, from either kind of XML."""

    def __init__(self, most_cells: int) -> None:
        self.rows: dict[str, list[list[object]]] = {}
        self._left = most_cells
        self._row: list[object] = []
        self._times = 1
        self._kind, self._value, self._span, self._across = "", "", 1, 0
        self._aside = 0
        self._style, self._formats = "", dict[str, str]()
        self._texts: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open a sheet, a row or a cell."""
        local, given = name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local in _ASIDE:
            self._aside += 1
        elif self._aside:
            return
        elif local == "Style":
            self._style = given.get("ID", "")
        elif local == "NumberFormat" and "Format" in given:
            self._formats[self._style] = given["Format"]
        elif local in ("Worksheet", "table") and "Name" in given | {key.title(): value for key, value in given.items()}:
            self.rows[given.get("Name") or given.get("name") or ""] = []
        elif not self.rows:
            return
        elif local in ("Row", "table-row"):
            self._row, self._times = [], _count(given.get("number-rows-repeated"))
            if "Index" in given:
                self._fill(_count(given["Index"]) - 1 - len(self._sheet))
        elif local in ("Cell", "table-cell", "covered-table-cell"):
            if "Index" in given:
                self._row += self._blank(_count(given["Index"]) - 1 - len(self._row))
            self._span, self._across = _count(given.get("number-columns-repeated")), _number(given.get("MergeAcross"))
            self._kind, self._style = given.get("value-type", ""), given.get("StyleID", "")
            self._value = given.get("value") or given.get("date-value") or given.get("boolean-value") or ""
            self._texts = []
        elif local == "Data":
            self._kind = given.get("Type", "")
        elif local == "p" and self._texts:
            self._texts.append("\n")
        elif local in _SPACES and self._texts is not None:
            self._texts.append(_SPACES[local] * min(_count(given.get("c")), _FAR))

    def text(self, text: str) -> None:
        """Take up text that stands in a cell."""
        if self._texts is not None and not self._aside:
            self._texts.append(text)

    def end(self, name: str) -> None:
        """Close a cell or a row."""
        local = name.rpartition(" ")[2]
        if local in _ASIDE:
            self._aside -= 1
        elif local in ("Cell", "table-cell", "covered-table-cell") and self._texts is not None:
            cell = _typed(self._kind, self._value, "".join(self._texts).strip())
            if isinstance(cell, float) and (form := self._formats.get(self._style)):
                cell = shown(form, cell) or cell
            self._texts = None
            self._row += [""] if cell == "" and self._span > _FAR else self._cells(cell, self._span)
            self._row += self._blank(self._across) if self._across else []
        elif local in ("Row", "table-row") and self.rows:
            while self._row and self._row[-1] == "":
                self._row.pop()
            if self._row:
                self._blank(len(self._row) * self._times)
                self._sheet.extend(list(self._row) for _ in range(self._times))
            elif self._times < _FAR:
                self._fill(self._times)

    @property
    def _sheet(self) -> list[list[object]]:
        return next(reversed(self.rows.values()))

    def _fill(self, count: int) -> None:
        self._blank(max(count, 0))
        self._sheet.extend([] for _ in range(count))

    def _cells(self, cell: object, count: int) -> list[object]:
        self._blank(count)
        return [cell] * count

    def _blank(self, count: int) -> list[object]:
        """So many blank cells, which are counted."""
        self._left -= max(count, 1)
        if self._left < 0:
            raise Unreadable("unreadable", "table_too_large")
        return [""] * count


def _count(said: str | None) -> int:
    return max(_number(said), 1)


def _number(said: str | None) -> int:
    return int(said) if said and said.isdecimal() and len(said) < 10 else 0


def _typed(kind: str, value: str, text: str) -> object:
    """A cell as what the spreadsheet had typed it."""
    kind = kind.lower()
    if kind in ("number", "float", "currency", "percentage"):
        if kind == "float" and _CODE.fullmatch(text) and float(value or "nan").is_integer():
            return text
        return float(value or text) if value or text else ""
    if kind in ("datetime", "date"):
        return datetime.datetime.fromisoformat(value or text)
    if kind == "boolean":
        return (value or text).lower() in ("true", "1")
    return Error(text) if kind == "error" else text

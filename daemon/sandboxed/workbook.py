"""Workbooks: the rows of one sheet of an .xlsx, .xls, .xlsb or .ods."""

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    WorksheetNotFound,
)

from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.stream import Error, Typed, write
from daemon.sandboxed.unknown import is_locked, unknown_cells
from daemon.sandboxed.xlsx import Cells, column_number
from daemon.sandboxed.zipped import check_entries

_HEADERS_WITHIN = 50
_NAMED_ERROR = re.compile(r"#(?:REF!|DIV/0!|N/A|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!)|Err:\d{3}")


def sheet(
    source: BinaryIO, sink: BinaryIO, limits: dict[str, int], wanted: str | int | None, area: str | None, headers: list[str]
) -> None:
    """Write the rows of one sheet, all of it, or the area `B3:H200`: the wanted one, or the only visible one that holds a
    table, or of several the one that has the headers.
    """
    content = source.read()
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as parts:
                check_entries(parts, len(content), limits)
        if is_locked(content):
            raise Unreadable("unreadable", "workbook_locked")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        chosen = _choose(book, wanted, limits, set(headers))
        names = [sheet.name for sheet in book.sheets_metadata]
        write(sink, *_rows(chosen, unknown_cells(content, chosen.name, names.index(chosen.name)), area))
    except PasswordError as error:
        raise Unreadable("unreadable", "workbook_locked") from error
    except (CalamineError, zipfile.BadZipFile) as error:
        raise Unreadable("unreadable", "plain", text=str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # which is no Exception
            raise
        raise Unreadable("unreadable", "workbook_unknown_to_library") from None


def _choose(book: CalamineWorkbook, wanted: str | int | None, limits: dict[str, int], headers: set[str]) -> CalamineSheet:
    """The wanted sheet, by name or number from 1; by default the only visible one that holds a table, or anything; of
    several tables the one with a row that has more of the headers than any row of the others.
    """
    names = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible and sheet.name in names]
    if isinstance(wanted, int):
        wanted = names[wanted - 1] if 0 < wanted <= len(names) else f"number {wanted}"
    if wanted is not None:
        try:
            return _within(book.get_sheet_by_name(wanted), limits)
        except WorksheetNotFound:
            raise Unreadable("sheet_missing", "no_such_sheet", sheet=wanted, names=", ".join(names)) from None
    filled = [sheet for name in visible if (sheet := _within(book.get_sheet_by_name(name), limits)).height]
    if not filled:
        raise Unreadable("empty", "no_sheet_holds_anything")
    tables = [sheet for sheet in filled if len(filled) == 1 or _is_table(sheet)]
    if len(tables) > 1 and headers:
        has = [
            max((len(headers.intersection(map(str, row))) for row in islice(t.iter_rows(), _HEADERS_WITHIN)), default=0)
            for t in tables
        ]
        if max(has) and has.count(max(has)) == 1:
            return tables[has.index(max(has))]
    if len(tables) != 1:
        found = ", ".join(sheet.name for sheet in filled)
        raise Unreadable("sheet_missing", "several_sheets", names=found)
    return tables[0]


def _within(sheet: CalamineSheet, limits: dict[str, int]) -> CalamineSheet:
    if sheet.width * sheet.height > limits["cells"]:
        raise Unreadable("unreadable", "sheet_spans", name=sheet.name, rows=sheet.height, columns=sheet.width)
    return sheet


def _is_table(sheet: CalamineSheet) -> bool:
    """Whether it has two rows with two cells or more; a cover sheet has not."""
    full = (row for row in sheet.iter_rows() if sum(cell != "" for cell in row) > 1)
    return next(full, None) is not None and next(full, None) is not None


def _rows(sheet: CalamineSheet, other: Cells, area: str | None) -> tuple[int, Iterator[list[object]]]:
    """The width of the sheet from its first used column on, or of the area, and its rows from the sheet's first on.

    A merged cell's value stands in every row it spans, but for a number: an amount counts once. Outside of the area everything
    is blank.
    """
    left, (below, right) = (sheet.start or (0, 0))[1], sheet.end or (-1, -1)
    top, first, bottom, last = _corners(area) if area else (0, left, below, right)
    merged = [((r0, c), r1) for (r0, c), (r1, _) in sheet.merged_cell_ranges or [] if r1 > r0]
    hanging = {(row, column): r0 for (r0, column), r1 in merged for row in range(r0 + 1, min(r1, below) + 1)}
    carried: dict[tuple[int, int], object] = {}
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), value in [*((at, Error(said)) for at, said in other.unknown.items()), *other.shown.items()]:
        by_row.setdefault(row, []).append((column, value))

    def rows() -> Iterator[list[object]]:
        spanned = {row for row, _ in hanging} | {r0 for (r0, _), _ in merged}
        for at, row in enumerate(sheet.iter_rows()):
            if at > bottom:
                break
            cells: list[object] = [
                Error(c) if type(c) is str and c and c[0] in "#E" and _NAMED_ERROR.fullmatch(c) else c for c in row
            ]
            for column, value in by_row.get(at, []):
                if left <= column < left + len(cells):
                    cells[column - left] = value
            for number in range(len(cells)) if at in spanned else ():
                if (at, number + left) in hanging:
                    above = carried.get((hanging[at, number + left], number + left), "")
                    cells[number] = "" if isinstance(above, float | int | Typed) else above
                carried[at, number + left] = cells[number]
            padded = [""] * (left - first) + cells[max(first - left, 0) : max(last - left + 1, 0)]
            width = last - first + 1
            yield [""] * width if at < top else padded + [""] * (width - len(padded))

    return last - first + 1, rows()


def _corners(area: str) -> tuple[int, int, int, int]:
    """Row and column, from 0, of the first and of the last cell of `B3:H200`."""
    match = re.fullmatch(r"([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)", area)
    assert match  # the profile was checked
    return int(match[2]) - 1, column_number(match[1]), int(match[4]) - 1, column_number(match[3])

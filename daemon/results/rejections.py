"""Rejected rows to take away, correct and send again: as in the file, with the reasons in a last column."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import IO

from daemon.model import ImportRun, Rejection
from daemon.words import Words

OURS = "Nightporter: "
"""How the columns begin that are not the file's own."""
_FORMULA = re.compile(r"[=+\-@\t\r]")
_AMOUNT = re.compile(r"[-+]?[\d.,'’\s]*\d")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def as_csv(run: ImportRun, rejections: Iterable[Rejection], words: Words) -> Iterator[bytes]:
    """The rows in the file's delimiter and in UTF-8, whose byte order mark counts more than any declared encoding."""
    text = io.StringIO("\ufeff")
    text.seek(1)
    mark = (run.read_as and run.read_as.delimiter) or ";"
    writer = csv.writer(text, delimiter=mark if len(mark) == 1 else ";")
    own, width = _own(run), len(run.header or [])
    writer.writerow([*(_harmless((run.header or [])[number]) for number in own), OURS + words("page.reasons")])
    for rejection in rejections:
        cells = _row(run, rejection, words)
        writer.writerow([_harmless(cell) for cell in [*(cells[number] for number in own), *cells[width:]]])
        if text.tell() > 1 << 16:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def as_xlsx(run: ImportRun, rejections: Iterable[Rejection], words: Words, out: IO[bytes], mark: str) -> None:
    """The rows as a workbook of text cells, none of them a formula; the cells at fault are coloured. By its `mark` it is known
    when it comes back corrected.
    """
    from openpyxl import Workbook  # slow to import, and rarely asked for
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.packaging.custom import StringProperty
    from openpyxl.styles import Font, PatternFill

    at_fault_fill = PatternFill("solid", fgColor="FFE0A3")
    book = Workbook(write_only=True)
    book.custom_doc_props.append(StringProperty(name="nightporter", value=mark))
    sheet = book.create_sheet(words("page.title"))
    sheet.freeze_panes = "A2"
    own, width = _own(run), len(run.header or [])
    header = [*((run.header or [])[number] for number in own), OURS + words("page.reasons"), OURS + words("mail.line")]

    def cell(value: object) -> WriteOnlyCell:
        if not isinstance(value, str):
            return WriteOnlyCell(sheet, value)
        made = WriteOnlyCell(sheet, _ILLEGAL.sub("\ufffd", value))
        made.data_type = "s"
        return made

    titles = [cell(title) for title in header]
    for title in titles:
        title.font = Font(bold=True)
    sheet.append(titles)
    for rejection in rejections:
        at_fault = {reason.column for reason in rejection.reasons if reason.column}
        cells = _row(run, rejection, words)
        typed = [_value(cells[number]) if number in rejection.typed else cells[number] for number in own]
        shown = [*typed, cells[width], str(rejection.line), *cells[width + 1 :]]
        row = [cell(value) for value in shown]
        for name, made in zip(header, row, strict=False):
            if name in at_fault:
                made.fill = at_fault_fill
        sheet.append(row)
    book.save(out)


def file_name(run: ImportRun, kind: str) -> str:
    """What a file of rejected rows is called; see `profiles.Profiles.sections`."""
    return f"nightporter-rejected-rows-{run.id}.{kind}"


def sentences(run: ImportRun, rejection: Rejection, words: Words) -> str:
    """All the reasons of a row, as one text."""
    return "; ".join(words.reason(reason, run.dataset) for reason in rejection.reasons)


def _own(run: ImportRun) -> list[int]:
    """The places of the file's own columns."""
    return [number for number, title in enumerate(run.header or []) if not title.startswith(OURS)]


def _row(run: ImportRun, rejection: Rejection, words: Words) -> list[str]:
    """The cells under their headers, the reasons, and behind them whatever cells the row had too many."""
    width = len(run.header or [])
    cells = list(rejection.cells)
    return [*cells[:width], *[""] * (width - len(cells)), sentences(run, rejection, words), *cells[width:]]


def _value(text: str) -> object:
    """What a spreadsheet had typed as it was, so that it is no text of the file's conventions when it comes back."""
    kinds: tuple[Callable[[str], object], ...] = (Decimal, date.fromisoformat, datetime.fromisoformat)
    for kind in kinds:
        with suppress(ValueError, InvalidOperation):
            return kind(text)
    return text


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet program runs as a formula; amounts, negative ones too, stay as they are."""
    return f"'{cell}" if _FORMULA.match(cell.lstrip(" ")) and not _AMOUNT.fullmatch(cell.strip()) else cell

"""The child process that opens a workbook; run as a script by `sandbox.py`, importing nothing of the daemon.

In: the workbook's bytes on stdin, its limits and the wanted sheet as arguments. Out: an Arrow stream on stdout with a
row number, then for each column of the sheet its text and whether the spreadsheet had typed it. A file that cannot be
read ends it with status 3 and `code: detail` on stderr.
"""

import codecs
import datetime
import io
import json
import re
import resource
import sys
import zipfile
from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
    WorksheetNotFound,
)

ROWS_PER_BATCH = 20_000
MAX_CELLS = 200_000_000
UNKNOWN_CELL = re.compile(
    rb'<c\b(?=[^>]*\br="(?P<cell>[A-Z]+[0-9]+)")(?:[^>]*\bt="(?P<error>e)"|[^>]*(?<!/)>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>)'
)


class NoPandas:
    """Keeps pyarrow from importing pandas at its first array: that is slow, and by then no file can be opened."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse pandas; leave the rest to the other finders."""
        if name == "pandas":
            raise ImportError(name)


sys.meta_path.insert(0, NoPandas)
pa.array([""])
codecs.lookup("cp437")  # used by zipfile for names in a zip, and loaded from a file at first use


class Unreadable(Exception):
    """The workbook cannot be read; the arguments are a refusal's code and detail."""


def main() -> None:
    """Read one sheet and write it out, within limits set before the first byte is looked at."""
    limits = json.loads(sys.argv[1])
    content = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_mb"] << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # no new descriptor: no file, no socket, no network
    try:
        refuse_unknown_cells(content)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        write(choose(book, limits["sheet"]))
    except (CalamineError, zipfile.BadZipFile) as error:
        fail("unreadable", str(error))
    except Unreadable as error:
        fail(*error.args)


def fail(code: str, detail: str) -> None:
    """End with a refusal for the parent to raise."""
    print(f"{code}: {detail}", file=sys.stderr)
    sys.exit(3)


def refuse_unknown_cells(content: bytes) -> None:
    """Refuse a workbook with errors, or with formulas that nobody calculated yet: their cells would read as empty."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for name in parts.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml") and (found := UNKNOWN_CELL.search(parts.read(name))):
                what = "an error" if found["error"] else "a formula that was never calculated; open and save it once in Excel"
                raise Unreadable("unreadable", f"{name}: the cell {found['cell'].decode()} holds {what}")


def choose(book: CalamineWorkbook, wanted: str | int | None) -> CalamineSheet:
    """The wanted sheet, by name or number from 1; by default the only visible one that holds anything."""
    names = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible and sheet.name in names]
    if isinstance(wanted, int):
        wanted = names[wanted - 1] if 0 < wanted <= len(names) else f"number {wanted}"
    if wanted is not None:
        try:
            return book.get_sheet_by_name(wanted)
        except WorksheetNotFound:
            raise Unreadable("sheet_missing", f"no sheet {wanted}; there are: {', '.join(names)}") from None
    filled = [sheet for name in visible if (sheet := book.get_sheet_by_name(name)).height]
    if len(filled) > 1:
        found = ", ".join(sheet.name for sheet in filled)
        raise Unreadable("sheet_missing", f"several sheets hold something: {found}; name one in [format] sheet")
    if not filled:
        raise Unreadable("empty", "no visible sheet holds anything")
    return filled[0]


def write(sheet: CalamineSheet) -> None:
    """Write the sheet's rows, from its first used column on, as they come."""
    if sheet.width * sheet.height > MAX_CELLS:
        raise Unreadable("unreadable", f"the sheet {sheet.name} spans {sheet.height} rows of {sheet.width} columns")
    fields = [pa.field("line", pa.int64())]
    for number in range(sheet.width):
        fields += [pa.field(f"text {number}", pa.string()), pa.field(f"typed {number}", pa.bool_())]
    schema = pa.schema(fields)
    with pa.ipc.new_stream(pa.PythonFile(sys.stdout.buffer, mode="w"), schema) as out:
        rows: list[Sequence[object]] = []
        first = 1
        for number, row in enumerate(sheet.iter_rows(), 1):
            rows.append(row)
            if len(rows) == ROWS_PER_BATCH:
                out.write_batch(batch(rows, first, schema))
                rows, first = [], number + 1
        if rows:
            out.write_batch(batch(rows, first, schema))


def batch(rows: Sequence[Sequence[object]], first: int, schema: pa.Schema) -> pa.RecordBatch:
    """Rows as an Arrow batch, the first of them on row `first` of the sheet."""
    columns: list[pa.Array] = [pa.array(range(first, first + len(rows)), pa.int64())]
    for cells in zip(*rows, strict=True):
        columns.append(pa.array([cell if isinstance(cell, str) else text(cell) for cell in cells], pa.string()))
        columns.append(pa.array([not isinstance(cell, str) for cell in cells], pa.bool_()))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def text(cell: object) -> str:
    """A typed cell as canonical text: ISO dates, and numbers at the 15 significant digits that Excel itself keeps."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return f"{Decimal(f'{cell:.15g}'):f}"
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ") if cell.time() != datetime.time() else cell.date().isoformat()
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    main()

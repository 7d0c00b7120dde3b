"""How the sandbox hands a table over: an Arrow stream with a row number, then for each column its text and a mark."""

import datetime
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa

TEXT, TYPED, ERROR = 0, 1, 2
"""Marks of a cell: text as written; a value the spreadsheet had typed, as canonical text; an error, or nothing calculated."""

_ROWS_PER_BATCH = 20_000
_EXACT = 2**53
"""Whole numbers below it are exact as spreadsheets store them; of others the last digits are lost."""


class Error(str):
    """What stands in a cell that has no value: an error's name, or a formula that nobody calculated."""

    __slots__ = ()


class Typed(str):
    """Canonical text of a value that the spreadsheet had typed."""

    __slots__ = ()


class _NoPandas:
    """Keeps pyarrow from importing pandas at its first array: that is slow, and by then no file can be opened."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError(name)


sys.meta_path.insert(0, _NoPandas)
pa.array([""])


def write(sink: BinaryIO, width: int, rows: Iterable[Sequence[object]]) -> None:
    """Write rows of `width` cells, numbered from 1, as they come."""
    fields = [pa.field("line", pa.int64())]
    for number in range(width):
        fields += [pa.field(f"text {number}", pa.string()), pa.field(f"mark {number}", pa.int8())]
    schema = pa.schema(fields)
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), schema) as out:
        waiting: list[Sequence[object]] = []
        first = 1
        for number, row in enumerate(rows, 1):
            waiting.append(row)
            if len(waiting) == _ROWS_PER_BATCH:
                out.write_batch(_batch(waiting, first, schema))
                waiting, first = [], number + 1
        if waiting:
            out.write_batch(_batch(waiting, first, schema))


def _batch(rows: Sequence[Sequence[object]], first: int, schema: pa.Schema) -> pa.RecordBatch:
    columns: list[pa.Array] = [pa.array(range(first, first + len(rows)), pa.int64())]
    for cells in zip(*rows, strict=True):
        columns.append(pa.array([cell if isinstance(cell, str) else _text(cell) for cell in cells], pa.string()))
        columns.append(pa.array([_mark(cell) for cell in cells], pa.int8()))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _mark(cell: object) -> int:
    kind = type(cell)
    return TEXT if kind is str else ERROR if kind is Error else TYPED


def _text(cell: object) -> str:
    """A typed cell as canonical text: ISO dates, and whole numbers, others at the 15 digits that Excel shows."""
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < _EXACT:
            return str(int(cell))
        if abs(cell) >= _EXACT:
            return f"{cell:.14E}"  # no code, and no amount either
        digits = f"{cell:.15g}"
        return f"{Decimal(digits):f}" if "e" in digits else digits
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ") if cell.time() != datetime.time() else cell.date().isoformat()
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return str(cell)

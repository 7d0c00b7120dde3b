"""dBASE tables (.dbf), of dBASE, FoxPro and Clipper: fields by their descriptions, records of fixed length.

After dBASE's own description of its file format, and Visual FoxPro's of its further types.
"""

import datetime
import struct
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, NamedTuple

from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.stream import Error, write

_DELETED = b"*"
_END = b"\x1a"
_JULIAN = 1_721_425
"""The day number of dBASE on the first day of the calendar."""


class _Field(NamedTuple):
    name: str
    kind: str
    at: int
    length: int


def table(source: BinaryIO, sink: BinaryIO, limits: dict[str, int], encoding: str) -> None:
    """Write the names of the fields as a first row, and the records; one that is deleted is a blank row."""
    head = source.read(32)
    begins, length = struct.unpack("<HH", head[8:12])
    described = source.read(begins - 32)
    fields = list(_fields(described, encoding))
    if not fields or length < 2:
        raise Unreadable("unreadable", "plain", text="no fields are described")
    write(sink, len(fields), _rows(source, fields, length, encoding, limits["cells"]))


def _fields(described: bytes, encoding: str) -> Iterator[_Field]:
    at = 1
    for place in range(0, len(described) - 31, 32):
        each = described[place : place + 32]
        if each[:1] == b"\r":
            return
        kind, size = chr(each[11]), each[16]
        if kind == "C":
            size += each[17] << 8
        if kind != "0":
            yield _Field(each[:11].partition(b"\0")[0].decode(encoding), kind, at, size)
        at += size


def _rows(source: BinaryIO, fields: list[_Field], length: int, encoding: str, cells: int) -> Iterator[list[object]]:
    yield [field.name for field in fields]
    while (record := source.read(length)) and record[:1] != _END:
        cells -= len(fields)
        if cells < 0:
            raise Unreadable("unreadable", "table_too_large")
        if len(record) < length:
            raise Unreadable("unreadable", "plain", text="its last record is cut off")
        yield [""] * len(fields) if record[:1] == _DELETED else [_cell(record, field, encoding) for field in fields]


def _cell(record: bytes, field: _Field, encoding: str) -> object:
    raw = record[field.at : field.at + field.length]
    match field.kind:
        case "N" | "F":
            return _number(raw)
        case "D":
            text = raw.decode("ascii", "replace").strip(" \0")
            return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:])) if text.strip("0") else ""
        case "L":
            return {b"T": True, b"Y": True, b"F": False, b"N": False}.get(raw.upper(), "")
        case "I":
            return int.from_bytes(raw, "little", signed=True)
        case "B":
            return struct.unpack("<d", raw)[0]
        case "Y":
            return Decimal(int.from_bytes(raw, "little", signed=True)) / 10_000
        case "T":
            day, ms = struct.unpack("<ii", raw)
            return datetime.datetime.fromordinal(day - _JULIAN + 1) + datetime.timedelta(milliseconds=ms) if day else ""
        case "C" | "V":
            return raw.decode(encoding).rstrip(" \0")
    return Error(f"({field.kind})") if raw.strip(b" \0") else ""


def _number(raw: bytes) -> object:
    text = raw.decode("ascii", "replace").strip(" \0")
    if not text:
        return ""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Error(text)

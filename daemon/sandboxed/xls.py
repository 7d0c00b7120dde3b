"""What calamine does not tell of the cells of an .xls: which have no value, and what those show whose format says more.

Source: [MS-XLS] 2.4.24 (BoolErr), 2.4.126 (Format), 2.4.127 (Formula), 2.4.175 (MulRk), 2.4.180 (Number), 2.4.220 (RK) and
2.4.353 (XF).
"""

import io
import struct
from collections.abc import Iterator

import olefile

from daemon.sandboxed.shown import says_more, shown
from daemon.sandboxed.xlsx import Cells

ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_BOUNDSHEET, _BOOLERR, _FORMULA, _NUMBER, _RK, _MULRK, _FORMAT, _XF = 0x85, 0x205, 0x6, 0x203, 0x27E, 0xBD, 0x41E, 0xE0
_EOF = 0x0A


def cells(content: bytes, number: int) -> Cells:
    """The cells of a sheet, counted from 0, that calamine does not show as Excel does."""
    with olefile.OleFileIO(io.BytesIO(content)) as ole:
        is_new = ole.exists("Workbook")
        stream = ole.openstream("Workbook" if is_new else "Book").read()
    starts = [struct.unpack_from("<I", stream, at)[0] for kind, at, _ in records(stream, 0) if kind == _BOUNDSHEET]
    formats, found = _formats(stream) if is_new else {}, Cells({}, {})
    for kind, at, size in records(stream, starts[number]):
        if kind == _BOOLERR and stream[at + 7]:
            found.unknown[_place(stream, at)] = ERRORS.get(stream[at + 6], "#ERROR")
        elif kind == _FORMULA and stream[at + 12 : at + 14] == b"\xff\xff":
            if stream[at + 6] == 2:  # its result is an error
                found.unknown[_place(stream, at)] = ERRORS.get(stream[at + 8], "#ERROR")
        elif formats:
            for place, style, value in _numbers(stream, kind, at, size):
                if style in formats and (text := shown(formats[style], value)) is not None:
                    found.shown[place] = text
    return found


def _formats(stream: bytes) -> dict[int, str]:
    """The formats that say more than a number, by the number of their style."""
    formats: dict[int, str] = {}
    styles: list[int] = []
    for kind, at, _ in records(stream, 0):
        if kind == _FORMAT:
            name, length, wide = struct.unpack_from("<HHB", stream, at)
            text = stream[at + 5 : at + 5 + length * (1 + (wide & 1))]
            formats[name] = text.decode("utf-16-le" if wide & 1 else "latin-1", "replace")
        elif kind == _XF:
            styles.append(struct.unpack_from("<H", stream, at + 2)[0])
    return {number: form for number, style in enumerate(styles) if says_more(form := formats.get(style, ""))}


def _numbers(stream: bytes, kind: int, at: int, size: int) -> Iterator[tuple[tuple[int, int], int, float]]:
    """The numbers of a record, each with its place and its style."""
    if kind in (_NUMBER, _FORMULA):
        row, column, style, value = struct.unpack_from("<HHHd", stream, at)
        yield (row, column), style, value
    elif kind == _RK:
        row, column, style, packed = struct.unpack_from("<HHHI", stream, at)
        yield (row, column), style, _unpacked(packed)
    elif kind == _MULRK:
        row, column = struct.unpack_from("<HH", stream, at)
        for nth in range((size - 6) // 6):
            style, packed = struct.unpack_from("<HI", stream, at + 4 + 6 * nth)
            yield (row, column + nth), style, _unpacked(packed)


def _unpacked(packed: int) -> float:
    if packed & 2:
        value = float((packed >> 2) - (1 << 30 if packed >> 31 else 0))
    else:
        value = struct.unpack("<d", struct.pack("<Q", (packed & 0xFFFFFFFC) << 32))[0]
    return value / 100 if packed & 1 else value


def _place(stream: bytes, at: int) -> tuple[int, int]:
    row, column = struct.unpack_from("<HH", stream, at)
    return row, column


def records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The records from `at` to the end of their part: kind, where the content begins, its size."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, size
        if kind == _EOF:
            return
        at += 4 + size

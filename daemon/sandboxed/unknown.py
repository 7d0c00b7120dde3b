"""Cells of a workbook that have no value, which calamine shows as blank: errors, and in an .xlsx formulas nobody calculated.

Sources: ECMA-376 part 1 (.xlsx), [MS-XLSB] 2.4 (.xlsb), [MS-XLS] 2.4.24 and 2.4.127 (.xls). In an .ods an error's name is
its text.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import olefile

from daemon.sandboxed import xlsx
from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.xlsx import Cells

_CODES = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def is_locked(content: bytes) -> bool:
    """Whether a workbook is encrypted: as a package within an OLE file, record by record in an .xls, part by part in an .ods."""
    if not content.startswith(olefile.MAGIC):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            manifest = "META-INF/manifest.xml"
            return manifest in parts.namelist() and b"encryption-data" in parts.read(manifest)
    with olefile.OleFileIO(io.BytesIO(content)) as ole:
        if ole.exists("EncryptedPackage"):
            return True
        stream = next((ole.openstream(name).read() for name in ("Workbook", "Book") if ole.exists(name)), b"")
    return any(kind == 0x2F for kind, _, _ in _records(stream, 0))  # FILEPASS


def unknown_cells(content: bytes, sheet: str, number: int) -> Cells:
    """The cells of a sheet that have no value, or show another one; `number` counts the workbook's sheets from 0."""
    if content.startswith(olefile.MAGIC):
        return Cells(dict(_in_xls(content, number)), {})
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        names = set(parts.namelist())
        if "xl/workbook.bin" in names:
            part = _part(parts, _ids_in_xlsb(parts.read("xl/workbook.bin"))[number : number + 1], "bin")
            return Cells(dict(_in_xlsb(parts.read(part))), {})
        if "xl/workbook.xml" in names:
            part = _part(parts, _ids_in_xlsx(parts.read("xl/workbook.xml"), sheet), "xml")
            return xlsx.cells(parts.read(part), xlsx.styles_of(parts))
    return Cells({}, {})


def _ids_in_xlsx(book: bytes, sheet: str) -> list[str]:
    """The ids by which a workbook refers to the part of a sheet."""
    elements = ElementTree.fromstring(book).iter()  # noqa: S314  a bomb meets the sandbox's limits
    sheets = [element.attrib for element in elements if element.tag.endswith("}sheet")]
    return [value for each in sheets if each.get("name") == sheet for key, value in each.items() if key.endswith("}id")]


def _ids_in_xlsb(book: bytes) -> list[str]:
    """The same of all sheets, in their order."""
    ids = []
    for kind, at, _ in _binary(book):
        if kind == 156:  # BrtBundleSh: state and number, then the id
            length = struct.unpack_from("<I", book, at + 8)[0]
            ids.append(book[at + 12 : at + 12 + 2 * length].decode("utf-16-le"))
    return ids


def _part(parts: zipfile.ZipFile, ids: list[str], kind: str) -> str:
    """The path of the one part that has one of the ids."""
    links = ElementTree.fromstring(parts.read(f"xl/_rels/workbook.{kind}.rels"))  # noqa: S314
    targets = [str(link.get("Target")) for link in links if link.get("Id") in ids]
    if len(targets) != 1:
        raise Unreadable("unreadable", "sheet_not_among_parts")
    return targets[0].lstrip("/") if targets[0].startswith("/") else f"xl/{targets[0]}"


def _in_xlsb(part: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    row = 0
    for kind, at, _ in _binary(part):
        if kind == 0:  # BrtRowHdr
            row = struct.unpack_from("<I", part, at)[0]
        elif kind in (3, 11):  # BrtCellError, BrtFmlaError
            yield (row, struct.unpack_from("<I", part, at)[0]), _CODES.get(part[at + 8], "#ERROR")


def _binary(part: bytes) -> Iterator[tuple[int, int, int]]:
    """The records of a part of an .xlsb: kind, where the content begins, its size."""
    at = 0
    while at < len(part):
        kind, at = _varint(part, at, 2)
        size, at = _varint(part, at, 4)
        yield kind, at, size
        at += size


def _varint(part: bytes, at: int, longest: int) -> tuple[int, int]:
    value = 0
    for shift in range(longest):
        value |= (part[at] & 0x7F) << 7 * shift
        at += 1
        if part[at - 1] < 0x80:
            break
    return value, at


def _in_xls(content: bytes, number: int) -> Iterator[tuple[tuple[int, int], str]]:
    with olefile.OleFileIO(io.BytesIO(content)) as ole:
        stream = ole.openstream("Workbook" if ole.exists("Workbook") else "Book").read()
    starts = [struct.unpack_from("<I", stream, at)[0] for kind, at, _ in _records(stream, 0) if kind == 0x85]  # BOUNDSHEET
    for kind, at, _ in _records(stream, starts[number]):
        if kind == 0x205 and stream[at + 7]:  # BOOLERR
            code = stream[at + 6]
        elif kind == 0x6 and stream[at + 12 : at + 14] == b"\xff\xff" and stream[at + 6] == 2:  # FORMULA, its result an error
            code = stream[at + 8]
        else:
            continue
        row, column = struct.unpack_from("<HH", stream, at)
        yield (row, column), _CODES.get(code, "#ERROR")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The records from `at` to the end of their part: kind, where the content begins, its size."""
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, at + 4, size
        if kind == 0x0A:  # EOF
            return
        at += 4 + size

"""Cells of a workbook that have no value, which calamine shows as blank: errors, and in an .xlsx formulas nobody calculated; and
those whose format says more than their value.

Source for .xlsb: [MS-XLSB] 2.4. In an .ods an error's name is its text.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import olefile

from daemon.sandboxed import xls, xlsx
from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.xlsx import Cells


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
    return any(kind == 0x2F for kind, _, _ in xls.records(stream, 0))  # FILEPASS


def unknown_cells(content: bytes, sheet: str, number: int) -> Cells:
    """The cells of a sheet that have no value, or show another one; `number` counts the workbook's sheets from 0."""
    if content.startswith(olefile.MAGIC):
        return xls.cells(content, number)
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
            yield (row, struct.unpack_from("<I", part, at)[0]), xls.ERRORS.get(part[at + 8], "#ERROR")


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

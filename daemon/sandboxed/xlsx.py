"""What calamine does not tell of the cells of an .xlsx: which have no value, and what those show whose format says more.

Source: ECMA-376 part 1, 18.3 (worksheets) and 18.8.30 (number formats).
"""

import io
import re
import zipfile
from typing import NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from daemon.sandboxed.refusal import Unreadable
from daemon.sandboxed.shown import says_more, shown

Place = tuple[int, int]
"""Row and column, counted from 0."""
_PLACE = re.compile(r"([A-Z]+)([0-9]+)")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:E[+-]?[0-9]+)?")
_FORMULAS_OR_ERRORS = (b"<f", b":f", b'"e"', b"'e'")


class Cells(NamedTuple):
    """By place, what stands there instead of a value, and what is shown of a number."""

    unknown: dict[Place, str]
    shown: dict[Place, str]


def cells(part: bytes, styles: bytes | None) -> Cells:
    """The cells of a sheet's part that calamine does not show as Excel does."""
    formats = _formats(styles) if styles else {}
    formats = {
        style: form for style, form in formats.items() if f's="{style}"'.encode() in part or f"s='{style}'".encode() in part
    }
    reader = _Reader(formats)
    if formats or any(mark in part for mark in _FORMULAS_OR_ERRORS):
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.EntityDeclHandler = _refuse_entities
        parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
        parser.CharacterDataHandler = reader.text
        try:
            parser.Parse(part, True)
        except expat.ExpatError as error:
            raise Unreadable("unreadable", "plain", text=str(error)) from error
    return reader.found


def _refuse_entities(*_: object) -> None:
    raise Unreadable("unreadable", "plain", text="it declares entities")


def _formats(styles: bytes) -> dict[str, str]:
    """The formats that show more than a number, by the number of their style in cells."""
    formats: dict[str, str] = {}
    found: dict[str, str] = {}
    for _, element in ElementTree.iterparse(io.BytesIO(styles)):  # noqa: S314  a bomb meets the sandbox's limits
        name = element.tag.rpartition("}")[2]
        if name == "numFmt":
            formats[element.get("numFmtId", "")] = element.get("formatCode", "")
        elif name == "cellXfs":
            for number, each in enumerate(element):
                if says_more(form := formats.get(each.get("numFmtId", ""), "")):
                    found[str(number)] = form
    return found


def styles_of(parts: zipfile.ZipFile) -> bytes | None:
    """The styles of a workbook, where it has any."""
    return parts.read("xl/styles.xml") if "xl/styles.xml" in parts.namelist() else None


class _Reader:
    """Goes through a sheet cell by cell."""

    def __init__(self, formats: dict[str, str]) -> None:
        self.found = Cells({}, {})
        self._formats = formats
        self._cell: dict[str, str] = {}
        self._formula: str | None = None
        self._value = self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a cell, its formula or its value."""
        local = name.rpartition(":")[2]
        self._text = ""
        if local == "c":
            self._cell, self._formula, self._value = attributes, None, ""

    def text(self, text: str) -> None:
        """Take up what stands in it."""
        self._text += text

    def end(self, name: str) -> None:
        """End a cell, its formula or its value."""
        local = name.rpartition(":")[2]
        if local == "f":
            self._formula = self._text
        elif local == "v":
            self._value = self._text.strip()
        elif local == "c":
            self._see()

    def _see(self) -> None:
        kind, style = self._cell.get("t", "n"), self._cell.get("s", "")
        if kind == "e" or (self._formula is not None and not self._value and kind != "str"):
            self.found.unknown[self._place()] = self._value if kind == "e" and self._value else f"={self._formula or ''}"
        elif kind == "n" and style in self._formats and _NUMBER.fullmatch(self._value):
            if (text := shown(self._formats[style], float(self._value))) is not None:
                self.found.shown[self._place()] = text

    def _place(self) -> Place:
        place = _PLACE.fullmatch(self._cell.get("r", ""))
        if place is None:
            raise Unreadable("unreadable", "cells_without_place")
        return int(place[2]) - 1, column_number(place[1])


def column_number(letters: str) -> int:
    """A column's number, from 0, by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1

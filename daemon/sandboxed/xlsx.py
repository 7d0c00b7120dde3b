"""What calamine does not tell of the cells of an .xlsx: which have no value, and what those show whose format pads a code.

Source: ECMA-376 part 1, 18.3 (worksheets) and 18.8.30 (number formats).
"""

import io
import re
import zipfile
from typing import NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from daemon.sandboxed.refusal import Unreadable

Place = tuple[int, int]
"""Row and column, counted from 0."""
_PLACE = re.compile(r"([A-Z]+)([0-9]+)")
_PADDED = re.compile(r'((?:"[^"]*"|\\.)*)(0{2,})')
"""A format that shows a number with leading zeros, and what stands before them."""
_FORMULAS_OR_ERRORS = (b"<f", b":f", b'"e"', b"'e'")


class Cells(NamedTuple):
    """By place, what stands there instead of a value, and what is shown of a number."""

    unknown: dict[Place, str]
    shown: dict[Place, str]


def cells(part: bytes, styles: bytes | None) -> Cells:
    """The cells of a sheet's part that calamine does not show as Excel does."""
    padded = _padded(styles) if styles else {}
    padded = {style: form for style, form in padded.items() if f's="{style}"'.encode() in part or f"s='{style}'".encode() in part}
    reader = _Reader(padded)
    if padded or any(mark in part for mark in _FORMULAS_OR_ERRORS):
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


def _padded(styles: bytes) -> dict[str, tuple[str, int]]:
    """The styles that pad numbers, by their number in cells: what stands before, and how many digits are shown."""
    formats: dict[str, str] = {}
    found: dict[str, tuple[str, int]] = {}
    for _, element in ElementTree.iterparse(io.BytesIO(styles)):  # noqa: S314  a bomb meets the sandbox's limits
        name = element.tag.rpartition("}")[2]
        if name == "numFmt":
            formats[element.get("numFmtId", "")] = element.get("formatCode", "")
        elif name == "cellXfs":
            for number, each in enumerate(element):
                if form := _PADDED.fullmatch(formats.get(each.get("numFmtId", ""), "").partition(";")[0]):
                    found[str(number)] = (re.sub(r'"([^"]*)"|\\(.)', r"\1\2", form[1]), len(form[2]))
    return found


def styles_of(parts: zipfile.ZipFile) -> bytes | None:
    """The styles of a workbook, where it has any."""
    return parts.read("xl/styles.xml") if "xl/styles.xml" in parts.namelist() else None


class _Reader:
    """Goes through a sheet cell by cell."""

    def __init__(self, padded: dict[str, tuple[str, int]]) -> None:
        self.found = Cells({}, {})
        self._padded = padded
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
            shown = self._value if kind == "e" and self._value else f"={self._formula or ''}"
            self.found.unknown[self._place()] = shown
        elif kind == "n" and style in self._padded and re.fullmatch(r"[0-9]+(?:\.0+)?", self._value):
            before, digits = self._padded[style]
            self.found.shown[self._place()] = before + self._value.partition(".")[0].rjust(digits, "0")

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

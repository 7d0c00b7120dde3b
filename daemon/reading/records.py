"""The careful way through delimited text: one record at a time, every fault held to the line it is on."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from daemon.model import Fault, Reason

_LONGEST_RECORD = 100
"""Lines that one record with quoted line breaks may span; a quote not closed by then was never meant to be open."""

csv.field_size_limit(1 << 30)


class Record(NamedTuple):
    """A record, or the first line of what should have been one and the reason why it is none."""

    span: int
    cells: list[str]
    reason: Reason | None = None


class Records:
    """Parses physical lines, without their line feeds, in an encoding that is a superset of ASCII."""

    def __init__(self, delimiter: str, quote: str, encoding: str) -> None:
        self._delimiter = delimiter
        self._quote = quote
        self._encoding = encoding
        q, d = re.escape(quote), re.escape(delimiter)
        cell = f"(?:{q}(?:[^{q}]|{q}{q})*+{q}|[^{q}{d}\\n]*+)" if quote else ""
        # csv takes a quote within an unquoted cell for text; it may as well be what is left of a broken record.
        self._whole = re.compile(rf"{cell}(?:{d}{cell})*+\n")

    def parse(self, lines: list[bytes], width: int | None = None, complete: bool = True) -> Iterator[Record]:
        """The records of `lines`. With `complete` false, stops before a last record that may go on in lines to come."""
        at = 0
        while at < len(lines):
            record = self._record(lines[at : at + _LONGEST_RECORD], width)
            if record is None and not complete and len(lines) - at < _LONGEST_RECORD:
                return
            record = record or self._faulty(lines[at], Fault.BAD_QUOTES)
            yield record
            at += record.span

    def _record(self, lines: list[bytes], width: int | None) -> Record | None:
        """The record that begins with the first of `lines`; None when a quote is still open after the last."""
        try:
            first = self._text(lines[0])
        except UnicodeDecodeError:
            return self._faulty(lines[0], Fault.UNDECODABLE)
        quoted = bool(self._quote) and self._quote in first
        if "\0" in first or ("\r" in first and not quoted):
            return self._faulty(lines[0], Fault.CONTROL_CHARACTER)
        if not quoted:
            return _measured(Record(1, first.split(self._delimiter) if first else []), width)
        taken: list[str] = []
        text = (taken.append(line) or line for line in (self._text(line) + "\n" for line in lines))  # type: ignore[func-returns-value]
        try:
            cells = next(csv.reader(text, delimiter=self._delimiter, quotechar=self._quote, strict=True))
        except UnicodeDecodeError:
            return self._faulty(lines[0], Fault.BAD_QUOTES)
        except csv.Error as error:
            return None if "unexpected end" in str(error) else self._faulty(lines[0], Fault.BAD_QUOTES)
        if not self._whole.fullmatch("".join(taken)) or (len(taken) > 1 and width is not None and len(cells) != width):
            return self._faulty(lines[0], Fault.BAD_QUOTES)
        if any("\0" in cell for cell in cells):
            return self._faulty(lines[0], Fault.CONTROL_CHARACTER)
        return _measured(Record(len(taken), cells), width)

    def _text(self, line: bytes) -> str:
        return line.removesuffix(b"\r").decode(self._encoding)

    def _faulty(self, line: bytes, fault: Fault) -> Record:
        text = line.removesuffix(b"\r").decode(self._encoding, "backslashreplace")
        return Record(1, text.split(self._delimiter), Reason(fault))


def _measured(record: Record, width: int | None) -> Record:
    count = len(record.cells)
    if width is None or count in (0, width):
        return record
    return record._replace(reason=ragged(count, width))


def ragged(count: int, width: int) -> Reason:
    """The reason for a row of `count` cells under `width` headers."""
    fault = Fault.TOO_FEW_CELLS if count < width else Fault.TOO_MANY_CELLS
    return Reason(fault, value=str(count), detail=str(width))

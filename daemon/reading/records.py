"""The careful way through delimited text: one record at a time, every fault held to the line it is on."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import Any, NamedTuple

from daemon.model import Reason, ReasonCode

LONGEST_RECORD = 400
"""Lines that one record with quoted line breaks may span; a quote not closed by then was never meant to be open."""
_SHORTEST_REACH = 8
_MOST_BYTES = 1 << 18
"""And bytes."""
_STAND_IN = "\x1f"
"""Stands for a delimiter of several characters while csv, which knows only single ones, takes quotes apart."""

csv.field_size_limit(1 << 30)


class Dialect(NamedTuple):
    """How cells are told apart. `trailing`: every record ends in one more delimiter; `short`: empty cells at its end are left
    out.
    """

    delimiter: str
    quote: str
    escape: str | None = None
    comment: str | None = None
    trailing: bool = False
    short: bool = False

    @property
    def single(self) -> str:
        """The delimiter as one character."""
        return self.delimiter if len(self.delimiter) == 1 else _STAND_IN


class Record(NamedTuple):
    """A record, or the first line of what should have been one and the reason why it is none. No cells: a comment, a blank."""

    span: int
    cells: list[str]
    reason: Reason | None = None


class Records:
    """Parses physical lines, without their line feeds, in an encoding that is a superset of ASCII."""

    def __init__(self, dialect: Dialect, encoding: str) -> None:
        self._dialect = dialect
        self._encoding = encoding
        self._reach = LONGEST_RECORD
        """How many lines on a quote's end is looked for: in a file full of open ones less and less, until one is closed."""
        q, d, e = re.escape(dialect.quote), re.escape(dialect.single), re.escape(dialect.escape or "")
        escaped = rf"|{e}[\s\S]" if e else ""
        cell = (  # in Hebrew a quote marks an abbreviation before its last letter
            f"(?:{q}(?:[^{q}{e}]|{q}{q}{escaped})*+{q}|(?:[^{q}{d}{e}\\n]|(?<=[\u05d0-\u05ea]){q}(?=[\u05d0-\u05ea]){escaped})*+)"
            if q
            else f"(?:[^{d}{e}\\n]{escaped})*+"
        )
        # csv takes a quote within an unquoted cell for text; it may as well be what is left of a broken record.
        self._whole = re.compile(rf"{cell}(?:{d}{cell})*+\n")
        self._nothing = re.compile(rf"(^|{d})\\N(?={d}|$)")
        """How MySQL writes what is nothing."""
        self._formula = re.compile(rf'(^|{d})(?:="([^"]*)"|"=""([^"]*)"""?)(?={d}|$)')
        """How a text is kept from becoming a number in a spreadsheet."""
        self._special = [mark for mark in (dialect.quote, dialect.escape) if mark]

    def parse(self, lines: list[bytes], width: int | None = None, complete: bool = True) -> Iterator[Record]:
        """The records of `lines`. With `complete` false, stops before a last record that may go on in lines to come."""
        at = 0
        while at < len(lines):
            window = lines[at : at + self._reach]
            record = self._record(window, width)
            if record is None and not complete and len(window) < self._reach and sum(map(len, window)) < _MOST_BYTES:
                return
            if record is None:
                record, self._reach = self._faulty(lines[at], ReasonCode.BAD_QUOTES), max(self._reach // 2, _SHORTEST_REACH)
            elif record.span > 1:
                self._reach = LONGEST_RECORD
            yield record
            at += record.span

    def _record(self, lines: list[bytes], width: int | None) -> Record | None:
        """The record that begins with the first of `lines`; None when a quote is still open after the last."""
        dialect = self._dialect
        try:
            first = self._text(lines[0])
        except UnicodeDecodeError as error:
            return self._faulty(lines[0], ReasonCode.UNDECODABLE, f"{error.object[error.start]:02X}")
        if dialect.comment and first.startswith(dialect.comment):
            return Record(1, [])
        quoted = any(mark in first for mark in self._special)
        if "\0" in first or ("\r" in first and not quoted):
            return self._faulty(lines[0], ReasonCode.CONTROL_CHARACTER)
        if not quoted:
            return self._measured(Record(1, first.split(dialect.delimiter) if first else []), width)
        taken: list[str] = []
        within = takewhile(lambda size: size[0] < _MOST_BYTES, zip(accumulate(map(len, lines), initial=0), lines, strict=False))
        text = (taken.append(line) or line for line in (self._single(self._text(line)) + "\n" for _, line in within))  # type: ignore[func-returns-value]
        try:
            cells = next(csv.reader(text, **self._options()))
        except UnicodeDecodeError:
            return self._faulty(lines[0], ReasonCode.BAD_QUOTES)
        except csv.Error as error:
            return None if "unexpected end" in str(error) else self._faulty(lines[0], ReasonCode.BAD_QUOTES)
        if not self._whole.fullmatch("".join(taken)):
            return self._faulty(lines[0], ReasonCode.BAD_QUOTES)
        if len(taken) > 1 and holds_records(cells, dialect.single):
            return self._faulty(lines[0], ReasonCode.BAD_QUOTES)
        cells = [cell.replace(dialect.single, dialect.delimiter) for cell in cells]
        record = self._measured(Record(len(taken), cells), width)
        if len(taken) > 1 and record.reason:
            return self._faulty(lines[0], ReasonCode.BAD_QUOTES)
        if any("\0" in cell for cell in cells):
            return self._faulty(lines[0], ReasonCode.CONTROL_CHARACTER)
        return record

    def _options(self) -> dict[str, Any]:
        quoting: dict[str, Any] = {"quotechar": self._dialect.quote} if self._dialect.quote else {"quoting": csv.QUOTE_NONE}
        return {"delimiter": self._dialect.single, "escapechar": self._dialect.escape, "strict": True, **quoting}

    def _text(self, line: bytes) -> str:
        text = line.removesuffix(b"\r").decode(self._encoding).removeprefix("\ufeff")  # of files that were put together
        if self._dialect.escape:
            text = self._nothing.sub(r"\1", text)
        return self._formula.sub(lambda found: f"{found[1]}{found[2] or found[3] or ''}", text) if '="' in text else text

    def _single(self, line: str) -> str:
        if self._dialect.single != self._dialect.delimiter and _STAND_IN in line:
            raise csv.Error("the stand-in is taken")
        return line.replace(self._dialect.delimiter, self._dialect.single)

    def _faulty(self, line: bytes, fault: ReasonCode, detail: str = "") -> Record:
        text = line.removesuffix(b"\r").decode(self._encoding, "backslashreplace")
        return Record(1, text.split(self._dialect.delimiter), Reason(fault, detail=detail))

    def _measured(self, record: Record, width: int | None) -> Record:
        count, trailing = len(record.cells), self._dialect.trailing
        if width is None or count == 0:
            return record
        if self._dialect.short and count < width:
            return record._replace(cells=[*record.cells, *[""] * (width - count)])
        if count != width + trailing or (trailing and record.cells[-1].strip()):
            return record._replace(reason=ragged(count, width + (trailing and count <= width)))
        return record._replace(cells=record.cells[:width])


def holds_records(cells: Sequence[str], delimiter: str) -> bool:
    """Whether what a quote holds together over several lines are records: most of them have as many delimiters as a record has,
    of those that no space follows; or its first line ends a record, and its last one begins another.
    """
    mark, others = re.compile(f"{re.escape(delimiter)}(?! )"), max(len(cells) - 1, 1)
    for place, cell in enumerate(cells):
        first, *within = [len(mark.findall(line)) for line in cell.split("\n")]
        if sum(count >= others for count in within) * 2 > len(within):
            return True
        if within and (first + place, within[-1], *within[:-1]) == (others, place, *[others] * (len(within) - 1)):
            return True
    return False


def ragged(count: int, width: int) -> Reason:
    """The reason for a row of `count` cells under `width` headers."""
    fault = ReasonCode.TOO_FEW_CELLS if count < width else ReasonCode.TOO_MANY_CELLS
    return Reason(fault, value=str(count), detail=str(width))

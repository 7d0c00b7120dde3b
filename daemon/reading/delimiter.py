"""How the cells of delimited text are told apart: the delimiter that makes columns of most lines and sense of their cells."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from daemon.datasets import plain
from daemon.errors import FileRefused, Refusal
from daemon.profiles import Format
from daemon.reading import header
from daemon.reading.records import LONGEST_RECORD, Dialect, holds_records

_DELIMITERS = ("||", ";", "\t", ",", "|", "~", "^", "¦", "§", "#", "\x1f", "\x01")
_SEVERAL = re.compile(r"[^\w\s\"'.,()-]{2,3}")
"""What may part cells as a pair, or three."""
_ONE_CELL = re.compile(r'\w+|"(?:[^"]|"")*"')
_SEPARATOR = re.compile(r"sep=(.{1,8})", re.IGNORECASE)
_IN_CELLS = {",": re.compile(r"(?<=[0-9]),(?=[0-9])|,(?= )"), ";": re.compile(r";(?= |$)")}
"""Where a mark stands in cells, too: between digits, or before a space."""
_LOOKED_AT = 400
"""Lines by which that is told."""
_KNOWN, _SAID = 0.25, 0.3
"""How much a known header among the cells says, of four at most; and a line `sep=`."""
_AGREEING, _ALONE = 0.3, 0.6
"""The share of lines that must have one width for a delimiter to be one; and where no header is known."""
_BARE = 0.8
"""The share of records that are wider than the headers, and whose amounts may be the reason, that makes it the reason."""
_WHOLE, _REST = (
    re.compile(r"(?:[A-Z]{3} ?|[€$£] ?)?[-+(]?[0-9]+"),
    re.compile(r"[0-9]{1,3}(?:\.[0-9]+)?(?: ?[-)]| ?[A-Z]{3}| ?[€$£])?"),
)
"""What stands before a bare comma in an amount, and after it."""
_HABIT = 0.5
"""The share of records that end early where it is the program's way to leave out empty cells."""


class Found(NamedTuple):
    """How delimited text is to be taken apart: its dialect, the row of the headers, and how many cells records have."""

    dialect: Dialect
    header_row: int
    width: int


def delimited(lines: list[str], format: Format, ours: Collection[str] = frozenset()) -> Found:
    """How the first lines of a text are to be taken apart; `ours` are headers that it is known to have.

    Raises FileRefused when no delimiter makes columns of it, or no row is plainly its headers.
    """
    quote = '"' if format.quote is None else format.quote
    comment, said = format.comment, None
    lines = ["" if comment and line.startswith(comment) else line for line in lines[:_LOOKED_AT]]
    if separator := _SEPARATOR.fullmatch(lines[0]):
        said, lines[0] = separator[1], ""
    mark = format.delimiter or _delimiter(lines[(format.header_row or 1) - 1 :], quote, said, ours)
    sample = rows(lines, mark, quote, format.escape)
    filled = [row for row in sample if any(map(str.strip, row))]
    if not filled:
        raise FileRefused(Refusal.EMPTY, "nothing_in_file")
    usual = _usual(filled)
    of_usual = [row for row in filled if len(row) == usual]
    trailing = usual > 1 and all(not row[-1].strip() for row in of_usual) and usual != len(format.header or ())
    width = usual - trailing
    trimmed = [row[:-1] if trailing and len(row) == usual else row for row in sample]
    if format.header:
        row, titles = 1 + bool(separator), list(format.header)
    else:
        row = format.header_row or header.find(trimmed, width, ours, format.header_rows or 1)
        titles = trimmed[row - 1] if row <= len(trimmed) else []
        _refuse_shifted(mark, titles, trimmed[row:])
    while len(titles) > width and not titles[-1].strip():
        titles = titles[:-1]
    width = max(width, len(titles))
    early = [len(each) < width for each in trimmed[row:] if any(map(str.strip, each))]
    short = sum(early) > max(1, _HABIT * len(early)) and not format.header
    return Found(Dialect(mark, quote, format.escape, comment, trailing, short), row, width)


def _usual(filled: Sequence[Sequence[str]]) -> int:
    """The width of most rows; of several as frequent, the widest."""
    return max(Counter(map(len, filled)).items(), key=lambda item: (item[1], item[0]))[0]


def _delimiter(lines: list[str], quote: str, said: str | None, ours: Collection[str]) -> str:
    """The delimiter under which most lines agree in width, known headers are cells, and no other mark is left unexplained."""
    written = [line for line in lines if line.strip()]
    several = {mark for line in written[:1] for mark in _SEVERAL.findall(line) if len(set(mark)) > 1}
    votes: dict[str, tuple[float, int, int]] = {}
    for place, candidate in enumerate(dict.fromkeys([*([said] if said else []), *sorted(several), *_DELIMITERS])):
        if not any(candidate in line for line in written):
            continue
        sample = [row for row in rows(lines, candidate, quote) if row]
        widths = Counter(map(len, sample))
        width, agreeing = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(0, 0))
        if width > 1 and agreeing >= _AGREEING * len(sample):
            known = max(header.known(sample), max((len(set(ours) & set(row)) for row in sample), default=0))
            left = sum(_is_left(row, candidate) for row in sample if len(row) == width) / agreeing
            if not known and sum(len(row) > 1 for row in sample) < _ALONE * len(sample):
                continue
            worth = agreeing / len(sample) * (1 - left / 2) + _KNOWN * min(known, 4) + _SAID * (candidate == said)
            votes[candidate] = (worth, width, -place)
    for pair in [mark for mark in votes if len(mark) > 1]:  # single ones with empty cells between, or else no single ones
        single = [mark for mark in votes if len(mark) == 1 and mark in pair]
        if pair == 2 * pair[0] and single and votes[single[0]][0] > votes[pair][0]:
            votes.pop(pair)
        else:
            for mark in single:
                votes.pop(mark)
    if not votes:
        if all(_ONE_CELL.fullmatch(line.strip()) for line in written):
            return ";"  # one column only: nothing to separate
        raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_delimiter")
    return max(votes, key=lambda candidate: votes[candidate])


def _is_left(row: Sequence[str], delimiter: str) -> bool:
    """Whether the cells of a row hold another delimiter where no text has one."""
    for cell in row:
        for mark in _DELIMITERS:
            if mark in cell and mark not in delimiter and len(mark) == 1 and mark != "#":
                if mark not in _IN_CELLS or mark in _IN_CELLS[mark].sub("", cell):
                    return True
    return False


def _refuse_shifted(mark: str, titles: Sequence[str], records: Sequence[Sequence[str]]) -> None:
    """Raise FileRefused where records are wider than their headers, and which cell is of no column nobody can tell: in a comma
    file whose amounts have bare decimal commas, where one amount more is one cell more; and where the first cell may count rows.
    """
    records = [row for row in records if any(map(str.strip, row))]
    wider = [row for row in records if len(row) > len(titles) and any(map(str.strip, row[len(titles) :]))]
    if not titles or len(wider) * 2 < len(records) or not wider:
        return
    split = sum(_parted(row) >= len(row) - len(titles) for row in wider)
    if mark == "," and split >= len(wider) * _BARE:
        raise FileRefused(Refusal.SHAPE_UNCLEAR, "bare_decimal_commas", cells=header.shown(wider[0]))
    counts = [int(row[0]) if row[0].strip().isdecimal() and len(row[0]) < 10 else -1 for row in records]
    if (
        plain(titles[0]) != "no"
        and len(counts) == len(wider) > 1
        and counts[0] in (0, 1)
        and all(after == before + 1 for before, after in pairwise(counts))
    ):
        told = {"titles": header.shown(titles), "cells": header.shown(records[0])}
        raise FileRefused(Refusal.SHAPE_UNCLEAR, "first_cell_counts", **told)


def _parted(row: Sequence[str]) -> int:
    """How many pairs of neighbours may be one amount with a bare mark between."""
    return sum(bool(_WHOLE.fullmatch(first.strip()) and _REST.fullmatch(second.strip())) for first, second in pairwise(row))


def rows(lines: list[str], delimiter: str, quote: str, escape: str | None = None) -> list[list[str]]:
    """A sample of lines as cells, whatever is wrong with them: a row for each line, an empty one where a record goes on."""
    found: list[list[str]] = []
    while len(found) < len(lines):
        cells, span = _row(lines, len(found), delimiter, quote, escape)
        found += [cells, *([[]] * (span - 1))]
    return found


def _row(every: Sequence[str], at: int, delimiter: str, quote: str, escape: str | None) -> tuple[list[str], int]:
    """The cells of a line, and how many lines they take; plainly taken apart where its quotes make no sense."""
    line = every[at]
    if not quote or quote not in line:
        return line.split(delimiter) if line else [], 1
    plain = [cell.strip(quote) for cell in line.split(delimiter)]
    lines = every[at : at + LONGEST_RECORD]
    if len(delimiter) > 1:
        return plain, 1
    for span in range(1, len(lines) + 1):
        text = "\n".join(lines[:span])
        if (text.replace(escape + quote, "") if escape else text).count(quote) % 2 == 0:
            break
    else:
        return plain, 1
    try:
        cells = next(
            csv.reader((f"{line}\n" for line in lines[:span]), delimiter=delimiter, quotechar=quote, escapechar=escape), plain
        )
    except csv.Error:
        return plain, 1
    return (plain, 1) if holds_records(cells, delimiter) else (cells, span)

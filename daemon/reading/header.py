"""Headers: which row of a sample they are, weighed by what headers are against what records are."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from daemon.datasets import is_header
from daemon.errors import FileRefused, Refusal
from daemon.reading import totals
from daemon.reading.cells import form, is_typed

_WITHIN = 60
"""Rows among which the headers are looked for."""
_BELOW = 50
"""Rows below them with which they are compared."""
_MOSTLY, _ALIKE = 0.6, 0.9
_OURS, _KNOWN, _OVER_TYPED, _UNLIKE = 3.0, 2.0, 1.5, 0.5
_LIKE_TYPED, _AGAIN, _LIKE_CODES = -3.0, -1.5, -1.5
"""How much a cell speaks for its row being headers: a header of the profile's, a known word, text over numbers or dates, no
digits over codes; and against it: a number over numbers, what stands in its own column again, what is formed as the codes below.
"""
_FAINT, _CLOSE = 0.1, 0.85


class Judged(NamedTuple):
    """A row, counted from 1; how much it looks like headers, or could at most where another above it does more; how many of its
    cells are known words or the profile's headers.
    """

    row: int
    score: float
    known: int


def find(rows: Sequence[Sequence[str]], width: int, ours: Collection[str] = frozenset(), over: int = 1) -> int:
    """The row on which the headers begin in a sample of rows, counted from 1, of a file whose records have `width` cells; spread
    `over` so many rows.

    Raises FileRefused where none is, or two may be, with what they are.
    """
    judged = judge(rows, width, ours)
    if not judged:
        raise FileRefused(Refusal.EMPTY, "nothing_in_file")
    best = max(judged, key=lambda each: (each.score, -each.row))
    first = next((each for each in judged if _is_full(rows, each, width)), judged[0])
    if over > 1:
        return next(each.row for each in judged if each.row > best.row - over)
    if best.score <= _FAINT and best.row != first.row:
        best = first
    others = sum(_filled(row) > 0 for row in rows[best.row :])
    if best.score < 0 or (not best.known and best.score <= _FAINT and not _may_be(rows, best.row, others)):
        raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_headers", line=first.row, cells=shown(rows[first.row - 1]))
    best = next(each for each in judged if _folded(rows[each.row - 1]) == _folded(rows[best.row - 1]))
    record = next(
        (each for each in judged if each.row < best.row and each.score <= _LIKE_CODES / 2 and _is_full(rows, each, width)), None
    )
    if record:
        raise FileRefused(
            Refusal.SHAPE_UNCLEAR, "records_above", line=best.row, other_line=record.row, cells=shown(rows[record.row - 1])
        )
    rival = next((each for each in judged if each.row != best.row and _rivals(rows, best, each)), None)
    rival = rival or next((each for each in judged if _began_before(judged, rows, best, each, width)), None)
    if rival:
        cells = (shown(rows[min(best.row, rival.row) - 1]), shown(rows[max(best.row, rival.row) - 1]))
        lines = sorted((best.row, rival.row))
        raise FileRefused(
            Refusal.SHAPE_UNCLEAR, "two_headers", line=lines[0], cells=cells[0], other_line=lines[1], other_cells=cells[1]
        )
    return best.row


def known(rows: Sequence[Sequence[str]]) -> int:
    """How many cells of a row are words that files have for headers, at most."""
    return max((sum(is_header(cell) for cell in row) for row in rows[:_WITHIN] if not totals.may_be(row)), default=0)


def judge(rows: Sequence[Sequence[str]], width: int, ours: Collection[str] = frozenset()) -> list[Judged]:
    """The rows of a sample that may be headers, each with how much it looks like them."""
    folded = {header.casefold().strip() for header in ours}
    filled = (number for number, row in enumerate(rows, 1) if _filled(row) and not totals.may_be(row))
    judged: list[Judged] = []
    best = 0.0
    for number in islice(filled, _WITHIN):
        known, words = _words(rows[number - 1], folded)
        at_most = Judged(number, words / _filled(rows[number - 1]) + _OVER_TYPED, known)
        if at_most.score < _CLOSE * best:
            judged.append(at_most)  # what is below it need not be looked at
        else:
            judged.append(_judged(rows, number, width, known, words))
            best = max(best, judged[-1].score)
    return judged


def _words(row: Sequence[str], ours: Collection[str]) -> tuple[int, float]:
    """How many cells of a row are the profile's headers or known words, and how much that says."""
    cells = [stripped for cell in row if (stripped := cell.strip())]
    said = [_OURS if cell.casefold() in ours else _KNOWN for cell in cells if cell.casefold() in ours or is_header(cell)]
    return len(said), sum(said)


def _judged(rows: Sequence[Sequence[str]], number: int, width: int, known: int, words: float) -> Judged:
    row = rows[number - 1]
    below = [
        other
        for other in rows[number : number + _BELOW]
        if 2 * _filled(other) >= min(width, len(row)) and _folded(other) != _folded(row) and not _is_drawn(other)
    ]
    score, steps = words, _steps(row)
    for place, cell in enumerate(map(str.strip, row)):
        if not cell:
            continue
        values = [value for other in below if place < len(other) and (value := other[place].strip())]
        score += 0.0 if steps and is_typed(cell) else _beside(cell, values)
    if not known and not steps and any(map(is_typed, row)):
        score = min(score, 0.0)
    if not below and any(2 * _filled(other) >= width for other in rows[: number - 1]):
        score = min(score, _LIKE_CODES)
    share = min(1.0, _filled(row) / max(width - 1, 1))
    return Judged(number, score / max(_filled(row), 1) * share, known)


def _beside(cell: str, values: Sequence[str]) -> float:
    """What a cell's own column says of its being a header."""
    if not values:
        return _LIKE_CODES if is_typed(cell) else 0.0
    typed = sum(map(is_typed, values)) / len(values)
    if is_typed(cell):
        forms = Counter(form(value) for value in values)
        if form(cell) not in forms and max(forms.values()) >= _ALIKE * len(values):
            return _UNLIKE  # a year over amounts
        return _LIKE_TYPED if typed >= _MOSTLY else 0.0
    if typed >= _MOSTLY:
        return _OVER_TYPED
    if cell in values:
        return _AGAIN
    with_digits = sum(any(char.isdigit() for char in value) for value in values) / len(values)
    if with_digits >= _MOSTLY:
        alike = sum(form(value) == form(cell) for value in values) / len(values)
        return _LIKE_CODES if alike >= _MOSTLY else 0.0 if any(char.isdigit() for char in cell) else _UNLIKE
    return 0.0


def _steps(row: Sequence[str]) -> bool:
    """Whether the numbers of a row go up by steps, as years and months do."""
    numbers = [int(re.sub(r"[^0-9]", "", cell)) for cell in row if is_typed(cell) and re.search("[0-9]", cell)]
    return len(numbers) > 1 and all(0 < after - before <= 10_000 for before, after in pairwise(numbers)) and _are_days(row)


def _are_days(row: Sequence[str]) -> bool:
    """Whether all numbers of a row are years or dates, or spans of days."""
    forms = (r"(?:19|20)[0-9]{2}", r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?", r"[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}", r"[0-9]{1,3}")
    typed = [cell.strip() for cell in row if is_typed(cell)]
    return any(all(re.fullmatch(form, cell) for cell in typed) for form in forms)


def _may_be(rows: Sequence[Sequence[str]], number: int, below: int) -> bool:
    """Whether a row of which nothing speaks may be headers: of texts, each another, over texts."""
    cells = [cell.strip() for cell in rows[number - 1] if cell.strip()]
    return (not below or len(set(cells)) == len(rows[number - 1])) and not any(map(is_typed, cells))


def _rivals(rows: Sequence[Sequence[str]], best: Judged, other: Judged) -> bool:
    """Whether two rows look nearly as much like headers, and are not one header that comes again."""
    alike = _folded(rows[best.row - 1]) == _folded(rows[other.row - 1])
    return other.score > _FAINT and other.known > 1 and other.score >= _CLOSE * best.score and not alike


def _began_before(judged: Sequence[Judged], rows: Sequence[Sequence[str]], best: Judged, other: Judged, width: int) -> bool:
    """Whether a row above has as many known words, and records stand between the two: another table, or the same one printed with
    other headers from there on.
    """
    between = (each for each in judged if other.row < each.row < best.row)
    return other.known >= max(best.known, 2) and any(not each.known and _is_full(rows, each, width) for each in between)


def _is_drawn(row: Sequence[str]) -> bool:
    return all(re.fullmatch(r"[-=_*+]{2,}", cell.strip()) for cell in row if cell.strip())


def _folded(row: Sequence[str]) -> list[str]:
    cells = [cell.strip("\ufeff\f \t").casefold() for cell in row]
    return cells[: len(cells) - next((place for place, cell in enumerate(reversed(cells)) if cell), len(cells))]


def _is_full(rows: Sequence[Sequence[str]], each: Judged, width: int) -> bool:
    return 2 * _filled(rows[each.row - 1]) >= width


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def shown(row: Sequence[str]) -> str:
    """A row as people are shown it."""
    return " | ".join(cell.strip() for cell in row)[:120]

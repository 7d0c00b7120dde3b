"""Dates: text to a date by a pattern, and the order of day and month that a column proves."""

import datetime
import re
from collections.abc import Iterable
from functools import lru_cache

EARLIEST, LATEST = datetime.date(1900, 1, 1), datetime.date(2199, 12, 31)
"""Open items are not older or later; a year like 0201 or 12025 is a slip of the hand."""

ISO = "yyyy-mm-dd"
_PARTS = {"yyyy": r"(?P<y>\d{4})", "mm": r"(?P<m>\d{1,2})", "dd": r"(?P<d>\d{1,2})"}


def parse(text: str, pattern: str) -> datetime.date | None:
    """The date that `text` writes in the order of `pattern`, or None. Any of `- / . space` may stand for its separator.

    A time of day after it is left off: the date counts as written.
    """
    match = _expression(pattern).fullmatch(text)
    if match is None:
        return None
    try:
        date = datetime.date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    return date if EARLIEST <= date <= LATEST else None


@lru_cache
def _expression(pattern: str) -> re.Pattern[str]:
    separated = len(pattern) > 8
    parts = re.findall("yyyy|mm|dd", pattern)
    groups = [_PARTS[part] if separated else _PARTS[part].replace("{1,2}", "{2}") for part in parts]
    body = groups[0] + r"(?P<s>[-/. ])" + groups[1] + r"(?P=s)" + groups[2] if separated else "".join(groups)
    return re.compile(
        body + r"(?:[ T](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?)?", re.ASCII
    )


PROVABLE = ("dd/mm/yyyy", "mm/dd/yyyy", ISO, "yyyymmdd", "ddmmyyyy")


def fitting(text: str) -> frozenset[str]:
    """The patterns under which `text` is a date."""
    return frozenset(pattern for pattern in PROVABLE if parse(text, pattern))


def proven(readings: Iterable[frozenset[str]]) -> set[str]:
    """The patterns that a column's texts leave, each text given as those that fit it.

    One means proven. None: nothing in the column is a date. Several: each could be meant, or two are proven at once.
    """
    told = [reading for reading in readings if reading]
    sure = {pattern for reading in told if len(reading) == 1 for pattern in reading}
    return sure or (set(frozenset.intersection(*told)) or set(PROVABLE) if told else set())

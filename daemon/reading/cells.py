"""Cells: whether what is written is a number or a date, and how a code is formed."""

import re
from functools import lru_cache

_NUMBER = re.compile(r"[-+(]?\s*(?:[A-Z]{3}|[€$£¥])?\s*[-+]?[0-9][0-9.,'’\s]*\s*(?:[A-Z]{3}|[€$£¥%])?\s*\)?\s*[-+]?")
_DATE = re.compile(r"[0-9]{1,4}[-./ ][0-9]{1,2}[-./ ][0-9]{2,4}(?:[ T][0-9:.]+Z?)?|[0-9]{1,2}[-. ]?[^\W\d_]{3,9}[-. ]?[0-9]{2,4}")


@lru_cache(1 << 14)
def is_typed(cell: str) -> bool:
    """Whether a cell is written as a number or a date."""
    cell = cell.strip()
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


@lru_cache(1 << 14)
def form(value: str) -> str:
    """How a code is formed: `A-9` for `FR-00123`."""
    return re.sub(r"[^\W\d_]+", "A", re.sub(r"[0-9]+", "9", value))

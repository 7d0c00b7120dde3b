"""What a file looks like, where the profile does not say: kind, delimiter, the row of the headers."""

import csv
from collections import Counter
from collections.abc import Sequence

from daemon.errors import FileRefused, Refusal

_DELIMITERS = (";", "\t", ",", "|")


def kind(head: bytes) -> str:
    """`excel` for a workbook (a zip with one inside, or an OLE file), else `delimited`; by content, never by name."""
    if head.startswith(b"PK\x03\x04") and (
        b"[Content_Types].xml" in head or b"xl/" in head or b"_rels/" in head or b"docProps/" in head
    ):
        return "excel"
    return "excel" if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") else "delimited"


def delimiter(lines: list[str], quote: str) -> str:
    """The delimiter under which most rows agree in width. Raises FileRefused when none makes two columns."""
    votes = {}
    for candidate in _DELIMITERS:
        widths = Counter(len(row) for row in rows(lines, candidate, quote) if row)
        width, agreeing = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(0, 0))
        if width > 1:
            votes[candidate] = (agreeing, width)
    if not votes:
        if all(line.strip().isalnum() for line in lines if line.strip()):
            return ";"  # one column only: nothing to separate
        raise FileRefused(
            Refusal.SHAPE_UNCLEAR, "no delimiter of ; , | or tab makes columns of it; name it in [format] delimiter"
        )
    return max(votes, key=lambda candidate: votes[candidate])


def header_row(sample: Sequence[Sequence[str]]) -> int:
    """The row of the headers, counted from 1: the first as wide as most rows of the sample."""
    widths = Counter(len(row) for row in sample if any(cell.strip() for cell in row))
    if not widths:
        raise FileRefused(Refusal.EMPTY, "there is nothing in the file")
    most = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    return next(number for number, row in enumerate(sample, 1) if len(row) == most and any(cell.strip() for cell in row))


def rows(lines: list[str], delimiter: str, quote: str) -> list[list[str]]:
    """A sample of lines as cells, whatever is wrong with them; one row a line as far as quotes allow."""
    options = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    try:
        return list(csv.reader(lines, delimiter=delimiter, **options))
    except csv.Error:
        return [line.split(delimiter) for line in lines]


def unique(header: Sequence[str]) -> list[str]:
    """Headers trimmed and made different: those that are the same are numbered, `Name (1)`, `Name (2)`."""
    trimmed = [cell.strip() for cell in header]
    count, seen = Counter(trimmed), Counter[str]()
    names: list[str] = []
    for name in trimmed:
        numbered = name
        while (count[name] > 1 and numbered == name) or numbered in names:
            seen[name] += 1
            numbered = f"{name} ({seen[name]})"
        names.append(numbered)
    return names

"""What a file looks like, where the profile does not say: kind, delimiter, the row of the headers."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from daemon.errors import FileRefused, Refusal
from daemon.profiles import Format, Kind
from daemon.reading.records import Dialect

_DELIMITERS = ("||", ";", "\t", ",", "|", "~", "^", "¦", "§", "\x1f", "\x01")
_MARKUP = re.compile(rb"\s*(?:<\?xml|<!--|<[a-zA-Z!])")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|table|body|head|meta|style)\b", re.IGNORECASE)
_JSON = re.compile(rb'\s*(?:\{\s*(?:"|\})|\[\s*[\[{"\]])')
_RULE = re.compile(r"\s*[|+]?[-=]{3}[-=|+\s]*")
_RULER = re.compile(r"\s*-{2,}(?:\s+-{2,})+\s*")
_ONE_CELL = re.compile(r'\w+|"(?:[^"]|"")*"')
_SEPARATOR = re.compile(r"sep=(.{1,8})", re.IGNORECASE)


class Found(NamedTuple):
    """How delimited text is to be taken apart. `unnamed_last`: the headers end in a delimiter."""

    dialect: Dialect
    header_row: int
    unnamed_last: bool


def kind(head: bytes, declared: Kind | None) -> Kind:
    """What kind of file begins so; by content, never by name, and declared only where text may be of several kinds.

    Raises FileRefused for what is no table: XML, JSON, PDF.
    """
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
        return "excel"
    if head.startswith((b"%PDF-", b"{\\rtf")):
        raise FileRefused(Refusal.NOT_A_TABLE, "is_pdf" if head.startswith(b"%") else "is_rtf")
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    is_text, is_markup = declared not in (None, "excel", "html"), _MARKUP.match(plain)
    if not _HTML.search(plain) and (plain.lstrip().startswith(b"<?xml") or (is_markup and not is_text)):
        raise FileRefused(Refusal.NOT_A_TABLE, "is_xml")
    if _JSON.match(plain):
        raise FileRefused(Refusal.NOT_A_TABLE, "is_json")
    if declared is not None and is_text:
        return declared
    if is_markup:
        return "html"
    lines = [line for line in plain.decode("latin-1").splitlines() if line.strip()]
    rules = sum(is_rule(line) for line in lines)
    framed = sum(line.lstrip().startswith("|") and line.rstrip().endswith("|") and not is_rule(line) for line in lines)
    if rules and 2 * framed > len(lines) - rules:
        return "list"
    return "fixed_width" if any(ruler(line) for line in lines) else "delimited"


def ruler(line: str) -> list[tuple[int, int]]:
    """The columns that a line of dashes marks, from and to, counted from 0; none when it is no such line."""
    return [match.span() for match in re.finditer("-+", line)] if _RULER.fullmatch(line) else []


def is_rule(line: str) -> bool:
    """Whether a line is drawn, not written."""
    return bool(_RULE.fullmatch(line))


def delimited(lines: list[str], format: Format) -> Found:
    """How the first lines of a text are to be taken apart. Raises FileRefused when no delimiter makes columns of them."""
    quote = '"' if format.quote is None else format.quote
    comment = format.comment
    lines = ["" if comment and line.startswith(comment) else line for line in lines]
    declared = format.delimiter
    if separator := _SEPARATOR.fullmatch(lines[0]):
        declared, lines[0] = declared or separator[1], ""
    mark = declared or _delimiter(lines[(format.header_row or 1) - 1 :], quote)
    sample = rows(lines, mark, quote)
    filled = [row for row in sample if any(map(str.strip, row))]
    widths = Counter(map(len, filled))
    if not widths:
        raise FileRefused(Refusal.EMPTY, "nothing_in_file")
    usual = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    of_usual = [row for row in filled if len(row) == usual]
    trailing = usual > 1 and all(not row[-1].strip() for row in of_usual) and usual != len(format.header or ())
    width = usual - trailing
    trimmed = [row[:width] if len(row) == width + 1 and not row[-1].strip() else row for row in sample]
    row = 1 + bool(separator) if format.header else format.header_row or _header_row(trimmed, width)
    headers = sample[row - 1] if row <= len(sample) else []
    unnamed_last = trailing or (len(headers) == width + 1 and not headers[-1].strip())
    return Found(Dialect(mark, quote, format.escape, comment, trailing), row, unnamed_last)


def _delimiter(lines: list[str], quote: str) -> str:
    """The delimiter under which most rows agree in width."""
    votes = {}
    for candidate in _DELIMITERS:
        widths = Counter(len(row) for row in rows(lines, candidate, quote) if row)
        width, agreeing = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]), default=(0, 0))
        if width > 1:
            votes[candidate] = (agreeing, width)
    if votes.get("||", (0, 0))[0] < votes.get("|", (0, 0))[0]:
        votes.pop("||", None)  # single bars with empty cells between
    elif "||" in votes:
        votes.pop("|", None)
    if not votes:
        if all(_ONE_CELL.fullmatch(line.strip()) for line in lines if line.strip()):
            return ";"  # one column only: nothing to separate
        raise FileRefused(Refusal.SHAPE_UNCLEAR, "no_delimiter")
    return max(votes, key=lambda candidate: votes[candidate])


def _header_row(sample: Sequence[Sequence[str]], width: int) -> int:
    """The row of the headers, counted from 1: the first as wide as most that is not mostly blank, as titles are."""
    wide = [(number, row) for number, row in enumerate(sample, 1) if len(row) == width and any(map(str.strip, row))]
    return next((number for number, row in wide if _filled(row) >= max(min(width, 2), width / 2)), wide[0][0])


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def rows(lines: list[str], delimiter: str, quote: str) -> list[list[str]]:
    """A sample of lines as cells, whatever is wrong with them; one row a line as far as quotes allow."""
    if len(delimiter) > 1:
        return [[cell.strip(quote) for cell in line.split(delimiter)] if line else [] for line in lines]
    options = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    try:
        return list(csv.reader(lines, delimiter=delimiter, **options))
    except csv.Error:
        return [line.split(delimiter) for line in lines]


def stacked(rows: Sequence[Sequence[str]]) -> list[str]:
    """Headers that are spread over several rows, joined column by column."""
    width = max((len(row) for row in rows), default=0)
    return [" ".join(row[n].strip() for row in rows if n < len(row) and row[n].strip()) for n in range(width)]


def unique(header: Sequence[str]) -> list[str]:
    """Headers trimmed and made different: those that are the same are numbered, `Name (1)`, `Name (2)`."""
    trimmed = [cell.strip() for cell in header]
    count, seen = Counter(trimmed), Counter[str]()
    names: dict[str, None] = {}
    for name in trimmed:
        numbered = name
        while (count[name] > 1 and numbered == name) or numbered in names:
            seen[name] += 1
            numbered = f"{name} ({seen[name]})".strip()
        names[numbered] = None
    return list(names)

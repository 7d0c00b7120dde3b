"""What kind of file begins so, where the profile does not say; and what is no table at all."""

import re
from collections import Counter
from collections.abc import Sequence

from daemon.errors import FileRefused, Refusal
from daemon.profiles import Kind

_MARKUP = re.compile(rb"\s*(?:<\?xml|<!--|<[a-zA-Z!])")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|table|body|head|meta|style)\b", re.IGNORECASE)
_JSON = re.compile(rb'\s*(?:\{\s*(?:"|\})|\[\s*[\[{"\]])')
_NO_TABLES = {
    "is_pdf": re.compile(rb"%PDF-"),
    "is_rtf": re.compile(rb"\{\\rtf"),
    "is_sylk": re.compile(rb"ID;P"),
    "is_dif": re.compile(rb"TABLE\r?\n0,1\r?\n"),
    "is_mhtml": re.compile(rb"(?:[A-Za-z-]+: [^\n]*\n)*MIME-Version:", re.IGNORECASE),
}
_LOGIN = re.compile(rb"<input[^>]{0,300}type\s*=\s*[\"']?password", re.IGNORECASE)
_KEY_VALUE = re.compile(r"\s*(?:[^\W\d_][\w .()/-]{0,40}:\s+[^;\t|]*|:[0-9]{2}[A-Z]?:.*)")
_FLAT = re.compile(rb"urn:schemas-microsoft-com:office:spreadsheet|application/vnd\.oasis\.opendocument\.spreadsheet")
_DBF_VERSIONS = b"\x02\x03\x04\x05\x30\x31\x32\x43\x63\x83\x8b\x8c\x8e\xcb\xf5\xfb"
_RULE = re.compile(r"\s*[|+]?[-=]{3}[-=|+\s]*")
_RULER = re.compile(r"\s*-{2,}(?:\s+-{2,})+\s*")


def kind(head: bytes, declared: Kind | None) -> Kind:
    """What kind of file begins so; by content, never by name, and declared only where text may be of several kinds.

    Raises FileRefused for what is no table: XML, JSON, PDF.
    """
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) or is_dbf(head) or is_flat(head):
        return "excel"
    for what, begins in _NO_TABLES.items():
        if begins.match(head):
            raise FileRefused(Refusal.NOT_A_TABLE, what)
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    is_text, is_markup = declared not in (None, "excel", "html"), _MARKUP.match(plain)
    if not _HTML.search(plain) and (plain.lstrip().startswith(b"<?xml") or (is_markup and not is_text)):
        raise FileRefused(Refusal.NOT_A_TABLE, "is_xml")
    if _JSON.match(plain):
        raise FileRefused(Refusal.NOT_A_TABLE, "is_json")
    if declared is not None and is_text:
        return declared
    if is_markup:
        if _LOGIN.search(head):
            raise FileRefused(Refusal.NOT_A_TABLE, "is_login_page")
        return "html"
    lines = [line for line in plain.decode("latin-1").splitlines() if line.strip()]
    rules = sum(is_rule(line) for line in lines)
    framed = sum(line.lstrip().startswith("|") and line.rstrip().endswith("|") and not is_rule(line) for line in lines)
    if 2 * framed > len(lines) - rules and (rules or framed == len(lines)):
        return "list"
    if lines and sum(bool(_KEY_VALUE.fullmatch(line)) for line in lines) >= 0.8 * len(lines):
        raise FileRefused(Refusal.NOT_A_TABLE, "is_key_values")
    return "fixed_width" if any(ruler(line) for line in lines) else "delimited"


def is_flat(head: bytes) -> bool:
    """Whether a file is a spreadsheet in XML."""
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    return plain.startswith(b"<") and bool(_FLAT.search(plain))


def is_dbf(head: bytes) -> bool:
    """Whether a file is a dBASE table: its first bytes are a version, a date, and lengths that fit."""
    if len(head) < 66 or head[0] not in _DBF_VERSIONS or not (1 <= head[2] <= 12 and 1 <= head[3] <= 31):
        return False
    begins, length = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
    return begins > 64 and length > 1 and head[32 : begins + 1].find(b"\r") % 32 == 0


def ruler(line: str) -> list[tuple[int, int]]:
    """The columns that a line of dashes marks, from and to, counted from 0; none when it is no such line."""
    return [match.span() for match in re.finditer("-+", line)] if _RULER.fullmatch(line) else []


def is_rule(line: str) -> bool:
    """Whether a line is drawn, not written."""
    return bool(_RULE.fullmatch(line))


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

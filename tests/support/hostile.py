"""Files and names that are meant to do harm: each small, each with what is to become of it."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

import openpyxl

HEADER = b"Code;Name;City;Limit\n"


class Hostile(NamedTuple):
    """A file: its name's end, its bytes, and the outcomes that are right: a run's state, with its code if it was refused."""

    suffix: str
    content: bytes
    outcomes: frozenset[tuple[str, str | None]]


UNREADABLE = frozenset({("refused", "unreadable")})
NO_TABLE = frozenset({("refused", code) for code in ("unreadable", "not_a_table", "empty", "shape_unclear", "column_missing")})
TAKEN_OR_NOT = NO_TABLE | {("imported", None), ("held", None), ("refused", "too_many_rejected"), ("refused", "encoding_unknown")}


def files() -> Iterator[tuple[str, Hostile]]:
    """Each hostile file, with what it tries."""
    sheet, kinds = "xl/worksheets/sheet1.xml", "[Content_Types].xml"
    yield (
        "comment without an end in XML",
        Hostile("xlsx", _book({sheet: b"<?xml version='1.0'?><worksheet><!--" + b"-" * 900_000}), NO_TABLE),
    )
    yield "comment of dashes", Hostile("xml", b"<?xml version='1.0'?><a><!--" + b"- " * 400_000, NO_TABLE)
    yield "comment without an end in a page", Hostile("xls", b"<html><table><tr><td>" + b"<!-- " * 180_000, NO_TABLE)
    yield "rowspan of a billion", Hostile("xls", _page(b"<tr><td rowspan=999999999 colspan=999999>x</td></tr>"), NO_TABLE)
    yield "tables in tables", Hostile("xls", b"<html>" + b"<table><tr><td>" * 60_000, NO_TABLE)
    yield "entities of entities", Hostile("xlsx", _book({sheet: _bomb()}), NO_TABLE)
    yield "an entity from the disk", Hostile("xlsx", _book({sheet: _outside(b"file:///etc/passwd")}), NO_TABLE)
    yield "an entity from the network", Hostile("xlsx", _book({sheet: _outside(b"http://127.0.0.1:9/x")}), NO_TABLE)
    yield "a zip that unpacks to much", Hostile("zip", _zip({"customers.csv": b"0" * (100 << 20)}), UNREADABLE)
    yield (
        "a zip in a zip in a zip",
        Hostile(
            "zip", _zip({"a.zip": _zip({"b.zip": _zip({"customers.csv": HEADER})})}), NO_TABLE | {("refused", "member_unclear")}
        ),
    )
    yield (
        "a zip with a way out",
        Hostile(
            "zip", _zip({"../../customers.csv": HEADER + b"C1;Out;Paris;\n"}), TAKEN_OR_NOT | {("refused", "member_unclear")}
        ),
    )
    yield (
        "a zip of a hundred thousand",
        Hostile("zip", _zip({f"{n}.csv": b"" for n in range(8000)}), UNREADABLE | {("refused", "member_unclear")}),
    )
    yield "gzip that unpacks to much", Hostile("csv.gz", gzip.compress(b"0" * (100 << 20), 9), UNREADABLE)
    yield "a sheet with far corners", Hostile("xlsx", _corners(), UNREADABLE)
    yield "half a workbook", Hostile("xlsx", _book({})[:3000], UNREADABLE)
    yield "a workbook without a sheet", Hostile("xlsx", _zip({kinds: b"<Types/>"}), NO_TABLE)
    yield (
        "strings by the million",
        Hostile("xlsx", _book({"xl/sharedStrings.xml": b"<sst>" + b"<si><t>x</t></si>" * 50_000}), TAKEN_OR_NOT),
    )
    yield (
        "a quote that never closes",
        Hostile("csv", HEADER + b'C1;"Martin;Paris;\n' + (b"C2;" + b"Dupont " * 20 + b";Lyon;\n") * 140_000, TAKEN_OR_NOT),
    )
    yield "one line without an end", Hostile("csv", HEADER + b"C1;" + b"x" * 900_000, TAKEN_OR_NOT)
    yield "a million columns", Hostile("csv", b";" * 900_000 + b"\n", NO_TABLE)
    yield "NUL upon NUL", Hostile("csv", HEADER + b"C1;\0\0\0;Paris;\n" * 20_000, TAKEN_OR_NOT)
    yield "COPY's own end", Hostile("csv", HEADER + b"C1;Martin;Paris;\n\\.\nC2;Dupont;Lyon;\n", TAKEN_OR_NOT)
    yield "statements", Hostile("csv", HEADER + b"C1;'); DROP TABLE ar.customer; --;Paris;\n", frozenset({("imported", None)}))
    yield "a template of ours", Hostile("csv", HEADER + b"C1;{{ 7 * 7 }}<script>alert(1)</script>;31;x\n", TAKEN_OR_NOT)
    yield "nothing", Hostile("csv", b"", frozenset({("refused", "empty")}))
    yield "a page of random bytes", Hostile("csv", bytes(range(256)) * 3000, TAKEN_OR_NOT)
    yield "letters that change direction", Hostile("csv", HEADER + "C1;\u202egnp.exe;\u2028;\n".encode(), TAKEN_OR_NOT)
    yield "an OLE file of nothing", Hostile("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 60_000, UNREADABLE)
    yield "a dBase file that lies", Hostile("dbf", b"\x03\x7a\x01\x01\xff\xff\xff\x7f\x41\x00\x20\x00" + b"\0" * 60_000, NO_TABLE)


def names() -> list[str]:
    """Names that act on paths, shells, logs, mails, terminals, pages, databases; each ends so that a profile claims it."""
    hostile = [
        "-rf", "--help", "$(reboot)", "`reboot`", "; rm -rf ~", "| cat", "&& true", "%s%n%x", "{0.__class__}", "{{ 7*7 }}",
        "<script>alert(1)<script>", "'; DROP TABLE ar.customer; --", '"quoted"', "new\nline", "carriage\rreturn", "tab\there",
        "\x1b[31mred\x1b[0m", "bell\x07", "\x7fdelete", "\u202egnp", "\u2028separator", "\u200bnothing", "\ufeffmark",
        "Bcc: everybody@example.com\r\nSubject: x", "=?utf-8?q?subject?=", "....", "..", "~", "*", "[a-z]", "?", "#", "%2e%2e%2f",
        "a" * 240, "é" * 100, "\u00e9\u0065\u0301", "名前", "con", "nul.", " leading and trailing ",
    ]  # fmt: skip
    return [f"{name}.csv" for name in hostile]


def _book(parts: dict[str, bytes]) -> bytes:
    """A workbook with some of its parts put in the place of good ones."""
    out = io.BytesIO()
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Code", "Name", "City", "Limit"])
    book.active.append(["C1", "Martin", "Paris", ""])
    book.save(out)
    with zipfile.ZipFile(out) as made:
        return _zip({name: made.read(name) for name in made.namelist()} | parts)


def _corners() -> bytes:
    out = io.BytesIO()
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"], book.active["XFD1048576"] = 1, 1
    book.save(out)
    return out.getvalue()


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _page(rows: bytes) -> bytes:
    return b"<html><table><tr><th>Code</th><th>Name</th></tr>" + rows + b"</table></html>"


def _bomb() -> bytes:
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    return (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "x">'
        + entities
        + b"]><worksheet><sheetData>&e11;</sheetData></worksheet>"
    )


def _outside(where: bytes) -> bytes:
    return (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "' + where + b'">]>'
        b'<worksheet><sheetData><row><c t="str"><v>&e;</v></c></row></sheetData></worksheet>'
    )

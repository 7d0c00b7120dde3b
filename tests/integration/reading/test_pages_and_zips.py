"""HTML under whatever name, gzip and zip: opened in the sandbox, read whole, refused within limits."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import TryLater
from daemon.reading import read, sandbox, source
from daemon.settings import Sandbox
from tests.support.refusals import refused
from tests.support.tables import TWO, table


def test_a_page_under_the_name_of_a_workbook_is_read(tmp_path: Path) -> None:
    """`.xls` that is HTML: the longest table, its entities, spans and inner line breaks; layout tables are passed over."""
    page = """<html><head><meta charset="cp1252"></head><body><table><tr><td>logo</td></tr></table>
    <table border=1><tr><th>Code<th>Name</th><th>Amount</tr><tr><td rowspan=2>007</td><td>M&uuml;ller<br>AG</td><td>1.200,00</td></tr>
    <tr><td>Société &amp; Cie</td><td>-5,00</td></tr></table></body></html>"""
    header, rows, *_ = table(page.encode("cp1252"), tmp_path, "export.xls")
    assert header == ["Code", "Name", "Amount"]
    assert rows == [[2, "007", "Müller AG", "1.200,00"], [3, "007", "Société & Cie", "-5,00"]]


def page(*tables: str) -> str:
    return "<html><body>" + "".join(f"<table>{rows}</table>" for rows in tables) + "</body></html>"


def row(*cells: str) -> str:
    return "<tr>" + "".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in cells) + "</tr>"


def test_spans_of_rows_and_columns_keep_every_cell_in_its_column(tmp_path: Path) -> None:
    """A block that hangs down, below short rows and to the table's end too, moves nothing aside."""
    header = row("Code", "X", "Amt", "Rem")
    spanned = page(header + row("<td rowspan=2 colspan=2>A</td>", "1", "5") + row("2", "6") + row("B", "x", "3", "7"))
    assert table(spanned, tmp_path, "p.html")[1] == [[2, "A", "", "1", "5"], [3, "A", "", "2", "6"], [4, "B", "x", "3", "7"]]
    hanging = page(header + row("A", "x", "1", "<td rowspan=0>EUR</td>") + row("B") + row("C", "z", "2"))
    assert table(hanging, tmp_path, "p.html")[1] == [
        [2, "A", "x", "1", "EUR"],
        [3, "B", "", "", "EUR"],
        [4, "C", "z", "2", "EUR"],
    ]


def test_a_page_of_several_tables_loses_none(tmp_path: Path) -> None:
    """Tables with the same headers are one; of others the profile says which; a page that was cut is refused."""
    head = row("Code", "Amt")
    assert len(table(page(head + row("A", "1"), head + row("B", "2") + row("C", "3")), tmp_path, "p.html")[1]) == 3
    two = page(head + row("A", "1"), row("Name", "Town") + row("x", "y"))
    with refused("sheet_missing: the page holds 2 tables"):
        table(two, tmp_path, "p.html")
    assert table(two, tmp_path, "p.html", sheet=2)[0] == ["Name", "Town"]
    with refused("unreadable: the page is cut short"):
        table(page(head + row("A", "1")).partition("</table>")[0], tmp_path, "p.html")


CSV = "a;b\n1;x\n2;y\n"


def zipped(**members: str | bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_dot_", "."), text)
    return content.getvalue()


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    """A gzip, also of several parts, and a zip with one file in it are what they hold."""
    assert table(gzip.compress(CSV.encode()), tmp_path)[1] == TWO
    assert table(gzip.compress(b"a;b\n1;x\n") + gzip.compress(b"2;y\n"), tmp_path)[1] == TWO
    assert table(zipped(items_dot_csv=CSV), tmp_path)[1] == TWO


def test_of_several_files_in_a_zip_one_must_be_named(tmp_path: Path) -> None:
    """By its name or a pattern."""
    content = zipped(items_dot_csv=CSV, notes_dot_txt="hello")
    with refused(r"member_unclear: the zip holds 2 files: items\.csv, notes\.txt"):
        table(content, tmp_path)
    assert table(content, tmp_path, member="*.csv")[1] == TWO


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        (gzip.compress(bytes(30 << 20)), Sandbox(ratio=10)),
        (gzip.compress(bytes(3 << 20)), Sandbox(unpacked_mb=2)),
        (zipped(a=bytes(30 << 20)), Sandbox(ratio=10)),
        (zipped(**{f"m{n}": "" for n in range(20)}), Sandbox(entries=10)),
        (gzip.compress(b"a;b\n" * 9999)[:-20], Sandbox()),
        (zipped(a="a;b\n" * 999)[:-30], Sandbox()),
    ],
    ids=["gzip by ratio", "gzip by size", "zip by ratio", "zip by entries", "gzip cut short", "zip cut short"],
)
def test_bombs_and_broken_zips_are_refused(content: bytes, limits: Sandbox, tmp_path: Path) -> None:
    """What unpacks to too much, holds too many files or is cut short costs a refusal."""
    path = tmp_path / "bomb"
    path.write_bytes(content)
    with refused("unreadable"):
        list(read(path, None, limits))


def test_what_cannot_be_read_to_its_end_is_tried_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails in the middle of a page makes no shorter page."""
    (tmp_path / "p.html").write_text(page(row("a", "b") + row("1", "2") * 100_000))
    real = source.open_bytes

    class Failing:
        def __init__(self, file: Any) -> None:
            self.file, self.reads = file, 0

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise OSError(5, "Input/output error")
            content: bytes = self.file.read(size)
            return content

    @contextmanager
    def failing(path: Path) -> Iterator[Any]:
        with real(path) as file:
            yield Failing(file)

    monkeypatch.setattr(sandbox, "open_bytes", failing)
    with pytest.raises(TryLater, match="Input/output error"):
        list(read(tmp_path / "p.html"))

"""What is wrong with workbooks: cells without a value, locks, bombs, limits; and the process that bears it."""

import datetime
import os
import re
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import psutil
import pytest
import xlwt
from xlwt.CompoundDoc import XlsDoc

from daemon.model import Batch
from daemon.reading import read, sandbox
from daemon.sandboxed.unknown import unknown_cells
from daemon.settings import Sandbox
from tests.support.refusals import refused
from tests.support.workbooks import frame, rewrite, workbook


@pytest.mark.parametrize(("cell", "shown"), [("=1+1", "=1+1"), ("#REF!", "#REF!"), ("#N/A", "#N/A")])
def test_cells_without_a_value_are_not_blank(tmp_path: Path, cell: str, shown: str) -> None:
    """Formulas that nobody calculated and error cells are shown as what they are, and marked."""
    (batch,) = read(workbook(tmp_path, [["a", "b"], ["1", cell], ["2", "x"]]))
    assert isinstance(batch, Batch)
    assert batch.errors is not None
    assert batch.frame["b"].tolist() == [shown, "x"]
    assert batch.errors["b"].tolist() == [True, False]


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    """A workbook cut short is a refusal with a reason."""
    path = workbook(tmp_path, [["a", "b"], ["1", "2"]])
    path.write_bytes(path.read_bytes()[:2000])
    with refused("unreadable"):
        read(path)


def test_a_workbook_that_kills_its_reader_is_refused(tmp_path: Path) -> None:
    """A sheet with a cell in each far corner, which aborts the parser, costs the child process and nothing else."""
    path = workbook(tmp_path, [["a"]])
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    book.active["XFD1048576"] = 1
    book.save(path)
    with refused("unreadable: (?:it could not be opened within|its library cannot read)"):
        list(read(path, None, Sandbox(memory_mb=512)))


def test_the_child_that_opens_workbooks_has_no_network_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    """The process that parses a workbook has an empty environment and may open nothing: no file, no socket."""
    monkeypatch.setenv("NIGHTPORTER_DATABASE_URL", "secret")
    held, children = threading.Event(), psutil.Process().children
    before = children()
    monkeypatch.setattr(sandbox, "_feed", lambda path, process: held.wait(60) and process.stdin.close())
    with ThreadPoolExecutor(1) as thread:
        task = sandbox.rows(tmp_path, Sandbox(), "workbook.sheet", wanted=None, area=None, headers=[])
        reading = thread.submit(list, task)
        child = eventually(lambda: next((c for c in children() if c not in before and "daemon.sandboxed" in c.cmdline()), None))
        assert eventually(lambda: child.rlimit(psutil.RLIMIT_NOFILE) == (0, 0))
        assert child.environ() == {}
        held.set()
        with refused("unreadable"):
            reading.result()


def test_a_wrong_dimension_and_blank_formulas_hide_no_cells(tmp_path: Path) -> None:
    """A sheet that says it is smaller than it is, and a formula whose result is an empty text."""
    path = workbook(tmp_path, [["a", "b"], ["1", "2"], ["3", "?"]])

    def tampered(text: bytes) -> bytes:
        text = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', text)
        blank = b'<c r="B3" t="str"><f>IF(A3="","x","")</f><v></v></c>'
        return re.sub(rb'<c r="B3"[^>]*>.*?</c>', blank, text)

    rewrite(path, "xl/worksheets/sheet1.xml", tampered)
    assert frame(path) == (["a", "b"], [[2, "1", "2"], [3, "3", ""]])


def test_an_old_workbook_is_read_and_its_errors_are_seen(tmp_path: Path) -> None:
    """`.xls`: texts, numbers, dates; an error cell is marked, for a blank would be a guess."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Items")
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    rows: list[list[object]] = [
        ["Code", "Amount", "Due"],
        ["007", 12.5, datetime.date(2024, 3, 1)],
        ["8", 7, datetime.date(2024, 3, 2)],
    ]
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell, *([day] if isinstance(cell, datetime.date) else []))
    sheet.row(3).write(0, "9")
    sheet.row(3).set_cell_error(1, 0x17)
    book.save(tmp_path / "old.xls")
    (batch,) = read(tmp_path / "old.xls")
    assert isinstance(batch, Batch)
    assert batch.errors is not None
    assert batch.frame["Due"].tolist() == ["2024-03-01", "2024-03-02", ""]
    assert batch.frame["Amount"].tolist() == ["12.5", "7", "#REF!"]
    assert batch.errors["Amount"].tolist() == [False, False, True]


def test_an_open_document_is_read_and_its_errors_are_seen(tmp_path: Path) -> None:
    """`.ods`: typed dates and amounts, repeated cells, an error."""
    cells = """<table:table-row><table:table-cell office:value-type="string"><text:p>Code</text:p></table:table-cell>
    <table:table-cell office:value-type="string"><text:p>Due</text:p></table:table-cell><table:table-cell office:value-type="string">
    <text:p>Amount</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell office:value-type="string">
    <text:p>007</text:p></table:table-cell><table:table-cell office:value-type="date" office:date-value="2024-03-01"><text:p>01.03.24</text:p>
    </table:table-cell><table:table-cell office:value-type="float" office:value="12.5"><text:p>12,50</text:p></table:table-cell>
    </table:table-row><table:table-row><table:table-cell office:value-type="string" table:number-columns-repeated="2"><text:p>8</text:p>
    </table:table-cell><table:table-cell table:formula="of:=1/0" office:value-type="string" calcext:value-type="error">
    <text:p>#DIV/0!</text:p></table:table-cell></table:table-row>"""
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    content = f"""<?xml version="1.0"?><office:document-content {spaces} xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">
    <office:body><office:spreadsheet><table:table table:name="S">{cells}</table:table></office:spreadsheet></office:body></office:document-content>"""
    with zipfile.ZipFile(tmp_path / "book.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", re.sub(r"\n\s*", "", content))
    (batch,) = read(tmp_path / "book.ods")
    assert isinstance(batch, Batch)
    assert batch.errors is not None
    assert batch.frame.to_numpy().tolist() == [["007", "2024-03-01", "12.5"], ["8", "8", "#DIV/0!"]]
    assert batch.errors["Amount"].tolist() == [False, True]


def test_a_binary_workbooks_errors_are_seen(tmp_path: Path) -> None:
    """`.xlsb`: of the records of a sheet those that are errors, in cells and in formulas, are found with their place."""

    def record(kind: int, content: bytes) -> bytes:
        size = len(content)
        numbers = [bytes([n]) if n < 0x80 else bytes([n & 0x7F | 0x80, n >> 7]) for n in (kind, size)]
        return b"".join(numbers) + content

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    row, cell = struct.Struct("<I13x"), struct.Struct("<II")
    part = b"".join([
        record(0, row.pack(4)), record(5, cell.pack(0, 0) + struct.pack("<d", 1.5)), record(3, cell.pack(2, 0) + b"\x2a"),
        record(0, row.pack(300)), record(6, bytes(200)), record(11, cell.pack(1, 0) + b"\x07" + bytes(6)),
    ])  # fmt: skip
    book = tmp_path / "book.xlsb"
    with zipfile.ZipFile(book, "w") as archive:
        sheets = [struct.pack("<II", 0, n) + text(f"rId{n}") + text(f"Sheet{n}") for n in (7, 3)]
        archive.writestr("xl/workbook.bin", b"".join(record(156, sheet) for sheet in sheets))
        links = '<Relationship Id="rId7" Target="worksheets/sheet2.bin"/><Relationship Id="rId3" Target="worksheets/sheet1.bin"/>'
        archive.writestr("xl/_rels/workbook.bin.rels", f"<Relationships>{links}</Relationships>")
        archive.writestr("xl/worksheets/sheet1.bin", part)
        archive.writestr("xl/worksheets/sheet2.bin", b"")
    assert unknown_cells(book.read_bytes(), "Sheet7", 0).unknown == {}
    assert unknown_cells(book.read_bytes(), "Sheet3", 1).unknown == {(4, 2): "#N/A", (300, 1): "#DIV/0!"}


def test_a_locked_workbook_says_so(tmp_path: Path) -> None:
    """One that is encrypted is refused for its password, not for being broken."""
    path = tmp_path / "locked.xlsx"
    XlsDoc().save(str(path), bytes(5000))
    content, name = bytearray(path.read_bytes()), "EncryptedPackage\0".encode("utf-16-le")
    at = content.index("Workbook".encode("utf-16-le"))
    content[at : at + 66] = name.ljust(64, b"\0") + struct.pack("<H", len(name))
    path.write_bytes(content)
    with refused(r"unreadable: .*(password|encrypted|Password)"):
        read(path)


@pytest.mark.parametrize("limits", [Sandbox(cells=10), Sandbox(unpacked_mb=1), Sandbox(entries=3)])
def test_a_workbook_beyond_the_limits_is_refused(limits: Sandbox, tmp_path: Path) -> None:
    """Cells, unpacked size and entries are bounded by the settings."""
    path = workbook(tmp_path, [["a", "b"], *([str(n), "x" * 30] for n in range(30_000))])
    with refused("unreadable"):
        list(read(path, None, limits))


def test_an_xml_bomb_in_a_workbook_is_refused(tmp_path: Path) -> None:
    """Entities that multiply, or that point at files, come to nothing."""
    path = workbook(tmp_path, [["a", "b"], ["1", "2"]])
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 50) for n in range(1, 8))
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "aaaa">' + entities + b"]>"
    rewrite(path, "xl/workbook.xml", lambda text: bomb + text.replace(b'name="Sheet"', b'name="&e7;"').partition(b"?>")[2])
    with refused(r"unreadable|sheet_missing"):
        list(read(path))


def test_prefixed_names_hide_no_formula_and_no_error(tmp_path: Path) -> None:
    """Some programs write `<x:c>` for `<c>`; a text that looks like the mark of an error is a text."""
    path = workbook(tmp_path, [["a", "b"], ["1", "=1+1"], ["2", "#REF!"], ["3", 'see t="e" here']])

    def prefixed(text: bytes) -> bytes:
        text = re.sub(rb"<(/?)(worksheet|sheetData|row|c|f|v|is|t)\b", rb"<\1x:\2", text)
        return text.replace(b'xmlns="http://schemas.openxmlformats', b'xmlns:x="http://schemas.openxmlformats')

    rewrite(path, "xl/worksheets/sheet1.xml", prefixed)
    (batch,) = read(path)
    assert isinstance(batch, Batch)
    assert batch.errors is not None
    assert batch.frame["b"].tolist() == ["=1+1", "#REF!", 'see t="e" here']
    assert batch.errors["b"].tolist() == [True, True, False]


def test_a_column_of_errors_is_read_in_good_time(tmp_path: Path) -> None:
    """Thirty thousand cells that hold an error cost seconds of the sandbox's clock, not minutes."""
    path = workbook(tmp_path, [["a", "b"], *([n, "#N/A"] for n in range(30_000))])
    errors = [item.errors for item in read(path, None, Sandbox(cpu_seconds=20)) if isinstance(item, Batch)]
    assert sum(int(each["b"].sum()) for each in errors if each is not None) == 30_000


def test_formulas_hide_in_no_way_of_writing_them(tmp_path: Path) -> None:
    """Single quotes, CDATA, an empty value: what was never calculated is seen; a cell that says no place is refused."""
    path = workbook(tmp_path, [["a", "b"], ["1", "=1+1"]])
    cells = [b"<c r='B2'><f><![CDATA[1+1]]></f></c>", b'<c r="B2"><v/><f>1+1</f></c>', b'<c r="B2"><f>1+1</f><v> </v></c>']
    for cell in cells:
        rewrite(path, "xl/worksheets/sheet1.xml", lambda text, cell=cell: re.sub(rb"<c r=.B2.[^>]*>.*?</c>", cell, text))  # type: ignore[misc]
        (batch,) = read(path)
        assert isinstance(batch, Batch)
        assert batch.errors is not None
        assert batch.frame["b"].tolist() == ["=1+1"]
    rewrite(path, "xl/worksheets/sheet1.xml", lambda text: text.replace(b'<c r="B2">', b"<c>"))
    with refused("cells without a value that do not say where they are"):
        read(path)


def test_pages_made_to_take_long_are_refused(tmp_path: Path) -> None:
    """Comments that are never closed, and cells that hang down over all others, end with a name in the time that their size allows."""
    path = tmp_path / "page.xls"
    path.write_text("<table><tr><td>a<td>b</tr><!--" + "<tr><td>1<td>2</tr><!--" * 40_000)
    with refused("unreadable: "):
        read(path)
    path.write_text("<table><tr><td>a<td>b</tr>" + "<tr><td rowspan=0>1<td rowspan=99999>2</tr>" * 20_000 + "</table>")
    with refused("unreadable: "):
        read(path)


def test_the_time_that_a_file_may_take_follows_its_size() -> None:
    """Two seconds of reckoning, and one for each megabyte, sixty at most; unless the settings say so many."""
    assert [Sandbox().for_size(mb << 20).cpu_seconds for mb in (0, 5, 500)] == [2, 7, 60]
    assert Sandbox(cpu_seconds=9).for_size(0).cpu_seconds == 9


CALLS = {
    "unlink": "os.unlink(victim)",
    "rename": "os.rename(victim, victim + 'x')",
    "chmod": "os.chmod(victim, 0o777)",
    "truncate": "os.truncate(victim, 0)",
    "mkdir": "os.mkdir(victim + 'd')",
    "link": "os.link(victim, victim + 'l')",
    "symlink": "os.symlink(victim, victim + 's')",
    "utime": "os.utime(victim)",
    "chown": "os.chown(victim, 0, 0)",
    "fork": "os.fork()",
    "exec": "os.execv('/bin/true', ['true'])",
    "kill": "os.kill(parent, 0)",
    "socket": "socket.socket()",
    "open": "os.open(victim, os.O_RDONLY)",
    "memfd": "os.memfd_create('x')",
    "pidfd": "os.pidfd_open(parent)",
    "chroot": "os.chroot('/')",
    "setuid": "os.setuid(0)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_parser_that_is_taken_over_can_do_nothing(call: str, tmp_path: Path) -> None:
    """Whatever call it makes that is not for reading the file at hand, the kernel refuses; threads it may have."""
    victim = tmp_path / "victim"
    victim.write_text("here")
    program = (
        "import os, socket, threading\nfrom daemon.sandboxed import __main__ as child, confine\n"
        f"victim, parent = {str(victim)!r}, {os.getpid()}\nconfine.apart()\n"
        "child._limit({'memory_mb': 2048, 'cpu_seconds': 5})\n"
        "thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()\n"
        f"try:\n    {call}\nexcept OSError as error:\n    print('refused', error.errno)\nelse:\n    print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:1] == ["thread"], done.stderr
    assert done.stdout.splitlines()[1].startswith("refused"), done.stdout
    assert victim.read_text() == "here"


def test_check_says_what_the_parser_is_kept_from() -> None:
    """Which of the kernel's means are in force here."""
    assert "seccomp" in sandbox.confinement(Sandbox())

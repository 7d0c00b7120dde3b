"""Workbooks: opened in a child process, read as rows of text, refused when they cannot be."""

import datetime
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import psutil
import pytest

from daemon.errors import FileRefused
from daemon.model import Batch, Rejection
from daemon.reading import read, sandbox
from daemon.settings import Sandbox
from daemon.shape import Format


def workbook(tmp_path: Path, rows: list[list[Any]], **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_a_workbook_is_rows_of_text_with_its_own_line_numbers(tmp_path: Path) -> None:
    """True dates and numbers come as canonical text and are marked; titles, blank rows and surplus cells are told apart."""
    rows: list[list[Any]] = [["Open items"], ["Code", "Amount", "Date"], ["007", 4.35 * 100, datetime.date(2024, 3, 1)], [],
                             ["x", "1,5", "31/12/2024", "surplus"], [8, True, "2"], [9, 1e15, ""]]  # fmt: skip
    reader = read(workbook(tmp_path, rows))
    rejected, batch = list(reader)
    assert isinstance(batch, Batch)
    assert isinstance(rejected, Rejection)
    assert batch.typed is not None
    assert reader.header == ["Code", "Amount", "Date"]
    assert [list(row) for row in batch.frame.itertuples(name=None)] == [
        [3, "007", "435", "2024-03-01"], [6, "8", "true", "2"], [7, "9", "1000000000000000", ""],
    ]  # fmt: skip
    assert batch.typed.loc[3].tolist() == [False, True, True]
    assert (rejected.line, str(rejected.reasons[0].code), reader.ignored) == (5, "too_many_cells", 1)


def test_the_sheet_is_named_or_the_only_one(tmp_path: Path) -> None:
    """Two filled sheets are a question, answered by name or number."""
    path = workbook(tmp_path, [["a", "b"], ["1", "2"]], Other=[["c", "d"], ["3", "4"]])
    with pytest.raises(FileRefused, match="sheet_missing: several sheets hold something: Sheet, Other"):
        read(path)
    assert read(path, Format(sheet="Other")).header == ["c", "d"]
    assert read(path, Format(sheet=1)).header == ["a", "b"]
    with pytest.raises(FileRefused, match="sheet_missing: no sheet Third; there are: Sheet, Other"):
        read(path, Format(sheet="Third"))


@pytest.mark.parametrize(("cell", "shown"), [("=1+1", "=1+1"), ("#REF!", "#REF!"), ("#N/A", "#N/A")])
def test_cells_without_a_value_are_not_blank(tmp_path: Path, cell: str, shown: str) -> None:
    """Formulas that nobody calculated and error cells are shown as what they are, and marked."""
    (batch,) = read(workbook(tmp_path, [["a", "b"], ["1", cell], ["2", "x"]]))
    assert isinstance(batch, Batch)
    assert batch.errors is not None
    assert batch.frame["b"].tolist() == [shown, "x"]
    assert batch.errors["b"].tolist() == [True, False]


def test_a_table_far_down_a_sheet_is_found(tmp_path: Path) -> None:
    """Sixty blank rows above the headers do no harm; a header row beyond the sheet's end is a refusal."""
    path = workbook(tmp_path, [[]] * 60 + [["a", "b"], ["1", "2"]])
    assert read(path).header == ["a", "b"]
    with pytest.raises(FileRefused, match="shape_unclear"):
        read(path, Format(header_row=99))


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    """A workbook cut short is a refusal with a reason."""
    path = workbook(tmp_path, [["a", "b"], ["1", "2"]])
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(FileRefused, match="unreadable"):
        read(path)


def test_a_workbook_that_kills_its_reader_is_refused(tmp_path: Path) -> None:
    """A sheet with a cell in each far corner, which aborts the parser, costs the child process and nothing else."""
    path = workbook(tmp_path, [["a"]])
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    book.active["XFD1048576"] = 1
    book.save(path)
    with pytest.raises(FileRefused, match="unreadable: it could not be opened within"):
        list(read(path, None, Sandbox(memory_mb=512)))


def test_the_child_that_opens_workbooks_has_no_network_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., Any]
) -> None:
    """The process that parses a workbook has an empty environment and may open nothing: no file, no socket."""
    monkeypatch.setenv("NIGHTPORTER_DATABASE_URL", "secret")
    held = threading.Event()
    monkeypatch.setattr(sandbox, "_feed", lambda path, process: held.wait(60) and process.stdin.close())
    with ThreadPoolExecutor(1) as thread:
        task = sandbox.rows(tmp_path, Sandbox(), "workbook.sheet", wanted=None, area=None)
        reading = thread.submit(list, task)
        children = psutil.Process().children
        child = eventually(lambda: next((c for c in children() if "daemon.sandboxed" in c.cmdline()), None))
        assert eventually(lambda: child.rlimit(psutil.RLIMIT_NOFILE) == (0, 0))
        assert child.environ() == {}
        held.set()
        with pytest.raises(FileRefused, match="unreadable"):
            reading.result()

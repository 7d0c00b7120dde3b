"""Workbooks: opened in a child process, read as rows of text."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from daemon.model import Batch, Rejection
from daemon.profiles.format import Format
from daemon.reading import read
from tests.support.refusals import refused
from tests.support.workbooks import frame, workbook


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
    assert batch.typed.to_numpy()[0].tolist() == [False, True, True]
    assert (rejected.line, str(rejected.reasons[0].code), reader.ignored) == (5, "too_many_cells", 1)


def test_the_sheet_is_named_or_the_only_one(tmp_path: Path) -> None:
    """Two filled sheets are a question, answered by name or number."""
    path = workbook(tmp_path, [["a", "b"], ["1", "2"]], Other=[["c", "d"], ["3", "4"]])
    with refused("sheet_missing: several sheets hold something: Sheet, Other"):
        read(path)
    assert read(path, Format(sheet="Other")).header == ["c", "d"]
    assert read(path, Format(sheet=1)).header == ["a", "b"]
    with refused("sheet_missing: no sheet Third; there are: Sheet, Other"):
        read(path, Format(sheet="Third"))


def test_a_table_far_down_a_sheet_is_found(tmp_path: Path) -> None:
    """Sixty blank rows above the headers do no harm; a header row beyond the sheet's end is a refusal."""
    path = workbook(tmp_path, [[]] * 60 + [["a", "b"], ["1", "2"]])
    assert read(path).header == ["a", "b"]
    with refused("shape_unclear"):
        read(path, Format(header_row=99))


def test_a_part_of_a_sheet_is_read_by_its_range(tmp_path: Path) -> None:
    """What stands beside and below the range is not looked at."""
    path = workbook(tmp_path, [["x"], ["", "a", "b", "note"], ["", "1", "2", "n"], ["", "3", "4"], ["", "Total", "6"]])
    assert frame(path, range="B2:C4") == (["a", "b"], [[3, "1", "2"], [4, "3", "4"]])


def test_a_merged_cell_stands_in_every_row_it_spans(tmp_path: Path) -> None:
    """A customer written once beside three items is the customer of all three."""
    path = workbook(tmp_path, [["Code", "Item"], ["C1", "A"], [None, "B"], [None, "C"], ["C2", "D"]])
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    book.active.merge_cells("A2:A4")
    book.save(path)
    assert frame(path)[1] == [[2, "C1", "A"], [3, "C1", "B"], [4, "C1", "C"], [5, "C2", "D"]]


def test_hidden_sheets_and_cover_sheets_are_passed_over(tmp_path: Path) -> None:
    """The table is on the only visible sheet that holds one."""
    path = workbook(tmp_path, [["Open items"], ["as of today"]], Data=[["a", "b"], ["1", "2"]], Old=[["a", "b"], ["8", "9"]])
    book = openpyxl.load_workbook(path)
    book["Old"].sheet_state = "hidden"
    book.save(path)
    assert frame(path) == (["a", "b"], [[2, "1", "2"]])


def test_dates_counted_from_1904_are_the_days_they_show(tmp_path: Path) -> None:
    """A workbook with the old Macintosh calendar has the same dates."""
    path = workbook(tmp_path, [["a", "b"], ["x", datetime.date(2024, 2, 29)]])
    book = openpyxl.load_workbook(path)
    book.epoch = CALENDAR_MAC_1904
    book["Sheet"]["B2"] = datetime.date(2024, 2, 29)
    book.save(path)
    assert frame(path)[1] == [[2, "x", "2024-02-29"]]


def test_of_several_sheets_the_one_with_the_headers_is_read(tmp_path: Path) -> None:
    """A profile knows which columns it needs; where two sheets have them, the question stays."""
    path = workbook(tmp_path, [["x", "y"], ["1", "2"]], Data=[["Report"], ["Code", "Amount"], ["7", "8"]])
    assert read(path, headers={"Code", "Amount"}).header == ["Code", "Amount"]
    with refused("sheet_missing: several sheets hold something: Sheet, Data"):
        read(path, headers={"z"})


def test_whole_numbers_are_exact_as_far_as_a_spreadsheet_stores_them(tmp_path: Path) -> None:
    """Two keys of sixteen digits stay two."""
    path = workbook(tmp_path, [["a", "b"], [1234567890123456, "x"], [1234567890123457, "y"], [4.35 * 100, "z"]])
    assert [row[1] for row in frame(path)[1]] == ["1234567890123456", "1234567890123457", "435"]

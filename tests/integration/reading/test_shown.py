"""What a spreadsheet shows of a number is read where it says more than the number: a code's zeros and letters, a currency."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from tests.support.office import ITEMS, ITEMS_HEADER, Office
from tests.support.tables import table, table_of
from tests.support.workbooks import workbook

CODES: list[tuple[str, float, str]] = [
    ("00000", 123, "00123"),
    ("000-000", 123456, "123-456"),
    ("0000-00", 1234, "0012-34"),
    ("000\\-00", 7, "000-07"),
    ('00"/26"', 42, "42/26"),
    ("[$-409]00000", 7, "00007"),
    ("00000_)", 12, "00012"),
    ("#00000", 1234567, "1234567"),
    ("00 00 00", 123, "00 01 23"),
    ('"INV"0', 5, "INV5"),
    ('"FR"00000', -1234, "-FR01234"),
    ('"CLI" 00000', 42, "CLI 00042"),
]
AMOUNTS: list[tuple[str, float, str]] = [
    ('#,##0.00 "USD"', 1234.5, "1234.5 USD"),
    ("[$GBP] #,##0.00", 5, "5 GBP"),
    ("#,##0.00\\ [$€-407]", 2.25, "2.25 €"),
    ("#,##0.00", 1234.5, "1234.5"),
    ("# ##0", 1234, "1234"),
    ("#\\'##0", 1234567, "1234567"),
    ('#,##0.00 "TTC"', 1234.5, "1234.5"),
    ('0" days"', 30, "30"),
    ("0.00E+00", 1234, "1234"),
    ("[<1000]000;0", 7, "7"),
]


@pytest.mark.parametrize(("form", "number", "shown"), CODES + AMOUNTS)
def test_a_number_is_read_as_its_format_shows_it(form: str, number: float, shown: str, tmp_path: Path) -> None:
    """In new workbooks and in old ones; what only groups digits or names a unit is the number."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Code", "Name"])
    sheet.append([number, "x"])
    sheet["A2"].number_format = form
    book.save(tmp_path / "new.xlsx")
    old = xlwt.Workbook()
    page = old.add_sheet("Sheet")
    page.write(0, 0, "Code"), page.write(0, 1, "Name"), page.write(1, 1, "x")
    page.write(1, 0, number, xlwt.easyxf(num_format_str=form))
    old.save(str(tmp_path / "old.xls"))
    assert [table_of(tmp_path / name)[1] for name in ("new.xlsx", "old.xls")] == [[[2, shown, "x"]]] * 2


def test_an_amount_in_another_currency_is_no_amount_in_ours(office: Office) -> None:
    """Be it named by the cell's format only; and a number that became a date is no number."""
    office.customers("C1")
    office.profile("items", ITEMS)
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(ITEMS_HEADER.strip().split(";"))
    day = datetime.date(2026, 2, 1)
    for number, form in (("F1", "General"), ("F2", '#,##0.00 "USD"'), ("F3", "[$€-407] #,##0.00")):
        sheet.append(["C1", number, day, day, 12.5])
        sheet.cell(sheet.max_row, 5).number_format = form
    sheet.append(["C1", datetime.date(2026, 3, 12), day, day, 1])
    book.save(office.home / "items.xlsx")
    run = office.load("items", (office.home / "items.xlsx").read_bytes(), "items.xlsx")
    assert run.tally
    assert (run.tally.created, run.tally.rejected) == (2, 2)
    assert sorted(str(row.reasons[0].code) for row in office.rejections(run)) == ["code_damaged", "currency_contradicted"]


def test_a_merged_amount_counts_once(tmp_path: Path) -> None:
    """A merged code stands in every row that it spans, a number in the first."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (["Code", "Item", "Amount"], ["C1", "A1", 100], ["", "A2", ""]):
        sheet.append(row)
    sheet.merge_cells("A2:A3"), sheet.merge_cells("C2:C3")
    book.save(tmp_path / "book.xlsx")
    assert table_of(tmp_path / "book.xlsx")[1] == [[2, "C1", "A1", "100"], [3, "C1", "A2", ""]]
    page = """<table><tr><th>Code<th>Item<th>Amount<tr><td rowspan=2>C1<td>A1<td rowspan=2>100,00<tr><td>A2</table>"""
    assert table(page, tmp_path, "book.xls")[1] == [[2, "C1", "A1", "100,00"], [3, "C1", "A2", ""]]


def test_what_nobody_sees_is_no_part_of_a_cell(tmp_path: Path) -> None:
    """Sort keys and scripts of a page, comments of a spreadsheet; a cell merged across stands once."""
    page = """<table><tr><th>Code<th>Amount<tr><td><span style="display: none">0001<span>2</span></span>C1
    <td><script>x</script>2,50<tr><td>C100<span style='display:none'>42</span><td>1</table>"""
    assert table(page, tmp_path, "page.xls")[1] == [[2, "C1", "2,50"], [3, "C10042", "1"]]  # as Excel writes what is too wide
    old = """<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
     xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Comment>before any sheet</Comment><Styles><Style ss:ID="s1"><NumberFormat ss:Format="00000"/></Style></Styles>
     <Worksheet ss:Name="A"><Table><Row><Cell><Data ss:Type="String">Code</Data></Cell><Cell><Data ss:Type="String">Item</Data></Cell>
     <Cell><Data ss:Type="String">Name</Data></Cell></Row>
     <Row><Cell ss:StyleID="s1"><Data ss:Type="Number">7</Data></Cell>
     <Cell><Data ss:Type="String">I9</Data><Comment><ss:Data>Ada: 7</ss:Data></Comment></Cell><Cell><Data ss:Type="String">x</Data></Cell></Row>
     <Row><Cell ss:MergeAcross="1"><Data ss:Type="String">C9</Data></Cell><Cell><Data ss:Type="String">y</Data></Cell></Row>
     </Table></Worksheet></Workbook>"""
    assert table(old, tmp_path, "old.xml")[1] == [[2, "00007", "I9", "x"], [3, "C9", "", "y"]]


def test_days_that_a_spreadsheet_took_for_months_refuse_the_file(office: Office) -> None:
    """Where all dates up to the 12th are the spreadsheet's, and all later ones are text, those were turned."""
    office.customers("C1")
    office.profile("items", ITEMS)
    rows: list[list[Any]] = [ITEMS_HEADER.strip().split(";")]
    for number in range(1, 25):
        issued = datetime.date(2026, number, 3) if number <= 12 else f"{number}/03/2026"
        rows.append(["C1", f"F{number}", issued, datetime.date(2026, 12, number), 1])
    run = office.load("items", workbook(office.home, rows).read_bytes(), "items.xlsx")
    assert run.state == "refused"
    assert "13" in str(run.detail)
    assert office.rows("SELECT count(*) FROM ar.receivable") == [(0,)]

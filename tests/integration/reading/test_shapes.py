"""Every shape of text that ERPs print: any delimiter, lists, fixed width; and what is no table."""

from pathlib import Path

import pytest

from tests.support.refusals import refused
from tests.support.tables import TWO, table


@pytest.mark.parametrize("mark", ["||", "~", "^", "¦", "§", "\x1f", "\t", "|", ",", ";"])
def test_the_delimiter_is_found(mark: str, tmp_path: Path) -> None:
    """The delimiter is the one under which most rows agree in width, be it of two characters."""
    rows = [["a", "b", "c"], ["1", "x y", "p"], ["2", "z", ""]]
    got = table("".join(mark.join(row) + "\n" for row in rows), tmp_path)
    assert got[:2] == (["a", "b", "c"], [[2, "1", "x y", "p"], [3, "2", "z", ""]])


def test_a_delimiter_of_several_characters_may_stand_in_quotes(tmp_path: Path) -> None:
    """`::` parts cells, and is text in a quoted one."""
    assert table('a::b\n1::"x::y"\n2::y\n', tmp_path, delimiter="::")[1] == [[2, "1", "x::y"], [3, "2", "y"]]


def test_quotes_may_be_escaped_by_a_backslash(tmp_path: Path) -> None:
    """Where the profile says so, a backslash escapes a quote, a delimiter and itself."""
    content = 'a;b\n1;"say \\"hi\\""\n2;x\\;y\n3;c:\\\\d\n4;"open\n'
    got = table(content, tmp_path, escape="\\", delimiter=";")
    assert got[1] == [[2, "1", 'say "hi"'], [3, "2", "x;y"], [4, "3", "c:\\d"]]
    assert got[2] == [(5, "bad_quotes")]


def test_any_quote_and_none(tmp_path: Path) -> None:
    """Quotes may be another character; without quotes a quotation mark is text."""
    assert table("a;b\n1;'x;y'\n", tmp_path, quote="'")[1] == [[2, "1", "x;y"]]
    assert table('a;b\n1;17" screen\n', tmp_path, quote="")[1] == [[2, "1", '17" screen']]


def test_the_line_that_spreadsheets_begin_a_file_with(tmp_path: Path) -> None:
    """`sep=;` says what the delimiter is, and is no header."""
    assert table("sep=;\na;b\n1;x,y\n", tmp_path)[:2] == (["a", "b"], [[3, "1", "x,y"]])


def test_comments_totals_and_repeated_headers_are_no_records(tmp_path: Path) -> None:
    """Lines that begin as declared, rules, repeats of the headers, blank and page-break lines are ignored and counted."""
    content = "# made by X\na;b\n---;---\n1;x\n# page 2\n\f\na;b\n2;y\n;\nTotal;2\nTotal 2 rows\n"
    header, rows, rejections, ignored = table(content, tmp_path, comment="#", ignore=["Total*"], delimiter=";")
    assert (header, rows, rejections) == (["a", "b"], [[4, "1", "x"], [8, "2", "y"]], [])
    assert ignored == 7


def test_a_title_above_the_headers_is_passed_over_padded_or_not(tmp_path: Path) -> None:
    """Titles are told from headers by the cells that they leave blank."""
    assert table("Open items,,\nas of today\n\na,b,c\n1,2,3\n4,5,6\n", tmp_path)[:2] == (
        ["a", "b", "c"],
        [[5, "1", "2", "3"], [6, "4", "5", "6"]],
    )


@pytest.mark.parametrize("header", ["a;b;", "a;b"])
def test_a_delimiter_at_the_end_of_every_line_is_no_column(header: str, tmp_path: Path) -> None:
    """Whether the headers end in one too; a row with a cell too few is rejected."""
    assert table(f"{header}\n1;x;\n2;y;\n3;\n", tmp_path)[:3] == (["a", "b"], TWO, [(4, "too_few_cells")])


def test_a_delimiter_after_the_headers_only_is_no_column(tmp_path: Path) -> None:
    """The last header is blank, and no row has a cell for it."""
    assert table("a;b;\n1;x\n2;y\n", tmp_path)[:3] == (["a", "b"], TWO, [])


def test_headers_over_two_lines_are_joined(tmp_path: Path) -> None:
    """What stands in one column is one name."""
    header, rows, *_ = table("Amount;Amount;Code\nnet;gross;\n1;2;x\n", tmp_path, header_rows=2)
    assert (header, rows) == (["Amount net", "Amount gross", "Code"], [[3, "1", "2", "x"]])


def test_a_file_without_headers_has_the_names_that_the_profile_gives(tmp_path: Path) -> None:
    """The first line is a record."""
    assert table("1;x\n2;y\n", tmp_path, header=["a", "b"]) == (["a", "b"], [[1, "1", "x"], [2, "2", "y"]], [], 0)


LIST = """\
10.11.2026            Open items            Page 1
--------------------------------------------------
|  |Doc.no. |Text      |    Amount|Curr|
--------------------------------------------------
|  |1400001 |Paper     |  1.200,00|EUR |
|  |1400002 |Pipe | fit|    30,50-|EUR |
--------------------------------------------------
|* |        |          |  1.169,50|EUR |
--------------------------------------------------
10.11.2026            Open items            Page 2
|  |Doc.no. |Text      |    Amount|Curr|
|  |1400003 |Glue      |     10,00|EUR |
|  |1400004 |Glue|
|**|        |          |  1.179,50|EUR |
"""


def test_a_list_between_bars_is_a_table(tmp_path: Path) -> None:
    """Rules, page heads and subtotals are no records; a bar in a text does not move the frame; a broken line is rejected."""
    header, rows, rejections, ignored = table(LIST, tmp_path)
    assert header == ["", "Doc.no.", "Text", "Amount", "Curr"]
    assert [row[2:] for row in rows] == [
        ["1400001", "Paper", "1.200,00", "EUR"], ["1400002", "Pipe | fit", "30,50-", "EUR"], ["1400003", "Glue", "10,00", "EUR"],
    ]  # fmt: skip
    assert (rejections, ignored) == ([(13, "too_few_cells")], 7)


def test_columns_of_fixed_width_by_the_line_under_the_headers(tmp_path: Path) -> None:
    """A value that reaches between the columns is rejected, not cut."""
    content = "Code   Name        Amount\n------ ---------- -------\n000017 Müller AG    12,50\n17     Meier         7,00\n18     Overlong name 9,00\n"
    header, rows, rejections, _ = table(content, tmp_path)
    assert header == ["Code", "Name", "Amount"]
    assert rows == [[3, "000017", "Müller AG", "12,50"], [4, "17", "Meier", "7,00"]]
    assert rejections == [(5, "between_columns")]


def test_columns_of_fixed_width_by_the_positions_of_the_profile(tmp_path: Path) -> None:
    """Positions are counted in characters, from 1; what they leave out is left out."""
    got = table("0017ÄÖÜ  12,50\n0018abc   7,00\n", tmp_path, kind="fixed_width", positions={"Code": (1, 4), "Amount": (9, 14)})
    assert got == (["Code", "Amount"], [[1, "0017", "12,50"], [2, "0018", "7,00"]], [], 0)


def test_text_under_the_name_of_a_workbook_is_read(tmp_path: Path) -> None:
    """`.xls` that is tab-separated text, also where the profile says it is a workbook."""
    assert table("a\tb\r\n1\tx\r\n2\ty\r\n", tmp_path, "export.xls", kind="excel")[1] == TWO


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<?xml version='1.0'?><rows><row a='1'/></rows>", "XML"),
        ("<rows><row/></rows>", "XML"),
        ('[{"a": 1}]', "JSON"),
        ('{"a": [1]}', "JSON"),
        ("%PDF-1.7 x", "PDF"),
        ("{\\rtf1 x}", "RTF"),
    ],
)
def test_what_is_no_table_is_refused_by_name(content: str, what: str, tmp_path: Path) -> None:
    """XML, JSON, PDF and RTF are not read as text that happens to have commas."""
    with refused(f"not_a_table: this is an? {what}|not_a_table: this is {what}"):
        table(content, tmp_path)


def test_a_list_that_was_cut_loses_no_record_unsaid(tmp_path: Path) -> None:
    """A framed line without its right bar is rejected, not taken for a page's head."""
    assert table("|A|B|\n|-|-|\n|1|2|\n|3|4\n|5|6|\n", tmp_path, kind="list")[2] == [(4, "too_few_cells")]


def test_files_that_were_put_together_keep_no_marks(tmp_path: Path) -> None:
    """The byte order mark of a second file is no part of a code; its headers are headers."""
    got = table("\ufeffCode;Amt\n1;2\n\ufeffCode;Amt\n\ufeff1001;5\n".encode(), tmp_path)
    assert got[1:] == ([[2, "1", "2"], [4, "1001", "5"]], [], 1)


def test_an_encoding_without_an_order_needs_a_mark(tmp_path: Path) -> None:
    """`utf-16` declared for a file without a mark is told by its bytes, or refused with what to write."""
    assert table("a;b\n1;x\n2;y\n".encode("utf-16-le"), tmp_path, encoding="utf-16")[1] == TWO
    with refused('encoding_unknown: the file has no byte order mark: write encoding = "utf-16-le"'):
        table("a;b\n1;x\n", tmp_path, encoding="utf-16")


def test_an_open_quote_over_long_lines_costs_its_line_and_little_time(tmp_path: Path) -> None:
    """Lines of a megabyte below an open quote are not gathered for a record that never ends."""
    content = 'Code;Name\n1;"x\n' + "".join(f"{n};{'y' * (1 << 20)}\n" for n in range(12))
    _, rows, rejections, _ = table(content, tmp_path)
    assert (len(rows), rejections) == (12, [(2, "bad_quotes")])


def test_a_very_wide_header_is_read_in_good_time(tmp_path: Path) -> None:
    """Twenty thousand columns without names get names of their own."""
    header, *_ = table("a" + ";" * 20_000 + "x\n", tmp_path, delimiter=";", header_row=1)
    assert len(set(header)) == 20_001


@pytest.mark.parametrize(
    "amounts",
    [("1,50", "120", "7,25"), ("1,5", "12,5", "7,2"), ("-1234,56", "120,50 EUR", "7,25-"), ("1,234.56", "1,120.50", "7,000.00")],
)
def test_bare_commas_in_amounts_of_a_comma_file_refuse_it(amounts: tuple[str, ...], tmp_path: Path) -> None:
    """However they are printed, and be some of them whole: no half of an amount is read."""
    rows = "".join(f"C{number},13/02/2026,{amount}\n" for number, amount in enumerate(amounts))
    with refused("shape_unclear: its cells stand between commas"):
        table(f"Code,Date,Amount\n{rows}", tmp_path)


def test_a_column_of_row_numbers_without_a_header_refuses_the_file(tmp_path: Path) -> None:
    """Nobody can tell whether the first or the last column has no header."""
    with refused("shape_unclear: the records have more cells than the headers"):
        table("Code;Name;City\n1;C001;ACME;Paris\n2;C002;Bolt;Lyon\n", tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        ['C2;"15 inch;200,00', "C3;;300,00", 'C4;15";400,00'],
        ['C2;I2;"5,00', 'C3;I3";6,00'],
        ['"C2;I2;5,00', 'C3";I3;6,00'],
    ],
)
def test_two_stray_quotes_swallow_no_record(broken: list[str], tmp_path: Path) -> None:
    """What stands between is read, and the two are handed back; a comment over several lines is one."""
    _, rows, rejections, _ = table("\n".join(["Code;Item;Amount", "C1;I1;1,00", *broken, "C5;I5;5,00", ""]), tmp_path)
    assert {row[1] for row in rows} | {line for line, _ in rejections} == {
        "C1",
        "C5",
        *(["C3"] * (len(broken) > 2)),
        *{line for line in range(3, 3 + len(broken)) if len(broken) == 2 or line != 4},
    }
    assert table('Code;Note\nC1;"a\nb\nsee x;y"\n', tmp_path)[1] == [[2, "C1", "a\nb\nsee x;y"]]
    assert table('Code;Note;Amount\nC1;"one\ntwo; three\nfour";1,00\n', tmp_path)[1] == [
        [2, "C1", "one\ntwo; three\nfour", "1,00"]
    ]


ITEMS = "Customer;Invoice;Due;Amount"
TABLE = ["C1;F1;01/10/2026;1,50", "C2;F2;02/10/2026;2,50", "C3;F3;03/10/2026;3,50"]


@pytest.mark.parametrize("again", ["\x0c" + ITEMS, ITEMS, ITEMS.lower()])
def test_a_header_that_comes_again_hides_no_record_above_it(again: str, tmp_path: Path) -> None:
    """Behind a form feed or without one: both tables are read."""
    header, rows, rejections, _ = table("\n".join([ITEMS, *TABLE, again, *TABLE, ""]), tmp_path)
    assert (header, [row[1:] for row in rows], rejections) == (ITEMS.split(";"), [row.split(";") for row in TABLE * 2], [])


@pytest.mark.parametrize("other", ["Amount;Customer;Invoice;Due", "Customer;Invoice;Due;Amount USD"])
@pytest.mark.parametrize("times", [1, 12])
def test_a_second_table_with_other_headers_refuses_the_file(other: str, times: int, tmp_path: Path) -> None:
    """Its headers are no reason to take all above them for a preamble."""
    with refused("two_headers|the headers may be"):
        table("\n".join([ITEMS, *TABLE * times, other, *TABLE * times, ""]), tmp_path)

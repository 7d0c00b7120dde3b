"""Every shape of text that ERPs print: any delimiter, lists, fixed width, HTML, archives; and what is no table."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import FileRefused, TryLater
from daemon.model import Batch, Rejection
from daemon.reading import read, sandbox
from daemon.settings import Sandbox
from daemon.shape import Format

Table = tuple[list[str], list[list[Any]], list[tuple[int, str]], int]


def table(content: bytes | str, tmp_path: Path, name: str = "file.txt", **format: Any) -> Table:
    """Header, rows with their line, rejections as (line, code), ignored lines."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = read(path, Format(**format))
    rows: list[list[Any]] = []
    rejections = []
    for item in reader:
        if isinstance(item, Rejection):
            rejections.append((item.line, str(item.reasons[0].code)))
        else:
            rows += [list(row) for row in item.frame.itertuples(name=None)]
    return reader.header, sorted(rows), sorted(rejections), reader.ignored


TWO = [[2, "1", "x"], [3, "2", "y"]]


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


def test_a_page_under_the_name_of_a_workbook_is_read(tmp_path: Path) -> None:
    """`.xls` that is HTML: the longest table, its entities, spans and inner line breaks; layout tables are passed over."""
    page = """<html><head><meta charset="cp1252"></head><body><table><tr><td>logo</td></tr></table>
    <table border=1><tr><th>Code<th>Name</th><th>Amount</tr><tr><td rowspan=2>007</td><td>M&uuml;ller<br>AG</td><td>1.200,00</td></tr>
    <tr><td>Société &amp; Cie</td><td>-5,00</td></tr></table></body></html>"""
    header, rows, *_ = table(page.encode("cp1252"), tmp_path, "export.xls")
    assert header == ["Code", "Name", "Amount"]
    assert rows == [[2, "007", "Müller AG", "1.200,00"], [3, "007", "Société & Cie", "-5,00"]]


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
    with pytest.raises(FileRefused, match=f"not_a_table: this is an? {what}|not_a_table: this is {what}"):
        table(content, tmp_path)


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
    with pytest.raises(FileRefused, match=r"member_unclear: the zip holds 2 files: items\.csv, notes\.txt"):
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
)
def test_bombs_and_broken_archives_are_refused(content: bytes, limits: Sandbox, tmp_path: Path) -> None:
    """What unpacks to too much, holds too many files or is cut short costs a refusal."""
    path = tmp_path / "bomb"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match="unreadable"):
        list(read(path, None, limits))


texts = st.text(st.characters(codec="cp1252", exclude_categories=["Cc", "Cs"], exclude_characters="\xa0"), max_size=8)
dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([";", ",", "\t", "|", "||", "~#~", "¦"]),
        "quote": st.sampled_from(['"', "'"]),
        "escape": st.sampled_from([None, "\\"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-32-le"]),
    }
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(texts, min_size=2, max_size=2), min_size=1, max_size=8), dialects, st.sampled_from(["\n", "\r\n"]))
def test_any_table_in_any_dialect_comes_back_as_written(
    tmp_path: Path, rows: list[list[str]], dialect: dict[str, Any], end: str
) -> None:
    """Whatever the delimiter, the quote, the way quotes are escaped and the encoding: the cells are those that were written."""
    quote, escape = dialect["quote"], dialect["escape"]

    def cell(text: str) -> str:
        inner = text.replace(escape, escape * 2) if escape else text
        return quote + inner.replace(quote, (escape or quote) + quote) + quote

    lines = [["first", "second"], *rows]
    content = "".join(dialect["delimiter"].join(map(cell, line)) + end for line in lines)
    shape = dialect | {"header_row": 1, "kind": "delimited"}
    _, got, rejections, ignored = table(content.encode(dialect["encoding"]), tmp_path, **shape)
    written = [row for row in rows if any(text.strip() for text in row) and row != lines[0]]
    drawn = [row for row in written if all(set(text) <= set("-=_") and len(text) > 1 for text in row if text)]
    assert [row[1:] for row in got] == [row for row in written if row not in drawn]
    assert (rejections, ignored) == ([], len(rows) - len(got))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300),
    st.sampled_from(["delimited", "list", "fixed_width", None]),
    st.sampled_from([None, "de", "ja", "pl"]),
)
def test_any_bytes_are_rows_rejections_or_a_refusal(tmp_path: Path, content: bytes, kind: Any, language: str | None) -> None:
    """Whatever comes and whatever the profile says it is, it never raises anything else."""
    path = tmp_path / "any"
    path.write_bytes(content)
    try:
        for item in read(path, Format(kind=kind, language=language)):
            assert isinstance(item, Batch | Rejection)
    except FileRefused as refused:
        assert refused.detail


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300),
    st.sampled_from([b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<html><table>"]),
)
def test_any_bytes_in_the_sandbox_are_rows_or_a_refusal(tmp_path: Path, content: bytes, magic: bytes) -> None:
    """Archives, workbooks and pages of noise are refused, not crashes."""
    path = tmp_path / "any"
    path.write_bytes(magic + content)
    try:
        assert all(isinstance(item, Batch | Rejection) for item in read(path))
    except FileRefused as refused:
        assert refused.detail


def test_what_read_prints_as_csv_reads_as_the_same_table(tmp_path: Path, command: Any) -> None:
    """Line breaks, quotes, delimiters and blanks in cells survive `read --to csv`."""
    original = 'Code;"Name, long";Note\n007;"a ""b""; c";"two\nlines"\n8;;\n;" x ";"\'"\n'
    (tmp_path / "first.csv").write_text(original, encoding="utf-8")
    (tmp_path / "second.csv").write_bytes(command("read", tmp_path / "first.csv", "--to", "csv").stdout.encode())
    first, second = ([item.frame.reset_index(drop=True) for item in read(tmp_path / f"{n}.csv")] for n in ("first", "second"))
    assert len(first[0]) == 3
    assert first[0].equals(second[0])


def page(*tables: str) -> str:
    return "<html><body>" + "".join(f"<table>{rows}</table>" for rows in tables) + "</body></html>"


def row(*cells: str) -> str:
    return "<tr>" + "".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in cells) + "</tr>"


def test_spans_of_rows_and_columns_keep_every_cell_in_its_column(tmp_path: Path) -> None:
    """A block that hangs down, below short rows and to the table's end too, moves nothing aside."""
    header = row("Code", "X", "Amt", "Rem")
    spanned = page(header + row("<td rowspan=2 colspan=2>A</td>", "1", "5") + row("2", "6") + row("B", "x", "3", "7"))
    assert table(spanned, tmp_path, "p.html")[1] == [[2, "A", "", "1", "5"], [3, "A", "", "2", "6"], [4, "B", "x", "3", "7"]]
    hanging = page(header + row("A", "x", "1", "<td rowspan=0>9</td>") + row("B") + row("C", "z", "2"))
    assert table(hanging, tmp_path, "p.html")[1] == [[2, "A", "x", "1", "9"], [3, "B", "", "", "9"], [4, "C", "z", "2", "9"]]


def test_a_page_of_several_tables_loses_none(tmp_path: Path) -> None:
    """Tables with the same headers are one; of others the profile says which; a page that was cut is refused."""
    head = row("Code", "Amt")
    assert len(table(page(head + row("A", "1"), head + row("B", "2") + row("C", "3")), tmp_path, "p.html")[1]) == 3
    two = page(head + row("A", "1"), row("Name", "Town") + row("x", "y"))
    with pytest.raises(FileRefused, match="sheet_missing: the page holds 2 tables"):
        table(two, tmp_path, "p.html")
    assert table(two, tmp_path, "p.html", sheet=2)[0] == ["Name", "Town"]
    with pytest.raises(FileRefused, match="unreadable: the page is cut short"):
        table(page(head + row("A", "1")).partition("</table>")[0], tmp_path, "p.html")


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
    with pytest.raises(FileRefused, match='encoding_unknown: the file has no byte order mark: write encoding = "utf-16-le"'):
        table("a;b\n1;x\n", tmp_path, encoding="utf-16")


def test_what_cannot_be_read_to_its_end_is_tried_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails in the middle of a page makes no shorter page."""
    (tmp_path / "p.html").write_text(page(row("a", "b") + row("1", "2") * 100_000))
    real = sandbox.open_bytes

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


def test_an_open_quote_over_long_lines_costs_its_line_and_little_time(tmp_path: Path) -> None:
    """Lines of a megabyte below an open quote are not gathered for a record that never ends."""
    content = 'Code;Name\n1;"x\n' + "".join(f"{n};{'y' * (1 << 20)}\n" for n in range(12))
    _, rows, rejections, _ = table(content, tmp_path)
    assert (len(rows), rejections) == (12, [(2, "bad_quotes")])


def test_a_very_wide_header_is_read_in_good_time(tmp_path: Path) -> None:
    """Twenty thousand columns without names get names of their own."""
    header, *_ = table("a" + ";" * 20_000 + "x\n", tmp_path, delimiter=";", header_row=1)
    assert len(set(header)) == 20_001

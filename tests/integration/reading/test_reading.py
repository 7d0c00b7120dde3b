"""Reading: any table comes back as written, every line accounted for, whichever way it is parsed."""

import csv
import io
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.errors import FileRefused
from daemon.model import Batch, Rejection
from daemon.profiles.format import Format
from daemon.reading import delimited, read
from daemon.reading import text as reading_text
from tests.support.refusals import refused
from tests.support.tables import table_of as table


def write(tmp_path: Path, content: bytes | str) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from(";,\t|"),
    st.booleans(),
    st.integers(8, 90),
)
def test_any_table_comes_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, crlf: bool, block: int
) -> None:
    """Quotes, delimiters and line breaks in cells, in blocks of any size: the rows are those that were written."""
    path = tmp_path_factory.mktemp("any") / "t.csv"
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n" if crlf else "\n").writerows([["a", "b", "c"], *rows])
    path.write_bytes(text.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_text, "_BLOCK", block)
        _, got, rejections, ignored = table(path, delimiter=delimiter, encoding="utf-8", header_row=1)
    written = [row for row in rows if any(cell.strip() for cell in row)]
    assert [row[1:] for row in got] == written
    assert rejections == []
    assert ignored == len(rows) - len(written)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever comes, it is rows, rejections or a refusal, never a crash."""
    path = tmp_path_factory.mktemp("bytes") / "t"
    path.write_bytes(content)
    try:
        for item in read(path):
            assert isinstance(item, Batch | Rejection)
    except FileRefused as refused:
        assert refused.detail


def test_a_fault_costs_its_line_and_no_other(tmp_path: Path) -> None:
    """Ragged rows, stray quotes, NUL: each is rejected with its line; the others are in the right columns."""
    content = 'a;b;c\n1;2;3\n4;5\n6;7;8;9\n"x"y;2;3\n"open;2;3\n\n7;\0;9\n"p\nq";2;"say ""hi"""\nlast;2;3'
    header, rows, rejections, ignored = table(write(tmp_path, content), delimiter=";")
    assert header == ["a", "b", "c"]
    assert rows == [[2, "1", "2", "3"], [9, "p\nq", "2", 'say "hi"'], [11, "last", "2", "3"]]
    assert rejections == [
        (3, "too_few_cells"),
        (4, "too_many_cells"),
        (5, "bad_quotes"),
        (6, "bad_quotes"),
        (8, "control_character"),
    ]
    assert ignored == 1


def test_an_unclosed_quote_never_swallows_the_rest(tmp_path: Path) -> None:
    """A quote that is not closed costs the line it opens on, though it be the last of ten thousand or the first."""
    rows = "".join(f"{n};x\n" for n in range(10_000))
    _, got, rejections, _ = table(write(tmp_path, f'id;note\n"p;x\n{rows}"q;x\n'))
    assert len(got) == 10_000
    assert rejections == [(2, "bad_quotes"), (10_003, "bad_quotes")]


def test_words_that_mean_nothing_elsewhere_stay_text(tmp_path: Path) -> None:
    """NA, null, leading zeros, long numbers, a lone backslash-dot: text as written."""
    words = ["NA", "null", "None", "007", "12345678901234567", "\\.", "nan", "TRUE"]
    _, rows, _, _ = table(write(tmp_path, "a;b\n" + "".join(f"{word};x\n" for word in words)))
    assert [row[1] for row in rows] == words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    """Byte order marks, UTF-16 without one, UTF-8 and cp1252 are told apart by their bytes."""
    content = "code;nom\n1;Société Générale\n2;Électricité\n" * 3
    _, rows, _, _ = table(write(tmp_path, content.encode(encoding)))
    assert rows[0][1:] == ["1", "Société Générale"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Общество с ограниченной ответственностью", "cp1251"),
        ("Zakład Ubezpieczeń Społecznych", "cp1250"),
        ("Société Générale", "cp850"),
    ],
)
def test_what_western_letters_would_garble_is_never_garbled(tmp_path: Path, text: str, encoding: str) -> None:
    """Cyrillic, Central European and DOS texts are read as what they are, or refused; never as mojibake."""
    path = write(tmp_path, f"code;name\n1;{text}\n2;{text}\n".encode(encoding))
    try:
        _, rows, _, _ = table(path)
    except FileRefused as refused:
        assert refused.code == "encoding_unknown"
    else:
        assert rows[0][2] == text


@pytest.mark.parametrize("name", ["utf-7", "hex", "no-such", "idna"])
def test_an_encoding_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """A declared encoding that is none of texts is refused, not read as something else."""
    with refused("encoding_unknown"):
        read(write(tmp_path, "a;b\n1;2\n"), Format(encoding=name))


def test_a_cut_utf16_file_is_refused(tmp_path: Path) -> None:
    """Half a character at the end is no shorter number."""
    with refused("encoding_unknown"):
        list(read(write(tmp_path, "\ufeffa;b\n1;1234".encode("utf-16-le")[:-1])))


def test_what_is_left_of_a_broken_record_is_no_row(tmp_path: Path) -> None:
    """After a record with stray quotes over two lines, its second line is rejected too, not read as a row of its own."""
    _, rows, rejections, _ = table(write(tmp_path, 'name;code\n"Muller\nSons" Ltd;C1\nB;C9\n'), delimiter=";", header_row=1)
    assert rows == [[4, "B", "C9"]]
    assert rejections == [(2, "bad_quotes"), (3, "bad_quotes")]


def test_a_delimiter_that_is_not_ascii_is_one_all_the_same(tmp_path: Path) -> None:
    """`¦` separates cells like any other."""
    assert table(write(tmp_path, "a¦b\n1¦x\n"), delimiter="¦")[1] == [[2, "1", "x"]]


def test_a_byte_order_mark_counts_more_than_the_profile(tmp_path: Path) -> None:
    """A file that says what it is is believed: no mark in the first header, no mojibake."""
    header, rows, _, _ = table(write(tmp_path, "\ufeffé;b\n1;ü\n"), encoding="cp1252")
    assert (header, rows) == (["é", "b"], [[2, "1", "ü"]])


def test_bytes_that_are_no_text_cost_their_line(tmp_path: Path) -> None:
    """In a file whose encoding is declared, a line that does not decode is rejected with its number."""
    _, rows, rejections, _ = table(write(tmp_path, b"a;b\n1;\xc3\xa9\n2;\xff\n3;x\n"), encoding="utf-8")
    assert [row[1:] for row in rows] == [["1", "é"], ["3", "x"]]
    assert rejections == [(3, "undecodable")]


def test_two_encodings_in_one_file_are_refused_with_the_place(tmp_path: Path) -> None:
    """Half UTF-8, half cp1252 is never read as either."""
    with refused("encoding_mixed: line 3: the byte E9"):
        read(write(tmp_path, "a;b\n1;é\n".encode() + b"2;\xe9\n"))


@pytest.mark.parametrize(("content", "code"), [(b"", "empty"), (b"\n \n", "empty"), (b";;;\n1;2;3;4\n", "shape_unclear")])
def test_a_file_without_a_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    """Empty files and files without headers have a name for what they are."""
    with pytest.raises(FileRefused) as caught:
        read(write(tmp_path, content), Format(delimiter=";", header_row=1) if code == "shape_unclear" else None)
    assert caught.value.code == code


def test_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    """A metadata line before the headers, declared or told by its width, is not a row."""
    path = write(tmp_path, '"EXTF";700;16\nKonto;Name\n1;A\n2;B\n')
    assert table(path)[0] == ["Konto", "Name"]
    assert table(path, header_row=2)[1] == [[3, "1", "A"], [4, "2", "B"]]


def test_headers_that_are_the_same_are_told_apart(tmp_path: Path) -> None:
    """Two columns with one header are numbered, so that a profile that means one of them must say which."""
    assert table(write(tmp_path, "a;a;b;a (2)\n1;2;3;4\n"))[0] == ["a (1)", "a (2)", "b", "a (2) (1)"]


def test_old_macintosh_line_ends_are_line_ends(tmp_path: Path) -> None:
    """A file with carriage returns only is a file of lines."""
    assert table(write(tmp_path, "a;b\r1;2\r3;4\r"))[1] == [[2, "1", "2"], [3, "3", "4"]]


def test_both_ways_of_parsing_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file read in one go and the same file read line by line are the same table."""
    chance = random.Random(5)
    words = ["a", "", "1,5", '"q;q"', "é", '"x"', "NA", "7;8"]
    path = write(tmp_path, "p;q;r\n" + "".join(";".join(chance.choices(words, k=3)) + "\n" for _ in range(3000)))
    quick = table(path, delimiter=";")
    monkeypatch.setattr(delimited.Delimited, "_quickly", lambda *_: None)
    assert quick == table(path, delimiter=";")
    assert quick[1]
    assert quick[2]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file of many blocks is read batch by batch."""
    path = write(tmp_path, "a;b\n" + "1;2\n" * 3_000_000)
    before = pa.total_allocated_bytes()
    largest = 0
    for _ in read(path):
        largest = max(largest, pa.total_allocated_bytes() - before)
    assert largest < 120 << 20

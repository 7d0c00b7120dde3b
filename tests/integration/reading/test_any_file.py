"""Properties of reading: any table in any dialect comes back, any bytes are rows, rejections or a refusal."""

import csv
import io
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import FileRefused
from daemon.model import Batch, Rejection
from daemon.profiles.format import Format
from daemon.reading import read
from tests.support.tables import table

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
        return str(quote + inner.replace(quote, (escape or quote) + quote) + quote)

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
    first, second = (
        [item.frame.reset_index(drop=True) for item in read(tmp_path / f"{n}.csv") if isinstance(item, Batch)]
        for n in ("first", "second")
    )
    assert len(first[0]) == 3
    assert first[0].equals(second[0])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(texts, min_size=3, max_size=3), min_size=1, max_size=6))
def test_what_is_written_as_read_writes_it_needs_no_format(tmp_path: Path, rows: list[list[str]]) -> None:
    """Quoted throughout, as `read --to csv` prints it, any table is sniffed right and comes back."""
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["Code", "Name", "Note"], *rows])
    _, got, rejections, ignored = table(out.getvalue(), tmp_path)
    assert rejections == []
    came = [line[1:] for line in got]
    assert came == [row for row in rows if row in came]
    assert len(came) + ignored == len(rows)
    assert all(row in came or not "".join(row).strip(" -=_") for row in rows if row != ["Code", "Name", "Note"])

"""Files such as ERPs of many countries print them, each with what a person reads in it: right, handed back or refused, never wrong."""

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.errors import FileRefused
from daemon.mapping import fit
from daemon.model import Batch
from daemon.profiles import Format, Profile
from daemon.reading import read
from daemon.settings import Sandbox
from tests.support.exports import EXPORTS

CORPUS = EXPORTS / "corpus"
CASES = {
    case["file"]: case for case in map(json.loads, (CORPUS / "expected.jsonl").read_text(encoding="utf-8").strip().split("\n"))
}
TYPED = (".xls", ".xlsx", ".xml", ".fods", ".dbf", ".html")
RIGHT = {"letters": 0.97, "shape": 0.9, "values": 0.8}
"""The share of each section that must be read, or refused, as a person would; the rest is handed back."""


def cell(text: str, file: str) -> str:
    """A cell as it is compared: line breaks alike, and what a spreadsheet stored as a number without its form."""
    text = " ".join(text.split()) if file.endswith(TYPED) else text.strip().replace("\r\n", "\n")
    plain = file.endswith(TYPED) and re.fullmatch(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]+)?", text)
    return f"{float(text):g}" if plain else text


def name(header: str) -> str:
    """A header without what tells it from others of the same name."""
    return re.sub(r" ?\([0-9]+\)$", "", header.strip())


def shape(case: dict[str, Any]) -> str:
    """What came of a file as a table of texts."""
    file = case["file"]
    try:
        reader = read(CORPUS / file, Format.model_validate(case.get("format", {})))
        rows, handed_back = [], []
        for item in reader:
            if isinstance(item, Batch):
                rows += [[line, *(cell(text, file) for text in cells)] for line, cells in item.rows()]
            else:
                handed_back.append(item.line)
    except FileRefused:
        return "right" if case["outcome"] == "refuse" else "refused"
    assert case["outcome"] == "read", f"read as {reader.header}, {rows[:2]}"
    wanted = [[line, *(cell(text, file) for text in cells)] for line, *cells in case["rows"]]
    known = [cells for _, *cells in wanted]
    assert all(cells in known for _, *cells in rows), [row for row in rows if row[1:] not in known][:3]
    assert len(rows) + len(handed_back) >= len(wanted), "rows are gone without a word"
    assert list(map(name, reader.header)) == list(map(name, case["header"]))
    return "right" if rows == wanted and handed_back == case["bad_lines"] else "handed back"


def values(case: dict[str, Any]) -> str:
    """What came of a file as a dataset's typed rows."""
    profile = Profile.model_validate(
        {"name": "p", "dataset": case["dataset"], "pattern": "*", "columns": case["columns"], "format": case.get("format", {})}
    )
    section, path, sandbox = profile.section(case["dataset"]), CORPUS / case["file"], Sandbox()
    try:
        reader = read(path, profile.format, sandbox, section.headers)
        mapping = fit(
            section, reader.header, lambda: read(path, reader.format, sandbox, section.headers), profile.format.conventions
        )
        taken = {row["source_line"]: row for b in reader if isinstance(b, Batch) for row in mapping.apply(b).rows.to_pylist()}
    except FileRefused:
        return "right" if case["outcome"] == "refuse" else "refused"
    assert case["outcome"] == "read", f"read as {list(taken.values())[:2]}"
    good = [line for line, *_ in case["rows"] if line not in case["bad_lines"]]
    assert taken.keys() <= set(good), {line: row for line, row in taken.items() if line not in good}
    for line, wanted in zip(good, case["values"], strict=True):
        for field, value in wanted.items() if line in taken else ():
            assert said(taken[line].get(field)) == said(value), (line, field, taken[line].get(field), value)
    return "right" if taken.keys() == set(good) else "handed back"


def said(value: object) -> object:
    """A value as it is compared, however it is typed."""
    text = "" if value is None else str(value)
    return (
        Decimal(text) if isinstance(value, Decimal) or re.fullmatch(r"-?[1-9][0-9]*(?:\.[0-9]+)?|-?0?\.[0-9]+|0", text) else text
    )


@pytest.mark.parametrize("section", RIGHT)
def test_no_file_is_read_wrong(section: str) -> None:
    """No cell, row or value is other than a person reads it, and none is gone without a word; most are read as a person would."""
    counts: Counter[str] = Counter()
    wrong = []
    for file, case in CASES.items():
        if case["section"] == section:
            try:
                counts[values(case) if section == "values" else shape(case)] += 1
            except AssertionError as error:
                wrong.append(f"{file} ({case['about']}): {str(error).splitlines()[0]}")
    assert not wrong
    assert counts["right"] >= RIGHT[section] * counts.total(), counts


PLAIN = sorted(
    file
    for file, case in CASES.items()
    if case["section"] == "shape" and file.endswith((".csv", ".txt")) and case["outcome"] == "read" and not case.get("format")
)
DAMAGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["cut", "drop", "double", *'";,\n\r\t|\0é'])), min_size=1, max_size=4
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(PLAIN), damages=DAMAGES)
def test_no_line_is_lost_however_a_file_is_damaged(tmp_path: Path, file: str, damages: list[tuple[float, str]]) -> None:
    """Cut, dropped, doubled and strange bytes: every line is of a row, a rejection, ignored, above or the header's, or the file is
    refused.
    """
    content = (CORPUS / file).read_bytes()
    for where, how in damages:
        at = int(where * len(content))
        match how:
            case "cut":
                content = content[: max(at, len(content) // 2)]
            case "drop":
                content = content[:at] + content[at + 1 :]
            case "double":
                content = content[:at] + content[at : at + 40] + content[at:]
            case _:
                content = content[:at] + how.encode() + content[at:]
    path = tmp_path / "damaged"
    path.write_bytes(content)
    try:
        reader = read(path)
        told = [row for item in reader for row in (item.rows() if isinstance(item, Batch) else [(item.line, item.cells)])]
    except FileRefused:
        return
    if reader.format.kind in ("excel", "html"):
        return  # a workbook under another name
    text = content.decode(reader.format.encoding or "", "replace").replace("\r\r\n", "\n").replace("\r\n", "\n")
    if [*text.split("\n"), *[""] * 99][(reader.format.header_row or 1) - 1].count('"') % 2:
        return  # headers over several lines, however many
    lines = sum(bool(line.strip(" ;,|\t\0\x1a\ufeff\f")) for line in text.split("\n"))
    within = sum(str(text).count("\n") + str(text).count("\r") for _, cells in told for text in cells)
    header = 1 + sum(title.count("\n") + title.count("\r") for title in reader.header)
    assert lines <= len(told) + within + reader.ignored + reader.above + header

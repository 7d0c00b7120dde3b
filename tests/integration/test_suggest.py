"""Suggestions: from header rows in fifteen languages, and from the exports of the ready-made profiles."""

import csv
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from daemon.datasets import datasets
from daemon.mapping.holding import holdings
from daemon.mapping.suggest import Suggestion, suggest
from daemon.reading import read
from tests.integration.test_ready_made import EXPORTS

HEADERS = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((EXPORTS / "headers").glob("*.toml"))}


def proposed(suggestion: Suggestion) -> dict[str, str]:
    """The proposals by header."""
    found = {}
    for field, proposal in suggestion.columns.items():
        found[proposal.header] = f"{field}:debit" if proposal.credit else field
        if proposal.credit:
            found[proposal.credit] = f"{field}:credit"
    return found


def export(path: Path, columns: list[list[str]]) -> Path:
    """A file with these columns, each its header, its field and its values."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t")
        writer.writerow([header for header, *_ in columns])
        writer.writerows(zip(*(values for _, _, *values in columns), strict=True))
    return path


def judged(dataset: str, columns: list[list[str]], path: Path) -> tuple[Counter[str], list[str]]:
    """How many mapped fields were proposed right, how many proposals were wrong, and which."""
    reader = read(export(path, columns))
    got = proposed(suggest(datasets()[dataset], holdings(reader.header, reader)))
    count: Counter[str] = Counter()
    wrong = []
    for header, field, *_ in columns:
        count["mapped"] += bool(field)
        count["right"] += bool(field) and got.get(header) == field
        if (given := got.get(header)) and given != field:
            wrong.append(f"{header}: {given}, not {field or 'unmapped'}")
    return count, wrong


@pytest.mark.parametrize("dataset", HEADERS)
def test_headers_in_fifteen_languages_are_understood(dataset: str, tmp_path: Path) -> None:
    """Of the fields that ERPs print, at least 95 in 100 are proposed right, and at most 2 in 100 proposals are wrong."""
    count: Counter[str] = Counter()
    wrong = []
    for language, table in HEADERS[dataset].items():
        each, faults = judged(dataset, table["columns"], tmp_path / f"{language}.csv")
        count += each
        wrong += [f"{language} {fault}" for fault in faults]
    assert len(HEADERS[dataset]) == 15
    assert count["right"] >= 0.95 * count["mapped"], (count, wrong)
    assert len(wrong) <= 0.02 * (count["right"] + len(wrong)), wrong

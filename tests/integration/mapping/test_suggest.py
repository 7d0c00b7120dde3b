"""Suggestions: from header rows in fifteen languages, and from the exports of the ready-made profiles."""

import csv
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from daemon.datasets import datasets
from daemon.mapping.evidence import evidence_of
from daemon.mapping.suggest import Suggestion, suggest
from daemon.profiles import ready_made
from daemon.reading import read
from tests.support.exports import EXPORTS, ready_made_profile

HEADERS = {
    dataset: [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((EXPORTS / "headers").rglob(f"{dataset}.toml"))]
    for dataset in datasets()
}


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
    got = proposed(suggest(datasets()[dataset], evidence_of(reader.header, reader)))
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
    for languages in HEADERS[dataset]:
        assert len(languages) == 15
        for language, table in languages.items():
            each, faults = judged(dataset, table["columns"], tmp_path / f"{language}.csv")
            count += each
            wrong += [f"{language} {fault}" for fault in faults]
    assert count["right"] >= 0.95 * count["mapped"], (count, wrong)
    assert len(wrong) <= 0.02 * (count["right"] + len(wrong)), wrong


ARGUABLE = {
    "business-central-ledger-entries": {
        "amount": "Amount"
    },  # the profile prefers the original amount; they differ by corrections
    "mydsomanager-clients": {"legal_id": "legal_id"},  # one ERP's extractor writes something else under this very name
    "odoo-invoices": {
        "currency": "Currency"
    },  # Odoo's signed totals are in another column's currency, which only Odoo's users know
    "sap-fbl5n-list": {"item_type": "Type"},  # the document type; the profile takes the posting key, which tells credits better
    "sap-fbl5n-xlsx": {"item_type": "Document Type", "erp_type": "Posting Key"},
}
"""Proposals that a person with nothing but the file would have made too."""


@pytest.mark.parametrize("name", [path.stem for path in ready_made() if not ready_made_profile(path.stem).format.header])
def test_the_headers_of_known_exports_are_understood(name: str) -> None:
    """For the exports of the ready-made profiles, the proposals are those profiles' own columns, and cover nearly all of them."""
    chosen = ready_made_profile(name)
    (file,) = [path for path in EXPORTS.iterdir() if chosen.matches(path.name, "any")]
    reader = read(file, chosen.format)
    suggestion = suggest(datasets()[chosen.dataset], evidence_of(reader.header, reader))
    own = {field: column for field, column in chosen.columns.items() if set(column.headers) & set(reader.header)}
    wrong = {
        field: proposal.header
        for field, proposal in suggestion.columns.items()
        if field in own and proposal.header not in [*own[field].headers, ARGUABLE.get(name, {}).get(field)]
    }
    assert wrong == {}
    assert len(own.keys() & suggestion.columns.keys()) >= 0.8 * len(own), own.keys() - suggestion.columns.keys()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("Ja", "Nein"), {}),
        (("Sì", "No"), {}),
        (("是", "否"), {}),
        (("J", "N"), {"J": "yes", "N": "no"}),
        (("X", ""), {"X": "yes"}),
        (("gesperrt", "Ja"), {"gesperrt": "", "Ja": "yes"}),
    ],
)
def test_yes_and_no_are_known_as_they_are_printed(cells: tuple[str, str], words: dict[str, str], tmp_path: Path) -> None:
    """As words in every language they are read as they stand; letters, and what is neither, are put into the profile's map."""
    path = tmp_path / "customers.csv"
    path.write_text("Kundennummer;Firma;Gesperrt\n" + "".join(f"C{n};Firma {n};{cells[n % 2]}\n" for n in range(6)), "utf-8")
    reader = read(path)
    suggestion = suggest(datasets()["customers"], evidence_of(reader.header, reader))
    assert suggestion.columns["blocked"].words == words

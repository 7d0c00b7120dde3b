"""Words that a profile learns."""

from pathlib import Path

import pytest

from daemon.importing import as_profile, rememberable, remembered
from daemon.toml import ConfigInvalid

PROFILE = """
dataset = "receivables"
pattern = "ar*.csv"

[columns]
customer_code = "Kunde" # from the ERP
item_number = "Beleg"
issue_date = "Datum"
due_date = "Fällig"
amount = "Betrag"
currency = { from = "Wrg", map = { "€" = "EUR" } }

[columns.item_type]
from = "Art"

[[also]]
dataset = "customers"
columns.customer_code = "Kunde"
columns.business_name = "Name"
columns.country = "Land"
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The profile's file."""
    path = tmp_path / "p.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return path


def test_words_join_those_that_a_profile_has(saved: Path) -> None:
    """However the column is written; every other line stays."""
    text = remembered(saved, "receivables", {"currency": {"Fr.": "CHF"}, "item_type": {'Gut"schrift': "credit_note"}})
    section = as_profile(text, "p").section("receivables")
    assert section.columns["currency"].map == {"€": "EUR", "Fr.": "CHF"}
    assert section.columns["item_type"].map == {'Gut"schrift': "credit_note"}
    assert set(PROFILE.splitlines()) - set(text.splitlines()) == {'currency = { from = "Wrg", map = { "€" = "EUR" } }'}


def test_a_section_of_its_own_learns_its_own_words(saved: Path) -> None:
    """What rides along has its columns beside those of the file's first dataset."""
    profile = as_profile(remembered(saved, "customers", {"country": {"Oesterreich": "AT"}}), "p")
    assert profile.section("customers").columns["country"].map == {"Oesterreich": "AT"}
    assert profile.section("receivables").columns["currency"].map == {"€": "EUR"}


@pytest.mark.parametrize(("dataset", "columns"), [("receivables", {"Wrg", "Art"}), ("customers", {"Land"})])
def test_only_words_that_recur_are_remembered(saved: Path, dataset: str, columns: set[str]) -> None:
    """A number, a name, a code, an amount or a day is what it is: put in another's place for ever, it would lead rows astray."""
    assert set(rememberable(as_profile(PROFILE, "p").section(dataset))) == columns


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"[[[", "is not TOML"),
        (b"x = \xff", "cannot be read"),
        (PROFILE.replace('"€" = "EUR"', '"Fr." = "EUR"').encode(), 'means "EUR" by now'),
    ],
)
def test_what_cannot_be_remembered_is_said(saved: Path, written: bytes, told: str) -> None:
    """A file that is no profile any more, and a word that somebody gave another meaning meanwhile, stay as they are."""
    saved.write_bytes(written)
    with pytest.raises(ConfigInvalid, match=told):
        remembered(saved, "receivables", {"currency": {"Fr.": "CHF"}})
    assert saved.read_bytes() == written

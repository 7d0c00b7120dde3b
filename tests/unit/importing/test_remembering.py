"""Words that a profile learns."""

import pytest

from daemon.importing import as_profile, rememberable, remembered

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


def test_words_join_those_that_a_profile_has() -> None:
    """However the column is written; every other line stays."""
    text = remembered(PROFILE, "receivables", {"currency": {"Fr.": "CHF"}, "item_type": {'Gut"schrift': "credit_note"}})
    section = as_profile(text, "p").section("receivables")
    assert section.columns["currency"].map == {"€": "EUR", "Fr.": "CHF"}
    assert section.columns["item_type"].map == {'Gut"schrift': "credit_note"}
    assert set(PROFILE.splitlines()) - set(text.splitlines()) == {'currency = { from = "Wrg", map = { "€" = "EUR" } }'}


def test_a_section_of_its_own_learns_its_own_words() -> None:
    """What rides along has its columns beside those of the file's first dataset."""
    profile = as_profile(remembered(PROFILE, "customers", {"country": {"Oesterreich": "AT"}}), "p")
    assert profile.section("customers").columns["country"].map == {"Oesterreich": "AT"}
    assert profile.section("receivables").columns["currency"].map == {"€": "EUR"}


@pytest.mark.parametrize(
    ("dataset", "columns"), [("receivables", {"Kunde", "Beleg", "Wrg", "Art"}), ("customers", {"Kunde", "Name", "Land"})]
)
def test_words_are_remembered_and_amounts_and_days_are_not(dataset: str, columns: set[str]) -> None:
    """What one field is read from as it is, and recurs."""
    assert set(rememberable(as_profile(PROFILE, "p").section(dataset))) == columns

"""Totals: a line that is plainly the file's own total is no row, and what it says is compared with the rows."""

import pytest

from tests.support.night import Night, customers
from tests.support.office import ITEMS, Office

ROWS = "{code};F1;01/02/2024;02/03/2024;100\n{code};F2;01/02/2024;02/03/2024;50\n"


@pytest.fixture
def night(office: Office) -> Night:
    """A drop of an ERP that prints a total under its items."""
    made = Night(office, erp={})
    office.profile("items", ITEMS)
    made.arrive("erp/customers.csv", customers("C1"))
    made.pass_by()
    return made


def header(night: Night) -> str:
    """The headers of the profile's files."""
    return ";".join(night.office.profiles.get("items").section("receivables").headers) + "\n"


def balance(night: Night) -> list[tuple[object, ...]]:
    """What is open, by SQL."""
    return night.office.rows("SELECT count(*), coalesce(sum(remaining), 0)::int FROM ar.receivable WHERE state = 'open'")


WORDS = [
    "Total",
    "Summe",
    "Gesamt",
    "Totale",
    "Razem:",
    "UKUPNO",
    "Toplam",
    "合計",
    "合计",
    "Suma",
    "Totaal",
    "Total general",
    "Összesen",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_total_is_no_row(night: Night, word: str) -> None:
    """In whatever language it is said, the line is ignored, and the rows above it are all that is imported."""
    night.arrive("erp/items.csv", header(night) + ROWS.format(code="C1") + f"{word};;;;150\n")
    night.pass_by()
    assert night.runs()[-1] == ("items.csv", "imported", None)
    (tally,) = night.office.rows(
        "SELECT (tally->>'read')::int, (tally->>'ignored')::int FROM nightporter.import_run ORDER BY id DESC LIMIT 1"
    )
    assert (tally, balance(night)) == ((2, 1), [(2, 150)])


def test_another_sum_than_the_rows_holds_the_file(night: Night) -> None:
    """A file whose rows do not come to its total may have lost some: nothing happens before somebody decides."""
    night.arrive("erp/items.csv", header(night) + ROWS.format(code="C1") + "Total;;;;1150\n")
    night.pass_by()
    assert night.runs()[-1] == ("items.csv", "held", None)
    assert balance(night) == [(0, 0)]


def test_a_customer_called_total_is_a_customer(night: Night) -> None:
    """What has a number and its dates is a record, whatever its customer is called."""
    night.arrive("erp/customers-2.csv", customers("TOTAL"))
    night.arrive("erp/items.csv", header(night) + ROWS.format(code="TOTAL"))
    night.pass_by()
    assert balance(night) == [(2, 150)]

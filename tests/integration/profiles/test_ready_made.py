"""The ready-made profiles: each reads an export of its ERP, row for row."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from daemon.mapping import fit
from daemon.model import Batch, Rejection
from daemon.profiles import ready_made
from daemon.profiles.profile import Profile, Section
from daemon.reading import read
from tests.support.exports import EXPORTS, ready_made_profile


@dataclass
class Came:
    """What came of a file."""

    rows: int = 0
    skipped: int = 0
    ignored: int = 0
    money: Counter[str] = field(default_factory=Counter)
    first: dict[str, object] = field(default_factory=dict)


def load(profile: Profile, section: Section, path: Path) -> Came:
    came, reader = Came(), read(path, profile.format)
    mapping = fit(section, reader.header, lambda: read(path, profile.format), profile.format.conventions)
    for item in reader:
        assert not isinstance(item, Rejection), item
        mapped = mapping.apply(item)
        assert mapped.rejections == []
        came.first = came.first or mapped.rows.slice(0, 1).to_pylist()[0]
        came.rows += mapped.rows.num_rows
        came.skipped += mapped.skipped
        came.money.update(mapped.money)
        came.money.subtract(mapped.skipped_money)
    came.ignored = reader.ignored
    return came


@pytest.mark.parametrize(
    ("name", "file", "rows", "skipped", "ignored", "money"),
    [
        ("business-central-ledger-entries", "Customer Ledger Entries.xlsx", 15, 0, 0,
         {"USD": "24288.30", "EUR": "21599.50", "GBP": "6292.60"}),
        ("datev-customers", "EXTF_Stammdaten.csv", 3, 3, 0, {}),
        ("datev-open-items", "OPOS_20261120.TXT", 15, 1, 0, {"EUR": "145562.21"}),
        ("mydsomanager-clients", "clients_20261120.txt", 8, 0, 0, {}),
        ("mydsomanager-items", "items_20261120.txt", 14, 0, 0, {"COP": "14408982.61", "USD": "13330.40", "EUR": "3300"}),
        ("odoo-invoices", "Journal Entry (account.move).csv", 14, 2, 0, {"EUR": "30564.35"}),
        ("odoo-partners", "Contact (res.partner).xlsx", 8, 2, 0, {}),
        ("oracle-ebs-open-items", "AR_PAYMENT_SCHEDULES.csv", 15, 0, 0, {"USD": "40217.15", "DKK": "41250.75", "EUR": "5000.99"}),
        ("quickbooks-ar-aging-detail", "Maple Ridge Supply, Inc_A_R Aging Detail Report.csv", 14, 0, 12, {"USD": "49487.05"}),
        ("sage100-customers", "SAGE_CLIENTS_20261120.csv", 11, 0, 3, {}),
        ("sage100-open-items", "SAGE_ECHEANCES_20261120.csv", 18, 0, 3, {"EUR": "55215.96"}),
        ("sap-customers", "KNA1.txt", 15, 0, 2, {}),
        ("sap-fbl5n-list", "FBL5N_list.txt", 15, 0, 60, {"EUR": "105312.42", "GBP": "6215.01", "USD": "2480.90", "CHF": "15"}),
        ("sap-fbl5n-xlsx", "FBL5N_open_items.xlsx", 12, 5, 0,
         {"EUR": "115327.05", "GBP": "6215.01", "USD": "2480.90", "JPY": "184000"}),
    ],
)  # fmt: skip
def test_a_ready_made_profile_reads_its_export(
    name: str, file: str, rows: int, skipped: int, ignored: int, money: dict[str, str]
) -> None:
    """Every row of the sample is a record, none is rejected, and the open amounts are those the ERP's own totals say."""
    chosen = ready_made_profile(name)
    assert chosen.matches(file, "any")
    came = load(chosen, chosen, EXPORTS / file)
    assert (came.rows, came.skipped, came.ignored) == (rows, skipped, ignored)
    assert came.money == {currency: Decimal(amount) for currency, amount in money.items()}


def test_every_ready_made_profile_is_tried_and_says_where_its_layout_is_from() -> None:
    """None comes without a sample, a source, or a place in the table of how to export."""
    readme = (Path(__file__).parents[3] / "profiles" / "README.md").read_text(encoding="utf-8")
    tried = {
        mark.args[1][n][0]
        for mark in vars(test_a_ready_made_profile_reads_its_export)["pytestmark"]
        for n in range(len(mark.args[1]))
    }
    for path in ready_made():
        assert path.stem in tried
        assert "# Source of the layout:" in path.read_text(encoding="utf-8")
        assert f"`{path.stem}`" in readme


def test_a_file_of_open_items_may_bring_its_customers(tmp_path: Path) -> None:
    """QuickBooks' report has no list of customers beside it: the same file makes them."""
    chosen = ready_made_profile("quickbooks-ar-aging-detail")
    customers = load(chosen, chosen.section("customers"), EXPORTS / "Maple Ridge Supply, Inc_A_R Aging Detail Report.csv")
    assert customers.rows == 14
    assert set(customers.first) >= {"customer_code", "business_name"}


def test_batches_are_indexed_by_the_line_of_the_file() -> None:
    """A record of the list is found on the line that the importer names."""
    lines = (EXPORTS / "FBL5N_list.txt").read_text(encoding="utf-8").splitlines()
    for item in read(EXPORTS / "FBL5N_list.txt"):
        assert isinstance(item, Batch)
        for line, cells in item.rows():
            assert [cell.strip() for cell in lines[line - 1].strip("|").split("|")] == cells

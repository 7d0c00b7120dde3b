"""Promise P8: every amount of a file, and of the ledger that it speaks for, is accounted for to the cent, by currency."""

from decimal import Decimal

import pytest

from tests.support.money import balance, told
from tests.support.office import CUSTOMERS, ITEMS, Office, counts

TYPED = ITEMS.replace('currency = { value = "EUR" }', 'currency = "Cur"\n    item_type = "Type"\n    remaining = "Open"')
HEAD = "Customer;Item;Issued;Due;Amount;Cur;Type;Open\n"
SNAPSHOT = TYPED + '    [import]\n    mode = "snapshot"\n    skip_where = { Type = ["memo"] }\n'


def row(customer: str, item: str, opened: str, kind: str = "invoice", currency: str = "EUR") -> str:
    """One item."""
    return f"{customer};{item};01/02/2024;02/03/2024;{opened};{currency};{kind};{opened}\n"


@pytest.fixture
def ledger(office: Office) -> Office:
    """A customer, and items of several kinds and currencies."""
    office.customers("C1")
    office.profile("items", SNAPSHOT)
    first = (
        row("C1", "F1", "100")
        + row("C1", "F2", "50")
        + row("C1", "F3", "30", currency="USD")
        + row("C1", "D1", "9", "down_payment_request")
    )
    assert office.load("items", HEAD + first).state == "imported"
    assert balance(office) == 180
    return office


def test_the_files_total_is_explained(ledger: Office) -> None:
    """Taken, rejected, parked, twins, skipped and what counts in no balance make it up; of others the amount could not be read."""
    run = ledger.load(
        "items",
        HEAD
        + row("C1", "F1", "100")
        + row("C1", "F1", "100")
        + row("C9", "F8", "7")
        + row("C1", "F7", "11").replace("02/03/2024", "31/02/2024")
        + row("C1", "M1", "3", "memo")
        + row("C1", "D1", "9", "down_payment_request")
        + row("C1", "F6", "x")
        + row("C1", "F3", "30", currency="USD"),
    )
    assert told(run) == {
        "file_total": 230, "taken": 100, "rejected": 11, "parked": 7, "twins": 100, "skipped": 3, "off_balance": 9,
        "open_before": 150, "cleared": 50, "open_after": 100,
    }  # fmt: skip
    assert run.tally
    assert run.tally.unread_amounts == 1
    assert told(run, "USD") == {"file_total": 30, "taken": 30, "open_before": 30, "open_after": 30}


def test_the_ledgers_movement_is_explained(ledger: Office) -> None:
    """New, more, less, cleared, in another currency, of another kind: each by itself."""
    run = ledger.load(
        "items",
        HEAD
        + row("C1", "F1", "120")
        + row("C1", "F2", "45")
        + row("C1", "F3", "30")
        + row("C1", "D1", "9")
        + row("C1", "F5", "1000"),
    )
    assert told(run) == {
        "file_total": 1204, "taken": 1204, "open_before": 150, "new": 1000, "increased": 20, "decreased": 5, "currency_changed": 30,
        "by_type": 9, "open_after": 1204,
    }  # fmt: skip
    assert told(run, "USD") == {"open_before": 30, "currency_changed": -30}
    back = ledger.load("items", HEAD + row("C1", "F1", "120", "down_payment_request") + row("C1", "F5", "1000"))
    assert told(back) == {
        "file_total": 1120, "taken": 1000, "off_balance": 120, "open_before": 1204, "cleared": 84, "by_type": -120, "open_after": 1000,
    }  # fmt: skip
    assert balance(ledger) == 1000


def test_what_comes_back_and_what_had_waited(ledger: Office) -> None:
    """A reopened item, and rows that load with their customer, in the statement of the run that brings it."""
    ledger.load("items", HEAD + row("C1", "F1", "100") + row("C9", "F8", "7"))
    run = ledger.load("items", HEAD + row("C1", "F1", "100") + row("C1", "F2", "50") + row("C9", "F8", "7"))
    assert told(run)["reopened"] == 50
    ledger.profile("customers", CUSTOMERS)
    brought = ledger.load("customers", "Code;Name;City;Limit\nC9;Nine;Lyon;\n")
    assert counts(brought)["released"] == 1
    assert told(brought) == {"open_before": 150, "released": 7, "open_after": 157}
    assert balance(ledger) == 157


def test_another_scopes_items_are_the_rest(office: Office) -> None:
    """A snapshot speaks for its scope; what it takes over from another is told, and what is left there."""
    office.customers("C1")
    for scope in ("north", "south"):
        office.profile(scope, TYPED + f'    [import]\n    mode = "snapshot"\n    scope = "{scope}"\n')
    office.load("north", HEAD + "".join(row("C1", f"N{n}", "10") for n in range(20)))
    office.load("south", HEAD + "".join(row("C1", f"S{n}", "5") for n in range(20)))
    run = office.load("south", HEAD + "".join(row("C1", f"S{n}", "5") for n in range(20)) + row("C1", "N0", "12"))
    assert told(run) == {
        "file_total": 112, "taken": 112, "open_before": 100, "taken_over": 10, "increased": 2, "open_after": 112, "rest": 190,
    }  # fmt: skip
    assert balance(office) == Decimal(302)


def test_open_credits_have_a_currency(office: Office) -> None:
    """Or are rejected: money of no currency is in no total."""
    office.customers("C1")
    office.profile(
        "credits",
        'dataset = "open_credits"\npattern = "c*"\ncolumns = { customer_code = "C", credit_number = "N", credit_date = "D", balance = "B", currency = "Cur" }\n',
    )
    run = office.load("credits", "C;N;D;B;Cur\nC1;K1;2024-02-01;5;EUR\nC1;K2;2024-02-01;6;\n")
    assert office.reasons(run) == {3: ["missing"]}
    assert told(run) == {"file_total": 5, "taken": 5, "new": 5, "open_after": 5}
    assert balance(office) == -5

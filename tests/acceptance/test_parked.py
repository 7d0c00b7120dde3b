"""Parked rows: items that come before their customer wait for it, and are never lost, doubled, or raised from the dead."""

import threading
from decimal import Decimal

import pytest

from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n'
NEW = "Code;Name;City;Limit\nC9;Newcomer;Lyon;\n"


@pytest.fixture
def ledger(office: Office) -> Office:
    """A department with one customer."""
    office.customers("C1")
    office.profile("items", ITEMS)
    return office


def items(*rows: str) -> str:
    """A file: each row `customer item amount`."""
    return ITEMS_HEADER + "".join("{};{};01/02/2024;02/03/2024;{}\n".format(*row.split()) for row in rows)


def stored(office: Office) -> list[tuple[str, Decimal]]:
    """Items and what is open of them."""
    return office.rows("SELECT item_number, remaining FROM ar.receivable WHERE state = 'open' ORDER BY 1")


def test_a_row_waits_for_its_customer(ledger: Office) -> None:
    """It is no rejection; it loads in the run that brings the customer, as the row of the file it came in."""
    run = ledger.load("items", items("C9 F1 5", "C1 F2 6"))
    assert counts(run) == {"read": 2, "created": 1, "parked": 1}
    assert counts(ledger.load("customers", NEW)) == {"read": 1, "created": 1, "released": 1}
    assert ledger.rows(
        "SELECT item_number, created_by_run, source_line, remaining FROM ar.receivable WHERE customer_code = 'C9'"
    ) == [("F1", run.id, 2, Decimal(5))]
    assert counts(ledger.load("customers", NEW.replace("Lyon", "Nice"))) == {"read": 1, "updated": 1}


def test_a_later_row_takes_its_place(ledger: Office) -> None:
    """Only the last word about an item loads, whether the later row waited too or not."""
    ledger.load("items", items("C9 F1 5"))
    ledger.load("items", items("C9 F1 7"))
    assert counts(ledger.load("customers", NEW))["released"] == 1
    assert stored(ledger) == [("F1", Decimal(7))]


def test_a_later_snapshot_without_it_drops_it(ledger: Office) -> None:
    """What the ERP does not list any more is not open, and does not come back to life with its customer."""
    ledger.profile("items", SNAPSHOT)
    ledger.load("items", items("C1 F1 1", "C9 F2 2", "C9 F3 3"))
    ledger.load("items", items("C1 F1 1", "C9 F3 3"))
    assert counts(ledger.load("customers", NEW))["released"] == 1
    assert stored(ledger) == [("F1", Decimal(1)), ("F3", Decimal(3))]


def test_a_parked_row_protects_its_item(ledger: Office) -> None:
    """An item that moved to a customer nobody knows yet is not taken for paid."""
    ledger.profile("items", SNAPSHOT)
    ledger.load("items", items("C1 F1 1", "C1 F2 2"))
    assert counts(ledger.load("items", items("C9 F1 1", "C1 F2 2"))) == {"read": 2, "parked": 1, "unchanged": 1}
    assert [item for item, _ in stored(ledger)] == ["F1", "F2"]


def test_customers_may_be_kept_under_one_entity(ledger: Office) -> None:
    """A group's companies share one customer master: its customer releases the rows of all of them."""
    ledger.profile("fr", ITEMS.replace("dataset", 'entity = "FR"\n    customer_entity = ""\n    dataset'))
    ledger.profile("alone", ITEMS.replace("dataset", 'entity = "BE"\n    dataset'))
    assert counts(ledger.load("fr", items("C1 F1 1", "C9 F2 2"))) == {"read": 2, "created": 1, "parked": 1}
    assert counts(ledger.load("alone", items("C1 B1 1"))) == {"read": 1, "parked": 1}
    assert counts(ledger.load("customers", NEW))["released"] == 1
    assert ledger.rows("SELECT entity, customer_entity FROM ar.receivable WHERE item_number = 'F2'") == [("FR", "")]


def test_an_old_code_finds_its_customer(ledger: Office) -> None:
    """After a recode the ERP may go on using the old code: the alias says whose it is."""
    ledger.load("customers", NEW)
    ledger.do("INSERT INTO ar.customer_alias VALUES ('', 'OLD9', 'C9')")
    assert counts(ledger.load("items", items("OLD9 F1 1"))) == {"read": 1, "created": 1}
    assert ledger.rows("SELECT customer_code FROM ar.receivable") == [("C9",)]


def test_neither_comes_first(ledger: Office) -> None:
    """However customers and items race, no row is left behind waiting for a customer that is there."""
    for number in range(8):
        file = items(f"R{number} F{number} 1")
        customers = f"Code;Name;City;Limit\nR{number};Racer;Paris;\n"
        racing = [
            threading.Thread(target=ledger.load, args=("items", file, f"items-{number}.csv")),
            threading.Thread(target=ledger.load, args=("customers", customers, f"customers-{number}.csv")),
        ]
        for each in racing:
            each.start()
        for each in racing:
            each.join()
    assert ledger.rows("SELECT count(*) FROM nightporter.parked WHERE ended_at IS NULL") == [(0,)]
    assert len(stored(ledger)) == 8


def test_contacts_wait_too(ledger: Office) -> None:
    """A contact of a customer that is not there yet."""
    ledger.profile(
        "contacts", 'dataset = "contacts"\npattern = "c*"\ncolumns = { customer_code = "C", name = "N", email = "E" }\n'
    )
    assert counts(ledger.load("contacts", "C;N;E\nC9;Ada;ada@x.example\n"))["parked"] == 1
    ledger.profile("customers", CUSTOMERS)
    assert counts(ledger.load("customers", NEW))["released"] == 1
    assert ledger.rows("SELECT name FROM ar.contact") == [("Ada",)]

"""Corners of the rules, each once wrong: two large files, late nights, rows that wait beside others, entities without rows."""

from decimal import Decimal

import pytest

from daemon.loading import staging
from daemon.model import Note
from tests.support.night import Night, customers, items
from tests.support.office import CUSTOMERS, ITEMS, Office, counts
from tests.support.snapshots import SNAPSHOT, night, open_items

NEW = "Code;Name;City;Limit\nC9;Newcomer;Lyon;\n"
DELTA = ITEMS + '    [import]\n    business_date = "items-%Y%m%d*"\n'


@pytest.fixture
def ledger(office: Office) -> Office:
    """A department with two customers, a snapshot profile and a delta one."""
    office.customers("C1", "C2")
    office.profile("items", SNAPSHOT)
    office.profile("delta", DELTA)
    return office


def test_large_files_one_after_the_other(ledger: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a stage of its own."""
    monkeypatch.setattr(staging, "SHARED_STAGE_BYTES", 0)
    monkeypatch.setattr("daemon.loading.SHARED_STAGE_BYTES", 0)
    assert counts(night(ledger, 1, "C1 F1 1", "C1 F2 2")) == {"read": 2, "created": 2}
    assert counts(night(ledger, 2, "C1 F1 1", "C9 F3 3")) == {"read": 2, "unchanged": 1, "parked": 1, "cleared": 1}


def test_a_held_delta_is_nobodys_to_supersede(office: Office) -> None:
    """The next delta says nothing of what the held one says."""
    made = Night(office, erp={})
    office.profile(
        "items", ITEMS.replace("[columns]", 'trailer = "T"\n    [columns]') + "    [control]\n    rows = '^T;(\\d+)'\n"
    )
    for name, text in (
        ("customers.csv", customers("C1")),
        ("items-1.csv", items("F1") + "T;2;;;\n"),
        ("items-2.csv", items("F2") + "T;1;;;\n"),
    ):
        made.arrive(f"erp/{name}", text)
        made.pass_by()
    assert [state for _, state, _ in made.runs()] == ["imported", "held", "imported"]


def test_a_late_snapshot_clears_nothing_that_was_seen_later(ledger: Office) -> None:
    """A younger delta had the item, as it is."""
    night(ledger, 1, "C1 A 1", "C1 B 1")
    night(ledger, 3, "C1 A 1", profile="delta")
    assert counts(night(ledger, 2, "C1 B 1", "C1 C 1")) == {"read": 2, "unchanged": 1, "created": 1}
    assert [item for item, _ in open_items(ledger)] == ["A", "B", "C"]


def test_an_older_row_never_replaces_a_younger_one_that_waits(ledger: Office) -> None:
    """Whichever comes first."""
    night(ledger, 5, "C9 A 50", profile="delta")
    night(ledger, 3, "C9 A 100", profile="delta")
    assert counts(ledger.load("customers", NEW))["released"] == 1
    assert open_items(ledger) == [("A", Decimal(50))]


def test_parked_rows_stay_where_a_snapshot_says_nothing_of_them(ledger: Office) -> None:
    """A rejected row of theirs, or a file that is ignored, drops none."""
    ledger.profile("items", SNAPSHOT + '    empty = "ignore"\n')
    night(ledger, 1, "C1 A 1", "C9 B 2")
    night(ledger, 2)
    night(ledger, 3, "C1 A 1", "C9 B rubbish")
    assert counts(ledger.load("customers", NEW))["released"] == 1
    assert [item for item, _ in open_items(ledger)] == ["A", "B"]


def test_an_entity_without_rows_counts_all_the_same(ledger: Office) -> None:
    """What is cleared of it is in the sums."""
    columns = 'entity = "Company"\n    customer_code = "Customer"'
    ledger.profile(
        "several",
        SNAPSHOT.replace('customer_code = "Customer"', columns).replace("dataset", 'customer_entity = ""\n    dataset')
        + '    entities = ["A", "B"]\n',
    )
    head, row = "Company;Customer;Item;Issued;Due;Amount\n", "{};C1;{};01/02/2024;02/03/2024;5\n"
    ledger.load("several", head + row.format("A", "F1") + row.format("B", "F2"), "items-20241101.csv")
    run = ledger.load("several", head + row.format("A", "F1"), "items-20241102.csv")
    assert run.tally
    money = run.tally.money["EUR"]
    assert (money.open_before, money.open_after, money.cleared) == (Decimal(10), Decimal(5), Decimal(5))


def test_waiting_rows_that_cannot_load_hold_up_no_customers(office: Office) -> None:
    """Two contacts with one id wait; their customer comes all the same, and the mail says that they still wait."""
    office.profile(
        "contacts",
        'dataset = "contacts"\npattern = "c*"\ncolumns = { customer_code = "C", name = "N", email = "E", external_id = "I" }\n[import]\nmatch = ["customer_code", "email"]\n',
    )
    office.load("contacts", "C;N;E;I\nC9;Ann;a@x.example;E1\n")
    office.load("contacts", "C;N;E;I\nC9;Bob;b@x.example;E1\n")
    office.profile("customers", CUSTOMERS)
    run = office.load("customers", NEW)
    assert (run.state, counts(run)["released"]) == ("imported", 1)
    assert run.notes == (Note("still_parked", 1),)


def test_new_rows_with_one_key_are_rejected(office: Office) -> None:
    """Though they are matched by another field, and differ in that."""
    office.profile("named", CUSTOMERS + '    [import]\n    match = ["business_name"]\n')
    run = office.load("named", "Code;Name;City;Limit\nC1;One;Paris;\nC1;Two;Lyon;\n")
    assert office.reasons(run) == {2: ["duplicate_key"], 3: ["duplicate_key"]}


def test_a_retry_stays_in_its_scope(ledger: Office) -> None:
    """What a mended retry brings is cleared by the next snapshot that leaves it out."""
    from daemon import db
    from daemon.importing.attempt import attempt
    from daemon.ledger import runs

    ledger.profile("items", SNAPSHOT.replace('    scope = "ledger"\n', ""))
    run = night(ledger, 1, "C1 A 1", "C1 B 1,5x")
    ledger.profile(
        "items",
        SNAPSHOT.replace('    scope = "ledger"\n', "").replace(
            'amount = "Amount"', 'amount = { from = "Amount", map = { "1,5x" = "1,5" } }'
        ),
    )
    with db.transaction(ledger.engine) as conn:
        child = runs.retry_run(conn, run)
    attempt(ledger.engine, ledger.settings, ledger.profiles, child)
    assert [item for item, _ in open_items(ledger)] == ["A", "B"]
    assert counts(night(ledger, 2, "C1 A 1"))["cleared"] == 1


def test_other_kinds_of_key_do_not_wait_together(ledger: Office) -> None:
    """A parked row is known by its key's kind, too."""
    night(ledger, 1, "C9 A 1", profile="delta")
    ledger.profile("keyed", DELTA.replace('item_number = "Item"', 'item_number = "Item"\n    unique_key = "Item"'))
    assert night(ledger, 2, "C1 B 1", profile="keyed").code == "other_key"

"""Customers that turn out to be one, numbers that begin anew, items that change their customer: nothing is open twice."""

from decimal import Decimal

import pytest

from daemon import db, loading
from daemon.importing import decisions
from daemon.loading import Act
from tests.support.money import balance, told
from tests.support.office import CREDITS, CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts
from tests.support.snapshots import SNAPSHOT, night

NEW = "Code;Name;City;Limit\n{};Newcomer;Lyon;\n"
ROW = "{};{};01/02/2024;02/03/2024;{}\n"


@pytest.fixture
def ledger(office: Office) -> Office:
    """Two customers and open items."""
    office.customers("C1", "C2")
    office.profile("items", ITEMS)
    return office


def merge(office: Office, old: str, new: str) -> Act:
    """Merge two customers."""
    with db.transaction(office.engine) as conn:
        return loading.merge_customers(conn, "", old, new, "clerk")


def undo(office: Office, act: Act) -> Act:
    """Take an act back."""
    assert act.id
    with db.transaction(office.engine) as conn:
        return loading.undo_act(conn, act.id, "clerk")


def whose(office: Office) -> list[tuple[str, str]]:
    """Items and their customers."""
    return office.rows("SELECT item_number, customer_code FROM ar.receivable WHERE state = 'open' ORDER BY 1")


def test_a_merge_moves_everything(ledger: Office) -> None:
    """Items, contacts, credits and parked rows; the old code in any file means the new one; and it can be taken back."""
    ledger.profile("credits", CREDITS)
    ledger.profile("contacts", 'dataset = "contacts"\npattern = "k*"\ncolumns = { customer_code = "C", name = "N" }\n')
    ledger.load("items", ITEMS_HEADER + ROW.format("C1", "F1", 100) + ROW.format("C2", "F2", 50) + ROW.format("O9", "F3", 7))
    ledger.load("credits", "Customer;Credit;Date;Balance;Cur\nC1;K1;01/02/2024;10;EUR\n")
    ledger.load("contacts", "C;N\nC1;Ada\n")
    first, second = merge(ledger, "O9", "C1"), merge(ledger, "C1", "C2")
    assert first.rows == {"parked": 1}
    assert second.rows == {"receivables": 2, "open_credits": 1, "contacts": 1, "customers": 1}
    assert whose(ledger) == [("F1", "C2"), ("F2", "C2"), ("F3", "C2")]
    assert balance(ledger) == 147
    again = ledger.load("items", ITEMS_HEADER + ROW.format("O9", "F3", 8) + ROW.format("C1", "F1", 100))
    assert counts(again) == {"read": 2, "updated": 1, "unchanged": 1}
    customers = ledger.load("customers", "Code;Name;City;Limit\nC1;One again;Nice;\n")
    assert counts(customers) == {"read": 1, "updated": 1}
    assert ledger.rows("SELECT customer_code, business_name, presence FROM ar.customer ORDER BY 1") == [
        ("C1", "Customer C1", "absent"),
        ("C2", "One again", "present"),
    ]
    assert undo(ledger, first).obstacles[0].code == "merged_on"
    assert not undo(ledger, second).obstacles
    assert whose(ledger) == [("F1", "C1"), ("F2", "C2"), ("F3", "C1")]
    assert balance(ledger) == 148


def test_both_may_have_the_same(ledger: Office) -> None:
    """Then nothing is merged, and what both have is named."""
    ledger.load("items", ITEMS_HEADER + ROW.format("C1", "F1", 100) + ROW.format("C2", "F1", 50))
    act = merge(ledger, "C1", "C2")
    assert [(each.code, each.values["row"]) for each in act.obstacles] == [("both_have", "F1 2024")]
    assert whose(ledger) == [("F1", "C1"), ("F1", "C2")]
    assert merge(ledger, "C1", "C7").obstacles[0].code == "no_customer"


def test_an_older_run_is_undone_under_the_new_code(ledger: Office) -> None:
    """What it had changed is what it was, and its customer is who that is now."""
    ledger.load("items", ITEMS_HEADER + ROW.format("C1", "F1", 100))
    changed = ledger.load("items", ITEMS_HEADER + ROW.format("C1", "F1", 60))
    assert not merge(ledger, "C1", "C2").obstacles
    with db.transaction(ledger.engine) as conn:
        assert not decisions.undo(conn, ledger.settings, ledger.profiles, changed, "clerk").obstacles
    assert (whose(ledger), balance(ledger)) == ([("F1", "C2")], 100)


def test_an_alias_that_is_only_written_down_is_carried_out(ledger: Office) -> None:
    """By the next import: the items of the old code are not open twice, and a snapshot takes their move for no payment."""
    ledger.profile("items", SNAPSHOT)
    night(ledger, 1, *(f"C1 F{n} 1000" for n in range(30)))
    ledger.do("INSERT INTO ar.customer_alias VALUES ('', 'C1', 'C2')")
    run = night(ledger, 2, *(f"C2 F{n} 1000" for n in range(30)))
    assert counts(run) == {"read": 30, "unchanged": 30}
    assert balance(ledger) == 30_000


def test_a_parked_item_that_comes_for_another_customer_has_moved(ledger: Office) -> None:
    """Of the same number, date and amount it can only be that; alike in number only, both stay, and it is told."""
    ledger.load("items", ITEMS_HEADER + ROW.format("C9", "F1", 100) + ROW.format("C9", "F2", 7))
    run = ledger.load("items", ITEMS_HEADER + ROW.format("C1", "F1", 100) + ROW.format("C1", "F2", 8))
    assert counts(run) == {"read": 2, "created": 2, "moved": 1}
    assert [(note.code, note.count) for note in run.notes] == [("number_waits", 1)]
    ledger.load("customers", NEW.format("C9"))
    assert balance(ledger) == 115


def test_a_number_under_another_year_may_be_the_same_item(ledger: Office) -> None:
    """A delta's row is rejected as ambiguous, with the line to add; once the settings say how numbers run, it is not."""
    ledger.load("items", ITEMS_HEADER + "C1;F1;30/12/2024;30/01/2025;100\n")
    corrected = ITEMS_HEADER + "C1;F1;02/01/2025;30/01/2025;100\n"
    run = ledger.load("items", corrected)
    (rejection,) = ledger.rejections(run)
    assert rejection.reasons[0].code == "ambiguous"
    assert rejection.reasons[0].detail == 'F1 (2024), F1 (2025): [entities.""] numbering = "yearly" / "continuous"'
    assert balance(ledger) == 100
    ledger.settle('[entities.""]\nnumbering = "yearly"\n')
    assert counts(ledger.load("items", corrected + "\n"))["created"] == 1


def test_numbers_may_be_continuous(ledger: Office) -> None:
    """Then the year is not in the key; items that are there are keyed anew by a command, which refuses what would be one."""
    ledger.load("items", ITEMS_HEADER + "C1;F1;30/12/2024;30/01/2025;100\n")
    ledger.settle('[entities.""]\nnumbering = "continuous"\n')
    with db.transaction(ledger.engine) as conn:
        assert loading.declared(conn)[""].numbering is None
        act = loading.renumber(conn, "", "continuous", "admin")
    assert act.rows == {"receivables": 1}
    assert counts(ledger.load("items", ITEMS_HEADER + "C1;F1;02/01/2025;30/01/2025;60\n")) == {"read": 1, "updated": 1}
    assert balance(ledger) == 60
    assert not undo(ledger, act).obstacles
    assert ledger.rows("SELECT year FROM ar.receivable") == [(2024,)]


def test_a_renumbering_that_would_make_two_items_one_is_refused(ledger: Office) -> None:
    """Each is named."""
    ledger.settle('[entities.""]\nnumbering = "yearly"\n')
    ledger.load("items", ITEMS_HEADER + "C1;F1;30/12/2024;30/01/2025;100\nC1;F1;30/12/2025;30/01/2026;5\n")
    with db.transaction(ledger.engine) as conn:
        act = loading.renumber(conn, "", "continuous", "admin")
    assert [(each.code, each.values) for each in act.obstacles] == [("one_key", {"row": "C1 F1", "years": "2024, 2025"})]


def test_a_snapshot_settles_a_changed_year_by_itself(ledger: Office) -> None:
    """The item is the same, with what the department wrote to it."""
    ledger.profile("items", SNAPSHOT)
    night(ledger, 1, "C1;F1;30/12/2023;30/01/2024;100", "C1 F2 5")
    ledger.do("UPDATE ar.receivable SET dispute_status = 'open', promise_date = '2024-12-24' WHERE item_number = 'F1'")
    run = night(ledger, 2, "C1;F1;02/01/2024;30/01/2024;90", "C1 F2 5")
    assert counts(run) == {"read": 2, "updated": 1, "unchanged": 1}
    assert told(run)["decreased"] == 10
    assert ledger.rows("SELECT year, dispute_status, remaining FROM ar.receivable WHERE item_number = 'F1'") == [
        (2024, "open", Decimal(90))
    ]


def test_a_contact_without_an_e_mail_is_known_by_name(ledger: Office) -> None:
    """When its e-mail comes, it is the same contact; two of one name are told apart by theirs."""
    ledger.profile(
        "contacts",
        'dataset = "contacts"\npattern = "k*"\ncolumns = { customer_code = "C", name = "N", email = "E", phone = "P" }\n',
    )
    head = "C;N;E;P\n"
    assert counts(ledger.load("contacts", head + "C1;Ada Byron;;1\nC1;Bob;bob@x.example;2\n")) == {"read": 2, "created": 2}
    assert counts(ledger.load("contacts", head + "C1;ada  byron;ada@x.example;1\nC1;Bob;;3\n")) == {"read": 2, "updated": 2}
    assert ledger.rows("SELECT name, email, phone FROM ar.contact ORDER BY email") == [
        ("ada  byron", "ada@x.example", "1"),
        ("Bob", "bob@x.example", "3"),
    ]
    run = ledger.load("contacts", head + "C1;Bob;other@x.example;4\nC1;Bob;;5\n")
    assert (counts(run), ledger.reasons(run)) == ({"read": 2, "created": 1, "rejected": 1}, {3: ["ambiguous"]})
    assert ledger.reasons(ledger.load("contacts", head + "C1;Bob;;6\n")) == {2: ["ambiguous"]}


def test_a_customer_that_rides_along_may_be_written_in_two_ways(office: Office) -> None:
    """The last row counts, and it is told; its items go in."""
    office.profile(
        "items",
        ITEMS + '    [[also]]\n    dataset = "customers"\n    columns = { customer_code = "Customer", business_name = "Name" }\n',
    )
    head = ITEMS_HEADER.strip() + ";Name\n"
    run = office.load("items", head + "C1;F1;01/02/2024;02/03/2024;100;ACME\nC1;F2;01/02/2024;02/03/2024;50;Acme Ltd\n")
    assert counts(run) == {"read": 2, "created": 2}
    customers = office.run(office.rows("SELECT id FROM nightporter.import_run WHERE dataset = 'customers'")[0][0])
    assert counts(customers) == {"read": 2, "created": 1, "skipped": 1}
    assert [(note.code, note.count, note.examples) for note in customers.notes] == [("written_otherwise", 1, "C1")]
    assert office.rows("SELECT business_name FROM ar.customer") == [("Acme Ltd",)]
    assert balance(office) == 150


def test_groups_made_by_hand_stay(office: Office) -> None:
    """A file replaces those that files brought."""
    office.profile("customers", CUSTOMERS.replace('credit_limit = "Limit"', 'groups = "Groups"'))
    head = "Code;Name;City;Groups\n"
    office.load("customers", head + "C1;One;Paris;North, Big\n")
    office.do("UPDATE ar.customer SET groups = groups || '{VIP}'")
    assert counts(office.load("customers", head + "C1;One;Paris;North, Big\n\n"))["unchanged"] == 1
    office.load("customers", head + "C1;One;Paris;South\n")
    assert office.rows("SELECT groups FROM ar.customer") == [(["South", "VIP"],)]


def test_groups_made_by_hand_outlive_blanks_and_undos(office: Office) -> None:
    """Even where a blank cell clears what files brought, where a file names the group once, and where a run is undone."""
    clears = CUSTOMERS.replace('credit_limit = "Limit"', 'groups = "Groups"') + '    [import]\n    blank = "clear"\n'
    office.profile("customers", clears)
    head = "Code;Name;City;Groups\n"
    office.load("customers", head + "C1;One;Paris;North\n")
    office.do("UPDATE ar.customer SET groups = groups || '{VIP}'")
    office.load("customers", head + "C1;One;Paris;North, VIP\n")
    office.load("customers", head + "C1;One;Paris;\n")
    assert office.rows("SELECT groups FROM ar.customer") == [(["VIP"],)]
    latest = office.load("customers", head + "C1;One;Nice;South\n")
    office.do("UPDATE ar.customer SET groups = groups || '{Watch}'")
    with db.transaction(office.engine) as conn:
        assert decisions.undo(conn, office.settings, office.profiles, latest, "clerk").obstacles == []
    assert office.rows("SELECT city, groups FROM ar.customer") == [("Paris", ["VIP", "Watch"])]

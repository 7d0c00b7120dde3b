"""Snapshots: the file is all that is open. What it leaves out was paid; but not every night's file is to be believed."""

from decimal import Decimal

import pytest

from daemon.model import Note
from tests.support.office import ITEMS, Office, counts
from tests.support.snapshots import SNAPSHOT, night, open_items


@pytest.fixture
def ledger(office: Office) -> Office:
    """A department with three customers, whose ERP sends all that is open every night."""
    office.customers("C1", "C2", "C3")
    office.profile("items", SNAPSHOT)
    return office


def test_what_is_left_out_was_paid_and_what_comes_back_is_open_again(ledger: Office) -> None:
    """Monday's file has two invoices, Tuesday's one of them: the other is cleared by that run, and reopened on Wednesday."""
    night(ledger, 1, "C1 F1 100", "C1 F2 50")
    tuesday = night(ledger, 2, "C1 F1 100")
    assert counts(tuesday) == {"read": 1, "unchanged": 1, "cleared": 1}
    assert tuesday.tally
    assert tuesday.tally.money["EUR"].cleared == Decimal("50.00")
    assert ledger.rows("SELECT cleared_by, cleared_at IS NOT NULL FROM ar.receivable WHERE item_number = 'F2'") == [
        (tuesday.id, True)
    ]
    wednesday = night(ledger, 3, "C1 F1 100", "C1 F2 50")
    assert counts(wednesday) == {"read": 2, "unchanged": 1, "updated": 1, "reopened": 1}
    assert open_items(ledger) == [("F1", Decimal(100)), ("F2", Decimal(50))]


def test_a_snapshot_speaks_for_its_scope_only(ledger: Office) -> None:
    """Another profile's items, and another entity's, stay open; a delta never clears."""
    ledger.profile("other", SNAPSHOT.replace('"ledger"', '"export"'))
    ledger.profile("belgian", SNAPSHOT.replace("dataset", 'entity = "BE"\n    customer_entity = ""\n    dataset'))
    ledger.profile("late", ITEMS + '    [import]\n    scope = "ledger-by-day"\n')
    night(ledger, 1, "C1 F1 1")
    night(ledger, 1, "C1 F2 2", profile="other")
    night(ledger, 1, "C1 F3 3", profile="belgian")
    night(ledger, 1, "C1 F4 4", profile="late")
    assert counts(night(ledger, 2, "C1 F5 5")) == {"read": 1, "created": 1, "cleared": 1}
    assert [item for item, _ in open_items(ledger)] == ["F2", "F3", "F4", "F5"]


def test_two_profiles_cannot_speak_for_one_scope(ledger: Office) -> None:
    """Each would clear what only the other has: `check` names both."""
    assert ledger.profiles.sharing_a_scope() == []
    ledger.profile("again", SNAPSHOT)
    assert ledger.profiles.sharing_a_scope() == [["again", "items"]]


def test_a_rejected_row_protects_its_item(ledger: Office) -> None:
    """A row that cannot be read is no payment; where not even its number can be read, nothing is cleared, and the mail says so."""
    night(ledger, 1, "C1 F1 1", "C1 F2 2", "C1 F3 3")
    assert counts(night(ledger, 2, "C1 F1 1", "C1 F2 rubbish")) == {"read": 2, "unchanged": 1, "rejected": 1, "cleared": 1}
    assert [item for item, _ in open_items(ledger)] == ["F1", "F2"]
    blind = night(ledger, 3, "C1 F1 1", "C1;F2;01/02/2024;02/03/2024;2;0")
    assert counts(blind) == {"read": 2, "unchanged": 1, "rejected": 1}
    assert blind.notes == (Note("nothing_cleared", 1),)


def test_instalments_are_rows_of_their_own(ledger: Office) -> None:
    """One invoice in two parts: the paid part is cleared, the other stays."""
    ledger.profile("items", SNAPSHOT.replace('item_number = "Item"', 'item_number = "Item"\n    instalment = "Part"'))
    head = "Customer;Item;Part;Issued;Due;Amount\n"
    row = "C1;F1;{0};01/02/2024;0{0}/03/2024;5\n"
    ledger.load("items", head + row.format(1) + row.format(2), "items-20241101.csv")
    ledger.load("items", head + row.format(2), "items-20241102.csv")
    assert ledger.rows("SELECT instalment, state FROM ar.receivable ORDER BY 1") == [("1", "cleared"), ("2", "open")]


def test_an_item_under_another_customer_is_reported_as_moved(ledger: Office) -> None:
    """Whether the item's key names its customer, or the ERP has an id of its own."""
    night(ledger, 1, "C1 F1 1", "C2 F2 2")
    assert counts(night(ledger, 2, "C3 F1 1", "C2 F2 2")) == {"read": 2, "created": 1, "unchanged": 1, "cleared": 1, "moved": 1}
    keyed = ITEMS.replace('item_number = "Item"', 'item_number = "Item"\n    unique_key = "Item"').replace(
        "dataset", 'entity = "K"\n    customer_entity = ""\n    dataset'
    )
    ledger.profile("keyed", keyed)
    night(ledger, 1, "C1 U1 1", profile="keyed")
    assert counts(night(ledger, 2, "C2 U1 1", profile="keyed")) == {"read": 1, "updated": 1, "moved": 1}
    assert ledger.rows("SELECT customer_code FROM ar.receivable WHERE unique_key = 'U1'") == [("C2",)]


def test_an_older_snapshot_is_stale(ledger: Office) -> None:
    """Monday's file that comes after Tuesday's is refused; Tuesday's sent again, corrected, is taken."""
    night(ledger, 2, "C1 F1 1", "C1 F2 2")
    late = night(ledger, 1, "C1 F1 1")
    assert (late.state, late.code) == ("refused", "stale")
    assert night(ledger, 2, "C1 F1 1").state == "imported"
    assert open_items(ledger) == [("F1", Decimal(1))]


def test_an_older_delta_changes_nothing_that_is_younger(ledger: Office) -> None:
    """Late rows are skipped where a younger file had the item, be it with the same content, or spoke for its scope."""
    ledger.profile(
        "delta",
        SNAPSHOT.replace('"snapshot"', '"delta"').replace('scope = "ledger"\n', "").replace("    [import]", "    [import]"),
    )
    night(ledger, 1, "C1 F1 1", "C1 F2 2", "C1 F3 3", profile="delta")
    night(ledger, 3, "C1 F1 10", "C1 F2 2", profile="delta")
    late = night(ledger, 2, "C1 F1 5", "C1 F2 5", "C1 F3 5", profile="delta")
    assert counts(late) == {"read": 3, "skipped": 2, "updated": 1}
    assert open_items(ledger) == [("F1", Decimal(10)), ("F2", Decimal(2)), ("F3", Decimal(5))]
    night(ledger, 5, "C2 G1 1", "C2 G2 2")
    late = night(ledger, 4, "C2 G1 9", profile="delta")
    assert counts(late) == {"read": 1, "skipped": 1}


def test_the_day_may_stand_in_a_column(ledger: Office) -> None:
    """A column with the closing date is the business date; a snapshot with two is refused."""
    ledger.profile("items", SNAPSHOT.replace('business_date = "items-%Y%m%d*"', 'business_date = { from = "Closing" }'))
    head, row = "Customer;Item;Issued;Due;Amount;Closing\n", "C1;{};01/02/2024;02/03/2024;5;{}\n"
    run = ledger.load("items", head + row.format("F1", "05/11/2024"))
    assert str(run.business_date) == "2024-11-05"
    assert ledger.load("items", head + row.format("F1", "04/11/2024")).code == "stale"
    assert ledger.load("items", head + row.format("F1", "06/11/2024") + row.format("F2", "07/11/2024")).code == "date_unclear"


def test_without_a_day_the_night_of_its_arrival_counts(office: Office) -> None:
    """What comes before six in the morning belongs to the day before."""
    office.customers("C1")
    office.profile("items", ITEMS + '    [import]\n    mode = "snapshot"\n')
    run = night(office, 1, "C1 F1 1")
    assert office.rows(
        "SELECT business_date = (arrived_at AT TIME ZONE 'UTC' - interval '6 hours')::date FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = arrival_id WHERE r.id = "
        + str(run.id)
    ) == [(True,)]


def test_a_customers_snapshot_marks_who_is_absent(office: Office) -> None:
    """Nobody is ever deleted; who comes back is present again."""
    office.customers("C1", "C2")
    office.profile(
        "all",
        'dataset = "customers"\npattern = "all*"\ncolumns = { customer_code = "Code", business_name = "Name" }\n[import]\nmode = "snapshot"\n',
    )
    office.load("all", "Code;Name\nC1;Customer C1\nC2;Customer C2\n")
    run = office.load("all", "Code;Name\nC2;Customer C2\n")
    assert counts(run) == {"read": 1, "unchanged": 1, "cleared": 1}
    assert office.rows("SELECT customer_code, presence, absent_by FROM ar.customer ORDER BY 1") == [
        ("C1", "absent", run.id),
        ("C2", "present", None),
    ]
    assert counts(office.load("all", "Code;Name\nC1;Customer C1\nC2;Customer C2\n\n"))["reopened"] == 1


def test_two_kinds_of_key_never_meet(ledger: Office) -> None:
    """An entity whose items are known by number takes no file that knows them by the ERP's id: each would be there twice."""
    night(ledger, 1, "C1 F1 1")
    ledger.profile("keyed", ITEMS.replace('item_number = "Item"', 'item_number = "Item"\n    unique_key = "Item"'))
    assert night(ledger, 2, "C1 F1 1", profile="keyed").code == "other_key"


def test_a_file_of_several_entities_clears_only_those_it_speaks_for(ledger: Office) -> None:
    """The others' items are taken in, and nothing of theirs is cleared; without a list the profile is at fault."""
    several = SNAPSHOT.replace('customer_code = "Customer"', 'entity = "Company"\n    customer_code = "Customer"').replace(
        "dataset", 'customer_entity = ""\n    dataset'
    )
    ledger.profile("several", several)
    assert any("entities" in str(fault) for fault in ledger.profiles.mistakes)
    ledger.profile("several", several + '    entities = ["FR"]\n')
    head, row = "Company;Customer;Item;Issued;Due;Amount\n", "{};C1;{};01/02/2024;02/03/2024;5\n"
    ledger.load("several", head + row.format("FR", "F1") + row.format("BE", "B1"), "items-20241101.csv")
    run = ledger.load("several", head + row.format("FR", "F2") + row.format("BE", "B2"), "items-20241102.csv")
    assert counts(run)["cleared"] == 1
    assert [item for item, _ in open_items(ledger)] == ["B1", "B2", "F2"]

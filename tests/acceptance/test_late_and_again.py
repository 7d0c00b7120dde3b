"""Of two files the one about the later day speaks, of two about one day the later one; what was sent before is not taken for news."""

from decimal import Decimal

import pytest

from daemon import db, ledger
from daemon.importing import decisions
from daemon.importing.attempt import attempt
from daemon.model import ImportRun, Note
from tests.support.money import balance
from tests.support.office import ITEMS, ITEMS_HEADER, Office, counts
from tests.support.snapshots import night, open_items

DATED = '    [import]\n    business_date = "items-%Y%m%d*"\n'
ROW = "C1;{};01/02/2024;02/03/2024;{}\n"


@pytest.fixture
def books(office: Office) -> Office:
    """A customer, a nightly snapshot and a delta of one scope."""
    office.customers("C1")
    office.profile("items", ITEMS + DATED + '    mode = "snapshot"\n')
    office.profile("delta", ITEMS + DATED)
    return office


def retry(office: Office, run: ImportRun) -> ImportRun:
    """Ask for a run once more."""
    with db.transaction(office.engine) as conn:
        child = ledger.runs.retry_run(conn, run)
    attempt(office.engine, office.settings, office.profiles, child)
    return office.run(child)


def test_a_late_delta_does_not_open_what_was_left_out(books: Office) -> None:
    """An item that a later snapshot leaves out is spoken for, be it known or not; what it rejected is not, nor what it parked, but for another customer."""
    night(books, 3, "C1 F1 100", "C1 F2 x", "C9 F3 5")
    late = night(books, 2, "C1 F8 40", "C1 F2 20", "C1 F3 5", profile="delta")
    assert counts(late) == {"read": 3, "skipped": 2, "created": 1}
    assert balance(books) == 120


def test_that_outlives_the_run(books: Office) -> None:
    """However often others were imported since."""
    night(books, 3, "C1 F1 100", "C1 F2 x")
    night(books, 3, "C1 F7 1", profile="delta")
    assert counts(night(books, 2, "C1 F2 20", "C1 F8 3", profile="delta")) == {"read": 2, "created": 1, "skipped": 1}
    assert balance(books) == 121


def test_of_one_day_the_later_file_speaks(books: Office) -> None:
    """A delta that came after the night's snapshot, about the same day, is taken; one that came before it is not."""
    early = night(books, 2, "C1 F5 9", profile="delta")
    night(books, 2, "C1 F1 100")
    assert balance(books) == 100
    assert counts(retry(books, early)) == {"read": 1, "skipped": 1}
    assert counts(night(books, 2, "C1 F6 1", profile="delta")) == {"read": 1, "created": 1}
    assert balance(books) == 101


def test_a_retried_older_snapshot_of_the_same_night_is_stale(books: Office) -> None:
    """Or it would clear what the newer one opened."""
    first = night(books, 2, "C1 F1 100")
    night(books, 2, "C1 F1 100", "C1 F2 50")
    again = retry(books, first)
    assert (again.state, again.code) == ("refused", "stale")
    assert balance(books) == 150


def test_a_duplicate_is_one_of_the_scopes_latest_import(office: Office) -> None:
    """Whoever's that was. Bytes of an earlier one are held, unless their name or a column says that they are of a later day."""
    office.customers("C1")
    office.profile("items", ITEMS + '    [import]\n    mode = "snapshot"\n')
    office.profile("delta", ITEMS)
    a = ITEMS_HEADER + ROW.format("F1", 100)
    assert office.load("items", a).state == "imported"
    assert office.load("delta", a).code == "duplicate"
    assert counts(office.load("delta", ITEMS_HEADER + ROW.format("F2", 50)))["created"] == 1
    held = office.load("items", a)
    assert held.state == "held"
    assert held.effect
    assert list(held.effect.details) == ["sent_again"]
    assert balance(office) == 150
    with db.transaction(office.engine) as conn:
        assert decisions.approve(conn, held, "clerk")
    attempt(office.engine, office.settings, office.profiles, held.id)
    assert (office.run(held.id).state, balance(office)) == ("imported", 100)


def test_a_later_day_in_the_name_makes_it_news(books: Office) -> None:
    """All is open again that was, on another day."""
    night(books, 1, "C1 F1 100")
    night(books, 2, "C1 F2 50")
    assert night(books, 3, "C1 F1 100").state == "imported"
    assert open_items(books) == [("F1", Decimal(100))]
    assert night(books, 3, "C1 F2 50").state == "held"


def test_a_file_cut_short_is_held(office: Office) -> None:
    """Whether a file ends in a line end is part of what the first import finds; one that differs waits for a person."""
    office.customers("C1")
    office.profile("items", ITEMS)
    first = office.load("items", ITEMS_HEADER + ROW.format("F1", "1190,00"))
    assert first.notes == ()
    cut = office.load("items", (ITEMS_HEADER + ROW.format("F2", "7,00") + ROW.format("F3", "1190,00"))[:-4])
    assert cut.state == "held"
    assert cut.effect
    assert list(cut.effect.details) == ["cut_short"]
    with db.transaction(office.engine) as conn:
        decisions.approve(conn, cut, "clerk")
    attempt(office.engine, office.settings, office.profiles, cut.id)
    assert office.run(cut.id).state == "imported"
    again = office.load("items", (ITEMS_HEADER + ROW.format("F4", "1190,00"))[:-1])
    assert again.state == "held"


def test_without_a_pin_it_is_noted(office: Office) -> None:
    """The first file of a profile may be like that; the next one is held to it."""
    office.customers("C1")
    office.profile("items", ITEMS)
    run = office.load("items", (ITEMS_HEADER + ROW.format("F1", "1190,00"))[:-1])
    assert (run.state, run.notes) == ("imported", (Note("no_final_newline", 1),))
    assert office.load("items", ITEMS_HEADER + ROW.format("F2", "5,00")).state == "held"
    office.profile("items", ITEMS.replace("[columns]", "final_newline = true\n    [columns]"))
    assert office.load("items", ITEMS_HEADER + ROW.format("F3", "5,00")).state == "imported"

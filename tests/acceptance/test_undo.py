"""Undo: a wrong file's import is taken back whole, or not at all, with the reason."""

import pytest

from daemon import db
from daemon.importing import decisions
from daemon.loading import Undone
from daemon.model import ImportRun
from daemon.upkeep.retention import prune_archive
from daemon.words import Words
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n'
EVERYTHING = "SELECT to_jsonb(t) FROM {} t ORDER BY id"
TABLES = ("ar.customer", "ar.receivable", "ar.contact", "ar.open_total")


@pytest.fixture
def ledger(office: Office) -> Office:
    """A department with one customer and two items."""
    office.customers("C1")
    office.profile("items", SNAPSHOT)
    office.load("items", items("C1 F1 1", "C1 F2 2"))
    return office


def items(*rows: str) -> str:
    """A file: each row `customer item amount`."""
    return ITEMS_HEADER + "".join("{};{};01/02/2024;02/03/2024;{}\n".format(*row.split()) for row in rows)


def undo(office: Office, run: ImportRun) -> Undone:
    """As `imports undo` does."""
    with db.transaction(office.engine) as conn:
        return decisions.undo(conn, office.settings, office.profiles, run, "clerk")


def obstacles(undone: Undone) -> list[str]:
    """Why an undo did nothing, as people are told."""
    return [Words("en").detail(obstacle) for obstacle in undone.obstacles]


def stored(office: Office) -> list[object]:
    """Everything that is in the tables, to the last column."""
    return [office.rows(EVERYTHING.format(table).replace("ORDER BY id", "ORDER BY 1")) for table in TABLES]


def test_everything_is_as_it_was(ledger: Office) -> None:
    """What the run created is gone; what it changed, cleared or reopened is what it was, to the last column."""
    ledger.load("items", items("C1 F2 2"))
    before = stored(ledger)
    run = ledger.load("items", items("C1 F1 1", "C1 F3 3"))
    assert counts(run) == {"read": 2, "created": 1, "updated": 1, "reopened": 1, "cleared": 1}
    undone = undo(ledger, run)
    assert (undone.deleted, undone.restored, undone.obstacles) == (1, 2, [])
    assert stored(ledger) == before
    assert ledger.rows(f"SELECT undone_by FROM nightporter.import_run WHERE id = {run.id}") == [("clerk",)]
    assert obstacles(undo(ledger, ledger.run(run.id))) == [f"run {run.id} is undone already"]


def test_the_same_file_may_come_again(ledger: Office) -> None:
    """After an undo its content is no duplicate."""
    text = items("C1 F1 1", "C1 F2 2", "C1 F3 3")
    undo(ledger, ledger.load("items", text))
    assert counts(ledger.load("items", text)) == {"read": 3, "unchanged": 2, "created": 1}


def test_a_later_run_forbids_it(ledger: Office) -> None:
    """A row that a later file changed, or a later snapshot of the scope: the undo says which, and does nothing."""
    run = ledger.load("items", items("C1 F1 5", "C1 F2 2"))
    later = ledger.load("items", items("C1 F1 6", "C1 F2 2"))
    before = stored(ledger)
    assert obstacles(undo(ledger, run)) == [
        f"C1 F1 was changed by run {later.id}",
        f"run {later.id} is a later snapshot of the same scope",
    ]
    assert stored(ledger) == before
    assert undo(ledger, later).restored == 1
    assert undo(ledger, run).restored == 1


def test_what_a_later_delta_found_as_it_was_is_touched_too(office: Office) -> None:
    """A delta that confirms a row on a later day counts."""
    office.customers("C1")
    office.profile("items", ITEMS + '    [import]\n    business_date = "items-%Y%m%d*"\n')
    first = office.load("items", items("C1 F1 1"), "items-20241101.csv")
    second = office.load("items", items("C1 F1 1", "C1 F2 2"), "items-20241102.csv")
    assert obstacles(undo(office, first)) == [f"C1 F1 was found as it is by run {second.id}"]
    assert undo(office, second).deleted == 1
    assert undo(office, first).deleted == 1


def test_what_is_forgotten_cannot_be_undone(ledger: Office) -> None:
    """After the days that the archive keeps, what a run changed is forgotten with its bytes, and an undo says so."""
    run = ledger.load("items", items("C1 F1 5", "C1 F2 2"))
    ledger.do("UPDATE nightporter.import_run SET finished_at = finished_at - interval '91 days'")
    prune_archive(ledger.engine, ledger.settings)
    assert ledger.rows("SELECT count(*) FROM nightporter.row_change") == [(0,)]
    assert "is older than" in obstacles(undo(ledger, ledger.run(run.id)))[0]


def test_rows_that_depend_forbid_it(ledger: Office) -> None:
    """A customer with open items does not go."""
    run = ledger.load("customers", "Code;Name;City;Limit\nC2;New;Lyon;\n")
    ledger.load("items", items("C1 F1 1", "C1 F2 2", "C2 F3 3"))
    assert obstacles(undo(ledger, run)) == ["C2: 1 row of receivables depends on it"]


def test_parked_rows_go_and_come_back_with_it(ledger: Office) -> None:
    """What the run parked waits no more; what it dropped waits again, and loads with its customer."""
    ledger.load("items", items("C1 F1 1", "C1 F2 2", "C9 P1 3"))
    run = ledger.load("items", items("C1 F1 1", "C1 F2 2", "C9 P2 4"))
    undo(ledger, run)
    ledger.profile("customers", CUSTOMERS)
    assert counts(ledger.load("customers", "Code;Name;City;Limit\nC9;Newcomer;Lyon;\n"))["released"] == 1
    assert ("P1",) in ledger.rows("SELECT item_number FROM ar.receivable")

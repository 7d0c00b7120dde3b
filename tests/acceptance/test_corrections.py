"""Corrections: rejected rows that are put right in their workbook and sent again, and what a duplicate says."""

from datetime import date

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from daemon import db, ledger
from daemon.importing import decisions
from daemon.importing.attempt import attempt
from daemon.importing.rehearsal import rehearse
from daemon.model import RemoteFile
from tests.support.corrections import BAD, GOOD, SNAPSHOT, WORSE, corrected, due, send
from tests.support.night import Night, customers
from tests.support.office import ITEMS, ITEMS_HEADER, Office, counts


@pytest.fixture
def night(office: Office) -> Office:
    """A department with a customer and a snapshot profile."""
    office.customers("C1")
    office.profile("items", SNAPSHOT)
    return office


def test_a_corrected_row_goes_in_and_is_known_to_have(night: Office) -> None:
    """By whatever name the workbook comes; its run is a child that clears nothing, the parent's tally stays as it was."""
    run = night.load("items", ITEMS_HEADER + GOOD + BAD + WORSE)
    child = send(night, corrected(night, run, due))
    assert (child.corrects, child.profile, child.dataset) == (run.id, "items", "receivables")
    assert counts(child) == {"read": 2, "created": 1, "rejected": 1}
    assert night.rows("SELECT item_number, remaining::float, state, due_date FROM ar.receivable ORDER BY 1") == [
        ("F1", 100.0, "open", date(2026, 3, 1)),
        ("F2", 1000.5, "open", date(2026, 3, 31)),
    ]
    assert [(r.line, r.resolved_by) for r in night.rejections(run)] == [(3, child.id), (4, None)]
    assert night.run(run.id).tally == run.tally

    def issue(sheet: Worksheet) -> None:
        assert [cell.value for cell in sheet[1]][-2:] == ["Nightporter: Reasons", "Nightporter: Line"]
        sheet["C2"] = date(2026, 2, 1)

    grandchild = send(night, corrected(night, child, issue))
    assert counts(grandchild) == {"read": 1, "created": 1}
    assert night.rejections(child)[0].resolved_by == grandchild.id


def test_a_corrected_workbook_is_known_in_any_drop(office: Office) -> None:
    """Put away like any file; the profile's own files go on as if it had not come."""
    night = Night(office, erp={}, crm={})
    office.profile("items", SNAPSHOT.replace("items*.csv", "items*") + "    latest_only = true\n")
    night.arrive("erp/customers.csv", customers("C1"))
    night.arrive("erp/items-1.csv", ITEMS_HEADER + GOOD + BAD)
    night.pass_by()
    path = corrected(office, office.run(2), due)
    night.arrive("crm/nightporter-rejected-rows-2 (1).xlsx", path.read_bytes())
    night.arrive("erp/items-2.csv", ITEMS_HEADER + GOOD)
    night.look()
    night.pass_by("crm")
    assert night.runs()[2:] == [
        ("items-2.csv", "imported", None),
        ("nightporter-rejected-rows-2 (1).xlsx", "imported", None),
    ]
    assert office.reasons(office.run(4)) == {2: ["outdated"]}
    assert night.files("crm") == {"processed/nightporter-rejected-rows-2 (1).xlsx"}
    night.arrive("crm/items-fixed.xlsx", corrected(office, office.run(2), due).read_bytes())
    night.pass_by("crm")
    assert (office.run(5).corrects, office.run(5).state) == (2, "imported")


def test_a_correction_that_comes_too_late(night: Office) -> None:
    """A row of which a later accepted run has spoken is rejected as outdated, and names that run."""
    run = night.load("items", ITEMS_HEADER + GOOD + BAD)
    later = night.load("items", ITEMS_HEADER + GOOD.replace("100,00", "90,00"))
    child = send(night, corrected(night, run, due))
    assert night.reasons(child) == {2: ["outdated"]}
    assert night.rejections(child)[0].reasons[0].detail == str(later.id)
    assert night.rejections(run)[0].resolved_by is None


def test_a_later_delta_makes_outdated_only_what_it_touched(office: Office) -> None:
    """Changed, found as it is, or not mentioned."""
    office.customers("C1")
    office.profile("items", ITEMS)
    run = office.load("items", ITEMS_HEADER + BAD + BAD.replace("F2", "F4") + BAD.replace("F2", "F5"))
    office.load("items", ITEMS_HEADER + "C1;F2;01/02/2026;30/03/2026;1,00\n")
    office.load("items", ITEMS_HEADER + "C1;F2;01/02/2026;30/03/2026;1,00\nC1;F4;01/02/2026;30/03/2026;2,00\n")

    def all_due(sheet: Worksheet) -> None:
        for cell in sheet["D"][1:]:
            cell.value = "31/03/2026"

    child = send(office, corrected(office, run, all_due))
    assert office.reasons(child) == {2: ["outdated"], 3: ["outdated"]}
    assert counts(child)["created"] == 1


def test_what_cannot_be_corrected_is_told(night: Office) -> None:
    """Rows of a file that was refused whole, or undone, go in with the whole file only; a forged mark is none."""
    run = night.load("items", ITEMS_HEADER + GOOD + BAD + WORSE + WORSE.replace("F3", "F4"))
    assert run.code == "too_many_rejected"
    assert send(night, corrected(night, run, due)).code == "corrects_nothing"
    good = night.load("items", ITEMS_HEADER + GOOD + BAD)
    path = corrected(night, good, due)
    night.settings.home.joinpath("link.keys").write_text("another\n")
    assert send(night, path).code == "no_profile"


def test_an_undone_correction_resolves_nothing(night: Office) -> None:
    """Its rows are gone, and are to be corrected again."""
    run = night.load("items", ITEMS_HEADER + GOOD + BAD)
    child = send(night, corrected(night, run, due))
    with db.transaction(night.engine) as conn:
        assert decisions.undo(conn, night.settings, night.profiles, child, "clerk").deleted == 1
    assert night.rejections(run)[0].resolved_by is None
    assert counts(send(night, corrected(night, run, due)))["created"] == 1


def test_a_correction_is_rehearsed_as_what_it_is(night: Office) -> None:
    """A dry run of the workbook clears nothing either."""
    run = night.load("items", ITEMS_HEADER + GOOD + BAD)
    path = corrected(night, run, due)
    entry = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    profile = night.profiles.get("items")
    (told,) = rehearse(night.engine, night.settings, night.profiles, profile, entry, lambda rows: None)
    assert [(change.kind, change.row) for change in told.changes] == [("created", "C1 F2")]
    assert night.rejections(run)[0].resolved_by is None


def test_a_correction_is_no_export(night: Office) -> None:
    """The next export is compared with the last one, not with what was corrected since."""
    run = night.load("items", ITEMS_HEADER + GOOD + BAD)
    send(night, corrected(night, run, due))
    assert night.load("items", ITEMS_HEADER + GOOD + BAD).code == "duplicate"


def test_a_mended_retry_of_a_snapshot_is_one(night: Office) -> None:
    """What it leaves out is cleared, as the file would have done at first."""
    night.load("items", ITEMS_HEADER + GOOD + GOOD.replace("F1", "F9"))
    night.profile("items", SNAPSHOT.replace("Amount", "Betrag"))
    refused = night.load("items", ITEMS_HEADER + GOOD)
    night.profile("items", SNAPSHOT)
    with db.transaction(night.engine) as conn:
        child = ledger.runs.retry_run(conn, refused)
    attempt(night.engine, night.settings, night.profiles, child)
    assert counts(night.run(child)) == {"read": 1, "unchanged": 1, "cleared": 1}


def test_a_duplicate_is_word_of_a_later_day(night: Office) -> None:
    """It merges nothing, but what the file said is so on its day, too: an export from between is stale."""
    night.profile("items", SNAPSHOT + '    business_date = "items-%Y%m%d*"\n')
    first = night.load("items", ITEMS_HEADER + GOOD, "items-20260201.csv")
    assert night.load("items", ITEMS_HEADER + GOOD, "items-20260205.csv").code == "duplicate"
    assert night.run(first.id).business_date == date(2026, 2, 5)
    assert night.load("items", ITEMS_HEADER + BAD.replace("31/31", "31/03"), "items-20260203.csv").code == "stale"

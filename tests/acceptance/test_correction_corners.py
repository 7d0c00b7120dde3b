"""Where corrections, duplicates and what admins add meet the rest; each was seen to go wrong once."""

import io
from datetime import date

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from daemon import db, ledger
from daemon.importing import decisions
from daemon.importing.attempt import attempt
from daemon.model import ImportRun, Note
from daemon.results import as_csv
from daemon.service.tasks import take_turn
from daemon.words import Words
from tests.support.corrections import BAD, GOOD, SNAPSHOT, corrected, due, send
from tests.support.night import Night, customers
from tests.support.office import ITEMS, ITEMS_HEADER, Office, counts

DATED = ITEMS + '    [import]\n    business_date = "items-%Y%m%d*"\n'
EXCEL = ITEMS.replace("items*.csv", "*.xlsx").replace('delimiter = ";"', 'kind = "excel"')
OURS = "erp/nightporter-rejected-rows-2.xlsx"


@pytest.fixture
def office(office: Office) -> Office:
    """A department with a customer."""
    office.customers("C1")
    return office


def untouched(sheet: Worksheet) -> None:
    """Change nothing."""


def workbook(*rows: list[object]) -> bytes:
    """A file of items as a workbook."""
    book = openpyxl.Workbook()
    for row in (ITEMS_HEADER.strip().split(";"), *rows):
        book.worksheets[0].append(row)
    book.save(out := io.BytesIO())
    return out.getvalue()


@pytest.mark.parametrize("amount", [1.125, 123.456, 1234.567])
def test_typed_cells_come_back_as_they_were(office: Office, amount: float) -> None:
    """A number or a date of a workbook is no text of the profile's conventions when its row comes back."""
    office.profile("items", EXCEL)
    run = office.load("items", workbook(["C1", "F2", date(2026, 2, 1), "31/31/2026", amount]), "items.xlsx")
    send(office, corrected(office, run, due))
    assert office.rows("SELECT issue_date, amount::float FROM ar.receivable") == [(date(2026, 2, 1), amount)]


def test_what_was_outdated_stays_so(office: Office) -> None:
    """The workbook of a correction goes back to the export, too."""
    office.profile("items", SNAPSHOT)
    run = office.load("items", ITEMS_HEADER + GOOD + BAD)
    office.load("items", ITEMS_HEADER + GOOD.replace("100,00", "90,00"))
    child = send(office, corrected(office, run, due))
    assert office.reasons(send(office, corrected(office, child, untouched))) == {2: ["outdated"]}


def test_days_count_for_corrections(office: Office) -> None:
    """A row of a late file does not replace what a younger one says; nor does a late older file make a younger row outdated."""
    office.profile("items", DATED)
    fine = "C1;F2;01/02/2026;31/03/2026;50,00\n"
    office.load("items", ITEMS_HEADER + fine, "items-20260205.csv")
    late = office.load("items", ITEMS_HEADER + BAD + BAD.replace("F2", "F4"), "items-20260203.csv")
    assert office.reasons(send(office, corrected(office, late, due))) == {2: ["outdated"], 3: ["not_a_date"]}
    younger = office.load("items", ITEMS_HEADER + BAD.replace("F2", "F5"), "items-20260206.csv")
    office.load("items", ITEMS_HEADER + fine.replace("F2", "F5"), "items-20260204.csv")
    assert counts(send(office, corrected(office, younger, due))) == {"read": 1, "updated": 1}


def test_another_profile_has_spoken_since(office: Office) -> None:
    """A later snapshot that has the item, or a delta whose row waits for its customer, makes a row outdated."""
    office.profile("all", SNAPSHOT)
    office.profile("items", ITEMS)
    row = "C1;F2;01/02/2026;31/03/2026;50,00\n"
    office.load("all", ITEMS_HEADER + row)
    run = office.load("items", ITEMS_HEADER + BAD + BAD.replace("C1;F2", "C9;F9"))
    office.load("all", ITEMS_HEADER + row + GOOD)
    office.load("items", ITEMS_HEADER + "C9;F9;01/02/2026;31/03/2026;7,00\n")

    def both(sheet: Worksheet) -> None:
        sheet["D2"], sheet["D3"] = "31/03/2026", "31/03/2026"

    assert office.reasons(send(office, corrected(office, run, both))) == {2: ["outdated"], 3: ["outdated"]}


def test_nothing_goes_in_after_its_export_was_undone(office: Office) -> None:
    """Not by trying it again, either."""
    office.profile("items", ITEMS)
    run = office.load("items", ITEMS_HEADER + BAD)
    child = send(office, corrected(office, run, due))
    with db.transaction(office.engine) as conn:
        decisions.undo(conn, office.settings, office.profiles, child, "clerk")
        decisions.undo(conn, office.settings, office.profiles, run, "clerk")
        again = ledger.runs.retry_run(conn, child)
    attempt(office.engine, office.settings, office.profiles, again)
    assert office.run(again).code == "corrects_nothing"


def test_a_line_rejected_again_is_not_resolved(office: Office) -> None:
    """Though another row that says it is the same line goes in."""
    office.profile("items", ITEMS)
    run = office.load("items", ITEMS_HEADER + BAD)

    def twice(sheet: Worksheet) -> None:
        due(sheet)
        sheet.append(["C1", "F3", "x", "31/03/2026", "1", "", "2"])

    assert counts(send(office, corrected(office, run, twice))) == {"read": 2, "created": 1, "rejected": 1}
    assert office.rejections(run)[0].resolved_by is None


@pytest.fixture
def night(office: Office) -> Night:
    """A drop to which a workbook with one bad row has come."""
    night = Night(office, erp={})
    office.profile("items", EXCEL + '    [import]\n    mode = "snapshot"\n')
    night.arrive("erp/items.xlsx", workbook(["C1", "F1", "01/02/2026", "01/03/2026", 1], ["C1", "F2", "x", "01/03/2026", 2]))
    night.pass_by()
    return night


def test_rejected_rows_are_never_taken_for_all_there_is(night: Night) -> None:
    """A workbook of theirs that has lost its mark is refused, by its name or by its columns; nothing is cleared."""
    copied = openpyxl.Workbook()
    for row in openpyxl.load_workbook(corrected(night.office, night.run(2), untouched)).worksheets[0].values:
        copied.worksheets[0].append(row)
    for name in (OURS, "erp/items-fixed.xlsx"):
        copied.save(night.office.home / name)
    night.pass_by()
    assert [run[1:] for run in night.runs()[2:]] == [("refused", "corrects_nothing")] * 2
    assert night.office.rows("SELECT state FROM ar.receivable") == [("open",)]


def test_rows_taken_away_as_csv_come_back_as_a_file_of_their_own(office: Office) -> None:
    """They carry no mark: a delta takes them like any file, a snapshot does not take them for all there is."""
    office.profile("items", ITEMS)
    run = office.load("items", ITEMS_HEADER + GOOD + BAD)

    def taken(run: ImportRun) -> bytes:
        return b"".join(as_csv(run, office.rejections(run), Words("en")))

    again = office.load("items", taken(run))
    assert office.reasons(again) == {2: ["not_a_date"]}
    assert taken(again) == taken(run)
    assert counts(office.load("items", taken(run).replace(b"31/31", b"31/03"))) == {"read": 1, "created": 1}
    office.profile("all", SNAPSHOT)
    assert office.load("all", taken(run).replace(b"31/31", b"31/03")).code == "corrects_nothing"


def test_corrections_wait_for_nobody(night: Night) -> None:
    """Neither for the files that exports wait for, nor are they passed over for later ones."""
    night.office.profile("items", EXCEL + '    [import]\n    after = ["customers"]\n    latest_only = true\n')
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '2 days'")
    night.arrive(OURS, corrected(night.office, night.run(2), untouched).read_bytes())
    night.look()
    night.arrive("erp/items-2.xlsx", workbook(["C1", "F1", "01/02/2026", "01/03/2026", 1]))
    night.pass_by()
    assert night.runs()[2] == ("nightporter-rejected-rows-2.xlsx", "imported", None)


def test_an_opened_file_goes_on_at_once(night: Night) -> None:
    """The job that found out what a file holds leaves a job for its import."""
    night.arrive(OURS, corrected(night.office, night.run(2), untouched).read_bytes())
    night.look()
    jobs = "UPDATE nightporter.procrastinate_jobs SET status = 'doing' WHERE task_name = 'import_run' RETURNING id"
    ((job,),) = night.office.rows(jobs)
    take_turn(night.office.engine, night.office.settings, night.office.profiles, 3, job)
    assert night.work() == [3]
    assert night.run(3).state == "imported"


def test_a_duplicate_says_no_other_day_than_its_column(office: Office) -> None:
    """Where a column gives the day, the same bytes are about the same day."""
    office.profile("items", ITEMS + '    [import]\n    mode = "snapshot"\n    business_date = { from = "Day" }\n')
    head, row = ITEMS_HEADER.strip() + ";Day\n", GOOD.strip()
    office.load("items", head + row + ";01/02/2026\n")
    assert office.load("items", head + row + ";01/02/2026\n").code == "duplicate"
    assert office.load("items", head + row.replace("100,00", "90,00") + ";02/02/2026\n").state == "imported"


def test_customers_come_though_what_waited_for_them_cannot(office: Office) -> None:
    """A field that the settings have no more, of another type by now, or a dataset that is gone, holds nobody up."""
    text, money = ('[datasets.receivables.custom]\nref = { type = "' + type + '" }\n' for type in ("text", "money"))
    office.settle(text)
    office.profile("items", ITEMS + '    ref = "Ref"\n')
    rows = "".join(f"C{n};F{n};01/02/2026;01/03/2026;1,00;abc\n" for n in (8, 9))
    assert counts(office.load("items", ITEMS_HEADER.strip() + ";Ref\n" + rows))["parked"] == 2
    office.settle(money)
    run = office.load("customers", customers("C8"))
    assert (counts(run), run.notes) == ({"read": 1, "created": 1}, (Note("still_parked", 1),))
    office.settle()
    assert counts(office.load("customers", customers("C9"))) == {"read": 1, "created": 1, "released": 2}

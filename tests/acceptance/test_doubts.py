"""What a good accountant would have stopped: doubtful rows, money that halves or doubles, closed periods, codes that look alike."""

import pytest

from daemon import db, ledger
from daemon.importing import decisions
from daemon.importing.attempt import attempt
from daemon.model import ImportRun
from daemon.words import Words
from tests.support.corrections import corrected, send
from tests.support.money import balance
from tests.support.office import ITEMS, ITEMS_HEADER, Office, counts
from tests.support.snapshots import SNAPSHOT, night

TYPED = ITEMS.replace("[columns]", '[columns]\n    item_type = "Type"\n    remaining = "Open"')
HEAD = "Type;Customer;Item;Issued;Due;Amount;Open\n"


@pytest.fixture
def books(office: Office) -> Office:
    """A customer, and a profile with types and open amounts."""
    office.customers("C1")
    office.profile("items", TYPED)
    return office


def notes(run: ImportRun) -> dict[str, tuple[int, str]]:
    """What else is told of a run."""
    return {note.code: (note.count, note.examples) for note in run.notes}


def decided(office: Office, run: ImportRun) -> ImportRun:
    """Approve a held run."""
    with db.transaction(office.engine) as conn:
        assert decisions.approve(conn, run, "clerk")
    attempt(office.engine, office.settings, office.profiles, run.id)
    return office.run(run.id)


ODD = (
    "invoice;C1;F1;01/02/2024;02/03/2024;100;120\n"
    "invoice;C1;F2;01/02/2024;02/03/2024;100;-5\n"
    "credit_note;C1;K1;01/02/2024;02/03/2024;-10;-10\n"
    "credit_note;C1;K2;01/02/2024;02/03/2024;-20;-20\n"
    "credit_note;C1;K3;01/02/2024;02/03/2024;30;30\n"
    "invoice;C1;F3;01/02/2024;31/01/2024;1;1\n"
    "invoice;C1;F4;01/02/1924;02/03/2024;1;1\n"
)


def test_doubtful_rows_load_and_are_told(books: Office) -> None:
    """Once, by the run that makes or changes them; where the profile says so they are rejected, each with its reason."""
    run = books.load("items", HEAD + ODD)
    assert counts(run) == {"read": 7, "created": 7}
    assert notes(run) == {
        "doubtful_more_open_than_billed": (2, "2, 3"),
        "doubtful_credit_above_zero": (1, "6"),
        "doubtful_due_before_issue": (1, "7"),
        "doubtful_date_far_off": (1, "8"),
    }
    assert notes(books.load("items", HEAD + ODD + "\n")) == {}
    books.profile("strict", TYPED + '    [import]\n    doubtful = "reject"\n')
    strict = books.load("strict", HEAD + ODD + "\n\n")
    assert books.reasons(strict) == {
        2: ["more_open_than_billed"],
        3: ["more_open_than_billed"],
        6: ["credit_above_zero"],
        7: ["due_before_issue"],
        8: ["date_far_off"],
    }
    told = [Words("en").reason(reason, "receivables") for row in books.rejections(strict) for reason in row.reasons]
    assert len(told) == 5


def test_credits_with_both_signs_are_unclear(books: Office) -> None:
    """Under `by_type` a column is positive throughout, or negative throughout, which is said; else nobody knows."""
    books.profile("items", TYPED + '    [import]\n    sign = "by_type"\n')
    rows = "invoice;C1;F1;01/02/2024;02/03/2024;100;100\n"
    credit = "credit_note;C1;{0};01/02/2024;02/03/2024;{1};{1}\n"
    books.load("items", HEAD + rows + credit.format("K1", 10))
    assert balance(books) == 90
    signed = books.load("items", HEAD + rows + credit.format("K2", "-250"))
    assert (notes(signed), balance(books)) == ({"credits_signed": (1, "")}, -160)
    both = books.load("items", HEAD + rows + credit.format("K3", 5) + credit.format("K4", -6))
    assert books.reasons(both) == {3: ["sign_unclear"], 4: ["sign_unclear"]}
    assert balance(books) == -160


def test_a_blank_open_amount_is_no_full_one(books: Office) -> None:
    """A column that may be missing, and is there, has blank cells where it is blank."""
    books.profile("items", TYPED.replace('remaining = "Open"', 'remaining = { from = "Open", optional = true }'))
    books.load("items", HEAD + "invoice;C1;F1;01/02/2024;02/03/2024;100;40\n")
    run = books.load("items", HEAD + "invoice;C1;F1;01/02/2024;02/03/2024;100;\n")
    assert (books.reasons(run), balance(books)) == ({2: ["missing"]}, 40)


def test_money_that_halves_or_doubles_is_held(books: Office) -> None:
    """Whatever the count of items, each side by itself, from a floor that the entity may set."""
    books.profile("items", SNAPSHOT)
    night(books, 1, "C1 F1 900000", "C1 F2 100000", "C1 K1 -20000", "C1 K2 -20000")
    paid = night(books, 2, "C1 F2 100000", "C1 K1 -20000", "C1 K2 -20000")
    assert paid.state == "held"
    assert paid.effect
    assert [(each.side, int(each.before), int(each.after)) for each in paid.effect.value] == [("debits", 1_000_000, 100_000)]
    used = night(books, 2, "C1 F1 900000", "C1 F2 100000", "C1 K1 -20000")
    assert used.effect
    assert [each.side for each in used.effect.value] == ["credits"]
    assert night(books, 2, "C1 F1 900000", "C1 F2 100000", "C1 F3 5000", "C1 K1 -20000", "C1 K2 -20000").state == "imported"
    books.settle('[entities.""]\nbrake_from = { EUR = 2000000 }\n')
    assert night(books, 3, "C1 F2 100000", "C1 K1 -20000").state == "imported"


def test_a_delta_is_held_for_what_it_changes(office: Office) -> None:
    """What is new of it does not count; what it pays, or inflates, does."""
    office.customers("C1")
    office.profile("items", ITEMS)
    row = "C1;{};01/02/2024;02/03/2024;{}\n"
    assert office.load("items", ITEMS_HEADER + row.format("F1", 50000)).state == "imported"
    assert office.load("items", ITEMS_HEADER + row.format("F2", 500000)).state == "imported"
    assert office.load("items", ITEMS_HEADER + row.format("F2", 100000)).state == "held"


def test_amounts_a_hundred_times_what_they_were_are_held(office: Office) -> None:
    """As a lost decimal mark makes them, or a thousand times, or that part of it."""
    office.customers("C1")
    office.profile("items", ITEMS)
    row = "C1;{};01/02/2024;02/03/2024;{}\n"
    office.load("items", ITEMS_HEADER + row.format("F1", "11,90") + row.format("F2", "5,50") + row.format("F3", "7"))
    run = office.load("items", ITEMS_HEADER + row.format("F1", "1190") + row.format("F2", "550") + row.format("F3", "7"))
    assert run.state == "held"
    assert run.effect
    assert run.effect.scaled
    assert run.effect.scaled.values == {"rows": 2, "known": 3}
    assert decided(office, run).state == "imported"


def test_a_code_that_looks_like_a_customers_is_named(office: Office) -> None:
    """Leading zeros lost, another case, letters of another script, what nobody sees."""
    office.customers("0001042", "ABX-7", "C1")
    office.profile("items", ITEMS)
    rows = "".join(
        f"{code};F{n};01/02/2024;02/03/2024;1\n" for n, code in enumerate(["1042", "1042", "abx-7", "АВХ-7", "C1\u200b", "Z9"])
    )
    run = office.load("items", ITEMS_HEADER + rows)
    assert counts(run) == {"read": 6, "parked": 6}
    count, examples = notes(run)["look_alikes"]
    assert count == 5
    assert "“1042” ≈ “0001042” (2)" in examples
    assert "U+200B" in examples
    assert run.tally
    assert run.tally.took_nothing


def test_a_closed_period_takes_nothing_more(books: Office) -> None:
    """No file about a day of it, no retry, no undo; what a person puts right or approves is booked on the day they do."""
    books.profile("items", SNAPSHOT)
    first = night(books, 5, "C1 F1 100", "C1 F2 x")
    held = night(books, 6)
    books.settle('[entities.""]\nclosed_until = 2024-11-10\n')
    for run in (night(books, 9, "C1 F1 100"), night(books, 10, "C1 F1 100")):
        assert (run.state, run.code) == ("refused", "period_closed")
    with db.transaction(books.engine) as conn:
        child = ledger.runs.retry_run(conn, first)
        undone = decisions.undo(conn, books.settings, books.profiles, first, "clerk")
    attempt(books.engine, books.settings, books.profiles, child)
    assert books.run(child).code == "period_closed"
    assert [each.code for each in undone.obstacles] == ["closed"]
    assert decided(books, held).state == "imported"
    put_right = send(books, corrected(books, first, lambda sheet: sheet.__setitem__("E2", 7)))
    assert (put_right.state, balance(books)) == ("imported", 0)
    assert night(books, 11, "C1 F9 1").state == "imported"


def test_what_was_corrected_is_undone_together(books: Office) -> None:
    """Undoing a run would leave what its corrected workbook loaded: it is refused, and named, or both are undone."""
    books.profile("items", ITEMS)
    first = books.load("items", ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;100\nC1;F2;01/02/2024;02/03/2024;x\n")
    fixed = send(books, corrected(books, first, lambda sheet: sheet.__setitem__("E2", 50)))
    assert balance(books) == 150
    with db.transaction(books.engine) as conn:
        alone = decisions.undo(conn, books.settings, books.profiles, first, "clerk")
        assert [(each.code, each.values["run"]) for each in alone.obstacles] == [("corrected_by", fixed.id)]
        both = decisions.undo(conn, books.settings, books.profiles, first, "clerk", with_corrections=True)
        assert (both.obstacles, both.deleted) == ([], 2)
    assert balance(books) == 0


def test_only_snapshots_may_pass_files_over(office: Office) -> None:
    """Of deltas all but the last would be lost: a fault of the profile."""
    office.profile("items", ITEMS + "    [import]\n    latest_only = true\n")
    assert any("latest_only" in str(mistake) for mistake in office.profiles.mistakes)

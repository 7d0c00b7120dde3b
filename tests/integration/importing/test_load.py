"""Importing: what a clerk's file does to the tables, row by row accounted for."""

import time
from dataclasses import fields
from decimal import Decimal

import openpyxl
import pytest

from daemon import db
from daemon.db import text
from daemon.model import Money
from tests.support.office import ITEMS, ITEMS_HEADER, Office, counts, said

OPEN = "SELECT customer_code, item_number, amount, remaining, state FROM ar.receivable ORDER BY item_number"


def test_good_rows_load_and_bad_ones_are_told(office: Office) -> None:
    """One bad row costs itself alone: the others are in the table, it is in the rejections with its reason."""
    office.customers("C1", "C2")
    run = office.items(
        "C1;F1;01/02/2024;02/03/2024;1.234,50\nC2;F2;01/02/2024;31/02/2024;5\n\nC2;F3;01/02/2024;02/03/2024;-7,00\n"
    )
    assert counts(run) == {"read": 3, "created": 2, "rejected": 1, "ignored": 1}
    assert office.reasons(run) == {3: ["not_a_date"]}
    assert office.rows(OPEN) == [
        ("C1", "F1", Decimal("1234.5"), Decimal("1234.5"), "open"),
        ("C2", "F3", Decimal(-7), Decimal(-7), "open"),
    ]


def test_the_same_rows_again_change_nothing(office: Office) -> None:
    """A second file with the same rows writes no row at all."""
    office.customers("C1")
    rows = "C1;F1;01/02/2024;02/03/2024;5\nC1;F2;01/02/2024;02/03/2024;6\n"
    office.items(rows)
    before = office.rows("SELECT id, run_id, updated_at, xmin::text FROM ar.receivable")
    run = office.items(rows + "\n")
    assert counts(run) == {"read": 2, "unchanged": 2, "ignored": 1}
    assert office.rows("SELECT id, run_id, updated_at, xmin::text FROM ar.receivable") == before


def test_only_what_changed_is_written(office: Office) -> None:
    """Of two known rows the changed one is updated and says by which run; nothing new is made."""
    office.customers("C1")
    first = office.items("C1;F1;01/02/2024;02/03/2024;5\nC1;F2;01/02/2024;02/03/2024;6\n")
    second = office.items("C1;F1;01/02/2024;02/03/2024;5\nC1;F2;01/02/2024;02/03/2024;7\n")
    assert counts(second) == {"read": 2, "updated": 1, "unchanged": 1}
    assert office.rows("SELECT item_number, created_by_run, run_id FROM ar.receivable ORDER BY 1") == [
        ("F1", first.id, first.id), ("F2", first.id, second.id),
    ]  # fmt: skip


def test_the_same_bytes_are_told_as_a_duplicate(office: Office) -> None:
    """A file sent twice, under whatever name, merges nothing and says which run had it; one that was sent before others is held."""
    office.customers("C1")
    a, b = "C1;F1;01/02/2024;02/03/2024;5\n", "C1;F1;01/02/2024;02/03/2024;6\n"
    first, twice, other, back = office.items(a), office.items(a), office.items(b), office.items(a)
    assert (twice.state, twice.code) == ("refused", "duplicate")
    assert f"run {first.id}" in said(twice)
    assert [run.state for run in (first, other, back)] == ["imported", "imported", "held"]
    assert back.effect
    assert list(back.effect.details) == ["sent_again"]
    assert office.rows("SELECT amount FROM ar.receivable") == [(Decimal(6),)]


def test_twins_in_a_file(office: Office) -> None:
    """Of equal rows with one key the second is skipped; of different ones none wins, and each names the other's line."""
    office.customers("C1")
    run = office.items("C1;F1;01/02/2024;02/03/2024;5\n" * 2 + "C1;F2;01/02/2024;02/03/2024;5\nC1;F2;01/02/2024;02/03/2024;6\n")
    assert counts(run) == {"read": 4, "created": 1, "skipped": 1, "rejected": 2}
    assert [(r.line, r.reasons[0].value, r.reasons[0].detail, r.reasons[0].column) for r in office.rejections(run)] == [
        (4, "F2", "5", "Item"), (5, "F2", "4", "Item"),
    ]  # fmt: skip


def test_what_a_check_rejects_is_shown_as_it_was(office: Office) -> None:
    """The rejected row shows its cells as the file had them, found again in the archive."""
    office.customers("C1")
    run = office.items("C1; F1 ;01/02/2024;02/03/2024;5,00\nC1;F1;01/02/2024;02/03/2024;6\n")
    (rejection, _) = office.rejections(run)
    assert list(rejection.cells) == ["C1", " F1 ", "01/02/2024", "02/03/2024", "5,00"]
    assert (rejection.reasons[0].code, rejection.reasons[0].value, rejection.reasons[0].column) == ("duplicate_key", "F1", "Item")


def test_money_before_after_and_its_difference(office: Office) -> None:
    """By currency: what was open, what is, what the file sums to, what of it was rejected."""
    office.customers("C1")
    office.items("C1;F1;01/02/2024;02/03/2024;100\n")
    run = office.items("C1;F2;01/02/2024;02/03/2024;50,5\nC1;F3;01/02/2024;32/03/2024;7\nC1;;01/02/2024;02/03/2024;3\n")
    assert run.tally
    assert run.tally.as_json()["money"] == {
        "EUR": {
            **dict.fromkeys((each.name for each in fields(Money)), "0.00"),
            "file_total": "60.50",
            "taken": "50.50",
            "rejected": "10.00",
            "open_before": "100.00",
            "new": "50.50",
            "open_after": "150.50",
        }
    }


def test_nothing_open_clears_an_item_and_a_rest_reopens_it(office: Office) -> None:
    """An open amount of 0 clears the item; when the ERP later says otherwise it is open again, and both are counted."""
    office.customers("C1")
    office.profile("rest", ITEMS.replace('amount = "Amount"', 'amount = "Amount"\nremaining = "Rest"'))
    header = ITEMS_HEADER.strip() + ";Rest\n"
    row = "C1;F1;01/02/2024;02/03/2024;100;"
    runs = [office.load("rest", header + row + rest + "\n") for rest in ("100", "0", "40")]
    assert [(run.tally.cleared, run.tally.reopened) for run in runs if run.tally] == [(0, 0), (1, 0), (0, 1)]
    assert runs[1].tally
    assert runs[1].tally.money["EUR"].cleared == Decimal("100.00")
    assert office.rows("SELECT state, remaining, cleared_at IS NULL, cleared_by IS NULL FROM ar.receivable") == [
        ("open", Decimal(40), True, True)
    ]


def test_what_was_cleared_is_told_in_its_own_currency(office: Office) -> None:
    """An item that was open in dollars and comes back settled in euros cleared dollars."""
    office.customers("C1")
    columns = 'amount = "Amount"\n    remaining = "Rest"'
    office.profile("items", ITEMS.replace('amount = "Amount"', columns).replace('{ value = "EUR" }', '"Cur"'))
    head = ITEMS_HEADER.strip() + ";Rest;Cur\n"
    office.load("items", head + "C1;F1;01/02/2024;02/03/2024;10;10;USD\n")
    run = office.load("items", head + "C1;F1;01/02/2024;02/03/2024;10;0;EUR\n")
    assert run.tally
    assert {currency: money.cleared for currency, money in run.tally.money.items()} == {"USD": 10, "EUR": 0}


def test_a_blank_cell_leaves_what_is_stored(office: Office) -> None:
    """A blank never wipes a value, and a credit limit set by people is not overwritten by the ERP."""
    office.customers()
    head = "Code;Name;City;Limit\n"
    office.load("customers", head + "C1;Martin;Paris;1.000,00\n")
    office.load("customers", head + "C1;Martin SARL;;9.999,00\n")
    assert office.rows("SELECT business_name, city, credit_limit FROM ar.customer") == [("Martin SARL", "Paris", Decimal(1000))]


def test_one_file_feeds_customers_and_their_items(office: Office) -> None:
    """With `[[also]]` a file's customers are made first, so that its items find them."""
    also = '\n    [[also]]\n    dataset = "customers"\n    columns = { customer_code = "Customer", business_name = "Customer" }\n'
    office.profile("both", ITEMS + also)
    run = office.load("both", ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;5\nC1;F2;01/02/2024;02/03/2024;5\n")
    assert (run.state, counts(run)) == ("imported", {"read": 2, "created": 2})
    assert office.rows("SELECT dataset, state, tally->>'skipped' FROM nightporter.import_run ORDER BY id") == [
        ("customers", "imported", "1"), ("receivables", "imported", "0"),
    ]  # fmt: skip


def test_a_refused_file_leaves_nothing(office: Office) -> None:
    """A file with a missing column loads no row, and says what is missing and what was there."""
    office.profile("items", ITEMS)
    run = office.load("items", "Customer;Itm;Issued;Due;Amount\nC1;F1;01/02/2024;02/03/2024;5\n")
    assert (run.state, run.code, said(run)) == ("refused", "column_missing", '"Item" ("Itm"?)')
    assert office.rows(OPEN) == []


@pytest.mark.parametrize(("content", "code"), [("", "empty"), (ITEMS_HEADER, None)])
def test_an_empty_file_is_refused_and_a_header_alone_imported(office: Office, content: str, code: str | None) -> None:
    """Nothing at all is a fault; a delta that says that nothing happened is none."""
    office.profile("items", ITEMS)
    run = office.load("items", content)
    assert run.code == code
    assert run.state == ("refused" if code else "imported")


def test_conventions_are_pinned_by_the_first_import(office: Office) -> None:
    """A profile that proved dd/mm on the 31st does not fail on the 5th, nor read it as mm/dd."""
    office.customers("C1")
    office.profile("items", ITEMS.replace('date = "dd/mm/yyyy"', "").replace('decimal = ","', ""))
    unclear = ITEMS_HEADER + "C1;F2;01/02/2024;02/03/2024;1.234\n"
    assert office.load("items", unclear).code in ("date_order_ambiguous", "decimal_ambiguous")
    assert office.load("items", ITEMS_HEADER + "C1;F1;31/01/2024;02/03/2024;5,50\n").state == "imported"
    assert office.load("items", unclear).state == "imported"
    assert office.rows("SELECT issue_date::text, amount FROM ar.receivable WHERE item_number = 'F2'") == [
        ("2024-02-01", Decimal(1234))
    ]


def test_a_first_file_that_shows_nothing_pins_nothing(office: Office) -> None:
    """Whole amounts in the first file do not keep the first decimal mark that comes from being pinned."""
    office.customers("C1")
    office.profile("items", ITEMS.replace('decimal = ","', ""))
    for amount in ("5", "5,50", "1.234"):
        assert office.load("items", ITEMS_HEADER + f"C1;F1;31/01/2024;02/03/2024;{amount}\n").state == "imported"
    assert office.rows("SELECT amount FROM ar.receivable") == [(Decimal(1234),)]


def test_a_retry_is_for_the_dataset_it_was_for(office: Office) -> None:
    """Customers added to a profile by `[[also]]` do not take the place of the open items that are retried."""
    from daemon import db, ledger
    from daemon.importing.attempt import attempt

    run = office.items("C1;F1;01/02/2024;02/03/2024;5\n")
    also = '\n    [[also]]\n    dataset = "customers"\n    columns = { customer_code = "Customer", business_name = "Customer" }\n'
    office.profile("items", ITEMS + also)
    office.customers("C1")
    with db.transaction(office.engine) as conn:
        child = ledger.runs.retry_run(conn, run)
    attempt(office.engine, office.settings, office.profiles, child)
    assert office.rows(f"SELECT dataset, tally->>'unchanged' FROM nightporter.import_run WHERE id = {child}") == [
        ("receivables", "1")
    ]


def test_a_workbook_is_imported_like_any_file(office: Office) -> None:
    """True dates and numbers load exactly; a word among the numbers is rejected with its row."""
    import datetime

    office.customers("007")
    office.profile("items", ITEMS)
    book = openpyxl.Workbook()
    assert book.active is not None
    day = datetime.date(2024, 2, 1)
    for row in [
        ITEMS_HEADER.strip().split(";"),
        ["007", "F1", day, day, 4.35 * 100],
        ["007", "F2", day, "02/03/2024", "1.000,5"],
        ["007", "F3", day, day, "?"],
    ]:
        book.active.append(row)
    book.save(office.home / "source.xlsx")
    run = office.load("items", (office.home / "source.xlsx").read_bytes(), "items.xlsx")
    assert office.rows("SELECT item_number, amount, due_date::text FROM ar.receivable ORDER BY 1") == [
        ("F1", Decimal(435), "2024-02-01"), ("F2", Decimal("1000.5"), "2024-03-02"),
    ]  # fmt: skip
    assert office.reasons(run) == {4: ["not_a_number"]}


def test_a_large_file_goes_through_its_own_stage(office: Office) -> None:
    """Beyond one block a file is staged in a table of its own, which is gone afterwards; the rows are all there."""
    office.customers("C1")
    rows = "".join(f"C1;F{n};01/02/2024;02/03/2024;{n},50\n" for n in range(130_000))
    run = office.items(rows + "C9;X;01/02/2024;02/03/2024;1\n" + rows[: rows.index("\n") + 1])
    assert counts(run) == {"read": 130_002, "created": 130_000, "parked": 1, "skipped": 1}
    assert office.rows("SELECT count(*) FROM pg_class WHERE relname ~ '^stage_.*_[0-9]+$'") == [(0,)]


def test_a_table_that_nobody_analyzed_yet_is_known(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The night after the first one costs what its rows cost, whenever the server sees to its statistics: a table of which it knows
    none is taken for empty, and a snapshot's rows were compared each with each.
    """
    monkeypatch.setattr("daemon.loading.SHARED_STAGE_BYTES", 0)
    with db.transaction(office.engine) as conn:
        conn.execute(text("ALTER TABLE ar.receivable SET (autovacuum_enabled = off)"))
    office.customers("C1")
    office.profile("items", ITEMS + '    [import]\n    mode = "snapshot"\n')
    rows = "".join(f"C1;F{n};01/02/2024;02/03/2024;5\n" for n in range(200))
    office.load("items", ITEMS_HEADER + rows)
    office.load("items", ITEMS_HEADER + rows.replace("F7;", "F07;"))
    assert office.rows("SELECT reltuples FROM pg_class WHERE oid = 'ar.receivable'::regclass") == [(200,)]


def test_text_that_ends_a_copy_elsewhere_is_text(office: Office) -> None:
    """A cell with a line of backslash and dot loads as it is, and so does everything after it; how MySQL writes nothing is nothing."""
    office.customers("C1")
    office.profile("items", ITEMS + '    comment = "Remark"\n')
    head = ITEMS_HEADER.strip() + ";Remark\n"
    rows = 'C1;F1;01/02/2024;02/03/2024;5;"a\n\\.\nb"\nC1;F2;01/02/2024;02/03/2024;5;NULL\nC1;F3;01/02/2024;02/03/2024;5;\\N\n'
    office.load("items", head + rows)
    assert office.rows("SELECT item_number, comment FROM ar.receivable ORDER BY 1") == [
        ("F1", "a\n\\.\nb"),
        ("F2", "NULL"),
        ("F3", None),
    ]


def test_a_thousand_rejected_rows_are_all_kept(office: Office) -> None:
    """However many rows are bad, each is there with its line."""
    office.profile("items", ITEMS.replace("[format]", "[format]\n    header_row = 1"))
    run = office.load("items", ITEMS_HEADER + "short\n" * 12_000)
    assert counts(run) == {"read": 12_000, "rejected": 12_000}
    assert office.rows(f"SELECT count(*), min(line), max(line) FROM nightporter.rejection WHERE run_id = {run.id}") == [
        (12_000, 2, 12_001)
    ]


def test_the_bytes_are_kept_whatever_comes_of_them(office: Office) -> None:
    """A refused file is in the archive, and retried from there after its profile was mended."""
    from daemon import db, ledger
    from daemon.importing.attempt import attempt

    office.customers("C1")
    office.profile("items", ITEMS.replace('"Item"', '"Itm"'))
    run = office.load("items", ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;5\n")
    assert run.code == "column_missing"
    (office.home / "file.csv").unlink()
    time.sleep(0.01)
    office.profile("items", ITEMS)
    with db.transaction(office.engine) as conn:
        child = ledger.runs.retry_run(conn, run)
    attempt(office.engine, office.settings, office.profiles, child)
    assert office.rows(f"SELECT state, parent_id FROM nightporter.import_run WHERE id = {child}") == [("imported", run.id)]

"""A profile applied to rows."""

import datetime
from decimal import Decimal

import pandas as pd
import pytest

from daemon.mapping import Mapping
from daemon.mapping.prove import prove
from daemon.profiles.format import Conventions
from daemon.profiles.profile import Profile
from tests.support.refusals import refused
from tests.support.rows import COLUMNS, GOOD, KNOWN, apply, batch, reasons


def test_a_row_becomes_typed_fields() -> None:
    """Text, dates and amounts arrive typed; codes keep their zeros; what is derived is filled in."""
    (row,) = apply(GOOD).rows.to_pylist()
    assert row["customer_code"] == "007"
    assert row["issue_date"] == datetime.date(2024, 2, 1)
    assert row["amount"] == row["remaining"] == Decimal("1.5")
    assert (row["year"], row["item_type"], row["instalment"], row["source_line"]) == (2024, "invoice", "", 2)


def test_every_fault_of_a_row_is_told() -> None:
    """A row with three faults is one rejection with three reasons, each with field and value."""
    mapped = apply(GOOD | {"D": "31/02/2024", "A": "x", "N": " "})
    assert reasons(mapped) == [
        (2, "missing", "item_number", ""),
        (2, "not_a_date", "issue_date", "31/02/2024"),
        (2, "not_a_number", "amount", "x"),
    ]
    assert mapped.rows.num_rows == 0
    assert list(mapped.rejections[0].cells) == ["007", " ", "31/02/2024", "02/03/2024", "x"]


def test_words_are_mapped_and_unknown_ones_rejected() -> None:
    """A value map turns the ERP's words into the dataset's; a word in neither is a rejection."""
    columns = {"item_type": {"from": "T", "map": {"FAC": "invoice", "AVO": "credit_note"}}}
    mapped = apply(GOOD | {"T": "AVO"}, GOOD | {"T": "ODX"}, columns=columns)
    assert mapped.rows.column("item_type").to_pylist() == ["credit_note"]
    assert reasons(mapped) == [(3, "unknown_word", "item_type", "ODX")]


def test_the_first_of_several_columns_that_is_not_empty() -> None:
    """`first_of` takes the first filled cell, and does with one of its headers; `join` puts cells together."""
    columns = {"comment": {"first_of": ["X", "Missing", {"join": ["Y", "Z"]}]}}
    mapped = apply(GOOD | {"X": "", "Y": "Sabine", "Z": "Muster"}, GOOD | {"X": "x", "Y": "", "Z": ""}, columns=columns)
    assert mapped.rows.column("comment").to_pylist() == ["Sabine Muster", "x"]


def test_rows_are_skipped_by_pattern_and_counted() -> None:
    """`skip_where` leaves out rows whose cell matches, blank ones if it says so, and counts them."""
    mapped = apply(GOOD, GOOD | {"C": "70001"}, GOOD | {"C": ""}, **{"import": {"skip_where": {"C": ["7*", ""]}}})
    assert mapped.skipped == 2
    assert mapped.rows.num_rows == 1


def test_a_missing_column_refuses_the_file_and_names_its_neighbour() -> None:
    """A renamed header is seen before the first row loads, with the header that was probably meant."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS | {"amount": "Montant"})
    with refused('"Montant" \\("Montants"\\?\\)') as caught:
        Mapping(section, ["C", "N", "D", "E", "Montants"], KNOWN)
    assert caught.value.code == "column_missing"


def test_headers_are_compared_without_case_spaces_or_accent_forms() -> None:
    """`MONTANT ` and a decomposed é are the headers they look like."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS | {"comment": "Écart"})
    assert "comment" in Mapping(section, ["c", "n ", "D", "E", "A", "E\u0301CART"], KNOWN).fields


def test_an_exact_header_wins_and_a_doubtful_one_refuses() -> None:
    """Of headers that differ in case the exact one is read; where only alike ones are there, the file is refused."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS)
    rows = batch(GOOD | {"c": "wrong"})
    assert Mapping(section, list(rows.frame.columns), KNOWN).apply(rows).rows.column("customer_code").to_pylist() == ["007"]
    doubtful = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS | {"comment": "Straße"})
    with refused("column_missing"):
        Mapping(doubtful, [*GOOD, "STRASSE", "strasse"], KNOWN)


def test_a_map_within_first_of_is_applied_and_the_right_cell_blamed() -> None:
    """A part of `first_of` may map its words; a bad value is laid at the column it came from."""
    columns = {"due_date": {"first_of": [{"from": "E", "map": {"open": "01/03/2024"}}, "F"]}}
    mapped = apply(GOOD | {"E": "open", "F": ""}, GOOD | {"E": "", "F": "bad"}, columns=columns)
    assert mapped.rows.column("due_date").to_pylist() == [datetime.date(2024, 3, 1)]
    assert [(reason.value, reason.column) for reason in mapped.rejections[0].reasons] == [("bad", "F")]


@pytest.mark.parametrize(("column", "bad"), [("item_type", ""), ("fiscal_year", ""), ("fiscal_year", "--5"), ("comment", "a\0b")])
def test_a_cell_that_must_not_be_is_a_rejection(column: str, bad: str) -> None:
    """A blank type or key year is not filled in by chance, and what Postgres cannot hold never reaches it."""
    mapped = apply(GOOD | {"X": bad}, columns={column: "X"})
    assert mapped.rows.num_rows == 0
    assert mapped.rejections[0].reasons[0].field == column


def test_a_blank_can_be_given_a_word() -> None:
    """`map = { "" = … }` says what an empty cell means."""
    mapped = apply(GOOD | {"T": ""}, columns={"item_type": {"from": "T", "map": {"": "other"}}})
    assert mapped.rows.column("item_type").to_pylist() == ["other"]


def test_the_entity_of_a_row_comes_from_a_known_word() -> None:
    """A company code that the map does not know makes no new entity; a blank one is the profile's own."""
    columns = {"entity": {"from": "K", "map": {"01": "FR01"}}}
    mapped = apply(GOOD | {"K": "01"}, GOOD | {"K": "99"}, GOOD | {"K": ""}, columns=columns, entity="DEF")
    assert mapped.rows.column("entity").to_pylist() == ["FR01", "DEF"]
    assert reasons(mapped) == [(3, "unknown_word", "entity", "99")]


def test_skipped_rows_prove_nothing() -> None:
    """A total line that is left out has no say in what the decimal mark is."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS, **{"import": {"skip_where": {"C": [""]}}})
    mapping = Mapping(section, list(GOOD), Conventions())
    with refused("decimal_ambiguous"):
        prove([batch(GOOD | {"A": "1.234"}, GOOD | {"C": "", "A": "1.5"})], mapping, Conventions(date="dd/mm/yyyy"))


def test_typed_cells_are_not_read_by_the_files_conventions() -> None:
    """A number or date that a spreadsheet had typed is canonical, beside text in the file's own conventions."""
    rows = [GOOD | {"D": "2024-02-01", "A": "434.5"}, GOOD]
    typed = pd.DataFrame(False, index=[2, 3], columns=list(GOOD))
    typed.loc[2, ["D", "A"]] = True
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS)
    mapped = Mapping(section, list(GOOD), KNOWN).apply(batch(*rows, typed=typed))
    assert mapped.rows.column("amount").to_pylist() == [Decimal("434.5"), Decimal("1.5")]
    assert mapped.rows.column("issue_date").to_pylist() == [datetime.date(2024, 2, 1)] * 2


def test_a_paid_item_without_an_open_amount_is_settled() -> None:
    """Where a file says when an item was paid but not what is left, nothing is left."""
    mapped = apply(GOOD | {"P": "05/05/2024"}, GOOD | {"P": ""}, columns={"payment_date": "P"})
    assert mapped.rows.column("remaining").to_pylist() == [Decimal(0), Decimal("1.5")]


def test_a_mapped_open_amount_must_not_be_blank() -> None:
    """The ERP owns the open amount: a blank one is a rejection, not the full amount."""
    assert reasons(apply(GOOD | {"S": ""}, columns={"remaining": "S"})) == [(2, "missing", "remaining", "")]


@pytest.mark.parametrize(("text", "code"), [("EURO", "currency_unknown"), ("", "missing")])
def test_a_currency_is_an_iso_code(text: str, code: str) -> None:
    """Only ISO 4217 codes are currencies."""
    assert reasons(apply(GOOD | {"W": text}, columns={"currency": "W"}))[0][1] == code


def test_text_is_never_cut() -> None:
    """A text longer than its field is rejected, with the limit."""
    mapped = apply(GOOD | {"N": "x" * 61})
    assert (mapped.rejections[0].reasons[0].code, mapped.rejections[0].reasons[0].detail) == ("too_long", "60")


def test_rejected_money_is_counted_where_it_can_be_read() -> None:
    """The file's total includes rejected rows whose amount is readable."""
    mapped = apply(GOOD, GOOD | {"N": ""}, GOOD | {"A": "x"})
    assert mapped.money == {"EUR": Decimal(3)}
    assert mapped.rejected_money == {"EUR": Decimal("1.5")}


def test_conventions_are_proven_or_the_file_is_refused() -> None:
    """What nobody declared is decided over the whole column, or refused with examples and the line to add."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS)
    mapping = Mapping(section, list(GOOD), Conventions())
    decided = prove([batch(GOOD, GOOD | {"E": "31/03/2024"})], mapping, Conventions())
    assert decided == KNOWN
    with refused(r'01/02/2024.*date = "dd/mm/yyyy" or date = "mm/dd/yyyy"') as caught:
        prove([batch(GOOD)], mapping, Conventions(decimal=","))
    assert caught.value.code == "date_order_ambiguous"

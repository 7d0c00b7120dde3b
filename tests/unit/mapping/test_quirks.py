"""How ERPs print amounts and dates, in a profile applied to rows: sides, flags, centuries, errors, blanks."""

import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from daemon.mapping import Mapping
from daemon.mapping.prove import prove, unfilled_columns
from daemon.model import Batch
from daemon.profiles.format import Conventions
from daemon.profiles.profile import Profile
from tests.support.refusals import refused
from tests.support.rows import COLUMNS, GOOD, KNOWN, apply, batch, reasons


def test_years_of_two_digits_need_their_century_said() -> None:
    """Nobody guesses it: the file is refused with the lines to add."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS)
    mapping = Mapping(section, list(GOOD), Conventions())
    rows = [batch(GOOD | {"D": "31/12/24", "E": "31/12/99"})]
    with refused(r'31/12/99.*date = "dd/mm/yy" and pivot = 70') as caught:
        prove(rows, mapping, Conventions(decimal=","))
    assert caught.value.code == "century_unclear"
    assert prove(rows, mapping, Conventions(decimal=",", pivot=50)).date == "dd/mm/yy"


def test_numbers_in_a_column_of_dates_are_asked_about() -> None:
    """A spreadsheet's day numbers, typed or not, are read as such when the profile says so; else the file is refused."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS)
    rows = [GOOD | {"D": "45352", "E": "45353"}]
    typed = pd.DataFrame([[c in "DE" for c in GOOD]], index=[2], columns=list(GOOD))
    with refused(r'date_order_ambiguous: 45352, 45353: add to .* date = "serial"'):
        prove([batch(*rows, typed=typed)], Mapping(section, list(GOOD), Conventions()), Conventions(decimal=","))
    mapped = Mapping(section, list(GOOD), Conventions(decimal=",", date="serial")).apply(batch(*rows, typed=typed))
    assert mapped.rows.column("issue_date").to_pylist() == [datetime.date(2024, 3, 1)]


def test_the_thousands_mark_is_decided_with_the_decimal_one() -> None:
    """`1.234,56` proves both; two marks in one file leave it open."""
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS)
    mapping = Mapping(section, list(GOOD), Conventions())
    known = Conventions(date="dd/mm/yyyy")
    assert prove([batch(GOOD | {"A": "1.234,56"})], mapping, known).thousands == "."
    assert prove([batch(GOOD | {"A": "1.234,56"}, GOOD | {"A": "1 234,56"})], mapping, known).thousands is None


def test_an_amount_in_two_columns_is_debit_less_credit() -> None:
    """Neither is a missing amount, both are not clear, and zeros stand for nothing."""
    rows = [
        {"Dr": "1,5", "Cr": ""},
        {"Dr": "0,00", "Cr": "2"},
        {"Dr": "", "Cr": ""},
        {"Dr": "1", "Cr": "2"},
        {"Dr": "x", "Cr": ""},
    ]
    mapped = apply(*(GOOD | row for row in rows), columns={"amount": {"debit": "Dr", "credit": "Cr"}})
    assert mapped.rows.column("amount").to_pylist() == [Decimal("1.5"), Decimal(-2)]
    assert [(line, code) for line, code, *_ in reasons(mapped)] == [(4, "missing"), (5, "debit_and_credit"), (6, "not_a_number")]


def test_a_flag_gives_an_amount_its_sign() -> None:
    """S and H, D and C in any case; a blank, an unknown word and a credit that is negative already are rejected."""
    rows = [{"F": "S"}, {"F": "h"}, {"F": "D"}, {"F": "C"}, {"F": ""}, {"F": "Z"}, {"F": "H", "A": "-1,5"}]
    mapped = apply(*(GOOD | row for row in rows), columns={"amount": {"from": "A", "flag": "F"}})
    assert mapped.rows.column("amount").to_pylist() == [Decimal("1.5"), Decimal("-1.5"), Decimal("1.5"), Decimal("-1.5")]
    assert [(line, code) for line, code, *_ in reasons(mapped)] == [(6, "missing"), (7, "unknown_word"), (8, "sign_unclear")]


def test_an_amount_must_not_contradict_its_currency() -> None:
    """`USD 5` in a row of euros is rejected; a sign that may mean the row's currency is not."""
    mapped = apply(GOOD | {"A": "USD 5"}, GOOD | {"A": "5 €"}, GOOD | {"A": "$5"})
    assert mapped.rows.column("amount").to_pylist() == [Decimal(5)]
    assert reasons(mapped) == [(2, "currency_contradicted", "amount", "USD 5"), (4, "currency_contradicted", "amount", "$5")]


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("1,5 kr.", "NOK"),
        ("Rs. 1,5", "INR"),
        ("1,5 руб.", "RUB"),
        ("1,5 грн.", "UAH"),
        ("1,5 лв.", "BGN"),
        ("฿1,5", "THB"),
        ("1,5 ₫", "VND"),
    ],
)
def test_a_currencys_sign_is_known_as_it_is_printed_at_home(printed: str, code: str) -> None:
    """With its point, before the amount or after it; in a row of another currency it contradicts that."""
    mapped = apply(GOOD | {"A": printed}, columns={"currency": {"value": code}})
    assert mapped.rows.column("amount").to_pylist() == [Decimal("1.5")]
    contradicted = apply(GOOD | {"A": printed}, columns={"currency": {"value": "EUR"}})
    assert [said for _, said, *_ in reasons(contradicted)] == ["currency_contradicted"]


def test_zeros_for_a_date_are_a_blank() -> None:
    """`00000000` in an optional date is nothing, and in a required one missing."""
    mapped = apply(GOOD | {"P": "00/00/0000"}, GOOD | {"P": "", "E": "00000000"}, columns={"payment_date": "P"})
    assert mapped.rows.column("payment_date").to_pylist() == [None]
    assert reasons(mapped) == [(3, "missing", "due_date", "")]


def test_a_cell_that_holds_an_error_is_rejected_where_it_is_read() -> None:
    """`#REF!` in a mapped column rejects its row, text or not; in a column that nobody reads it does no harm."""
    rows = batch(GOOD | {"T": "#REF!", "U": ""}, GOOD | {"T": "", "U": "#N/A"})
    errors = pd.DataFrame(False, index=[2, 3], columns=[*GOOD, "T", "U"])
    errors.loc[2, "T"] = errors.loc[3, "U"] = True
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS | {"comment": "T"})
    mapped = Mapping(section, [*GOOD, "T", "U"], KNOWN).apply(Batch(rows.frame, None, errors))
    assert reasons(mapped) == [(2, "error_cell", "comment", "#REF!")]
    assert mapped.rows.num_rows == 1


def test_a_column_that_is_optional_may_be_missing() -> None:
    """Then it is as if the profile did not have it; but a blank cell of a column that is there is a blank cell."""
    columns = COLUMNS | {"unique_key": {"from": "K", "optional": True}, "remaining": {"from": "R", "optional": True}}
    section = Profile(name="p", pattern="*", dataset="receivables", columns=columns)
    assert Mapping(section, list(GOOD), KNOWN).key[0] == "customer_code"
    mapped = Mapping(section, [*GOOD, "R"], KNOWN).apply(batch(GOOD | {"R": ""}))
    assert reasons(mapped) == [(2, "missing", "remaining", "")]


def test_a_column_of_a_form_may_be_left_unfilled() -> None:
    """On every row: then it counts as missing, and the key falls back with it."""
    of_form = {"optional": True, "unfilled": True}
    columns = COLUMNS | {"unique_key": {"from": "K"} | of_form, "remaining": {"from": "R"} | of_form}
    section = Profile(name="p", pattern="*", dataset="receivables", columns=columns)
    mapping = Mapping(section, [*GOOD, "K", "R"], KNOWN, unfilled={"K", "R"})
    assert mapping.key[0] == "customer_code"
    assert mapping.apply(batch(GOOD | {"K": "", "R": ""})).rows.column("remaining").to_pylist() == [Decimal("1.5")]
    assert unfilled_columns([batch(GOOD | {"K": "", "R": "1"})], {"K", "R"}) == {"K"}


def test_a_contacts_name_may_be_in_two_columns() -> None:
    """First and last name make the whole name where the file has none; both blank are a rejection."""
    columns = {"customer_code": "C", "first_name": "F", "last_name": "L"}
    section = Profile(name="p", pattern="*", dataset="contacts", columns=columns)
    rows = [{"C": "1", "F": "Ada", "L": "Byron"}, {"C": "2", "F": "", "L": "Curie"}, {"C": "3", "F": "", "L": ""}]
    mapped = Mapping(section, ["C", "F", "L"], KNOWN).apply(batch(*rows))
    assert mapped.rows.column("name").to_pylist() == ["Ada Byron", "Curie"]
    assert reasons(mapped) == [(4, "missing", "name", "")]


@pytest.mark.parametrize("amount", ["0", "-5,00"])
def test_an_open_credit_is_above_zero(amount: str) -> None:
    """Zero and negative credits are rejected with their reason."""
    columns = {"customer_code": "C", "credit_number": "N", "credit_date": "D", "balance": "A", "currency": {"value": "EUR"}}
    section = Profile(name="p", pattern="*", dataset="open_credits", columns=columns)
    mapped = Mapping(section, list(GOOD), KNOWN).apply(batch(GOOD | {"A": amount}))
    assert reasons(mapped) == [(2, "credit_not_positive", "balance", amount)]


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"amount": {"debit": "A"}}, '"debit" and "credit" go together'),
        ({"comment": {"debit": "A", "credit": "B"}}, "make an amount"),
        ({"amount": {"from": "A", "join": ["B"]}}, "give exactly one"),
    ],
)
def test_a_column_that_makes_no_sense_is_a_fault_of_the_profile(columns: dict[str, Any], fault: str) -> None:
    """Said when the profile is loaded, before any file is."""
    with pytest.raises(ValueError, match=fault):
        Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS | columns)

"""Amounts: exact, by the file's decimal mark, in every way ERPs print them."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mapping import numbers
from daemon.model import ReasonCode


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [
        ("1234,56", ",", "1234.56"),
        ("1.234.567,8", ",", "1234567.8"),
        ("1 234 567,89", ",", "1234567.89"),
        ("1\u00a0234,5", ",", "1234.5"),
        ("1\u202f234,5", ",", "1234.5"),
        ("1'234.50", ".", "1234.50"),
        ("1\u2019234.50", ".", "1234.50"),
        ("1,234.56", ".", "1234.56"),
        ("-950,00", ",", "-950"),
        ("950,00-", ",", "-950"),
        ("\u2212950,00", ",", "-950"),
        ("(1,234.56)", ".", "-1234.56"),
        ("+5", ".", "5"),
        (",50", ",", "0.5"),
        (".99", ".", "0.99"),
        ("1.234,56-", ",", "-1234.56"),
        ("1 234,56 €", ",", "1234.56"),
        ("EUR 12", ",", "12"),
        ("-EUR 12,50", ",", "-12.5"),
        ("(US$ 1,234.56)", ".", "-1234.56"),
        ("$49,487.05", ".", "49487.05"),
        ("12 kr", ",", "12"),
        ("1.234,56 H", ",", "-1234.56"),
        ("1.234,56 S", ",", "1234.56"),
        ("100.00CR", ".", "-100"),
        ("100.00 DR", ".", "100"),
        ("١٬٢٣٤٫٥٦", ".", "1234.56"),
        ("１，２３４．５０", ".", "1234.50"),
        ("0,000000", ",", "0"),
    ],
)
def test_an_amount_is_read_exactly(text: str, decimal: str, expected: str) -> None:
    """Signs before or behind, parentheses, every thousands mark: the value is the one printed."""
    assert numbers.amount(text, decimal) == Decimal(expected)


@pytest.mark.parametrize(
    "text",
    [
        "1,5.3",
        "1.23,4",
        "12.34,5",
        "1 23,4",
        "1.234 567,8",
        "NaN",
        "Infinity",
        "1e5",
        "0x1",
        "--5",
        "-5-",
        "(-5)",
        "",
        "-",
        "1 28O,50",
        "100,--5",
        "5,",
        "0.500",
        "100,00\u00b9",
        "5\u00b2",
        "12\u6708",
        "1" + " " * 90_000 + "x",
        "012.345",
    ],
)
def test_what_is_no_amount_is_a_fault(text: str) -> None:
    """Groups that are not of three, two kinds of mark, two signs, letters and words are never read as something else."""
    assert numbers.amount(text, ",") is ReasonCode.NOT_A_NUMBER


def test_money_is_never_rounded_or_cut() -> None:
    """A sixth decimal and a fourteenth digit before the point are faults, not changes."""
    assert numbers.amount("1,123456", ",") is ReasonCode.TOO_MANY_DECIMALS
    assert numbers.amount("12345678901234", ",") is ReasonCode.AMOUNT_TOO_LARGE
    assert numbers.amount("1" * 40 + ",123456", ",") is ReasonCode.AMOUNT_TOO_LARGE


@given(st.lists(st.decimals(-(10**12), 10**12, places=5), max_size=20), st.sampled_from([",", "."]))
def test_the_quick_way_and_the_careful_way_agree(amounts: list[Decimal], decimal: str) -> None:
    """A column of plain amounts, cast in one go, is what each of them is on its own."""
    texts = [f"{amount:f}".replace(".", decimal) for amount in amounts]
    column, faults = numbers.money(pa.array(texts, pa.string()), decimal)
    assert not faults
    assert column.to_pylist() == [numbers.amount(text, decimal) for text in texts]


def test_one_odd_amount_costs_only_its_row() -> None:
    """A column with one fault yields the others' values and names the row."""
    column, faults = numbers.money(pa.array(["1,5", "x", None, "1.000,00"]), ",")
    assert column.to_pylist() == [Decimal("1.5"), None, None, Decimal(1000)]
    assert faults == {1: ReasonCode.NOT_A_NUMBER}


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["1.234,56"], {","}),
        (["12,5", "7"], {","}),
        (["1,234.56"], {"."}),
        (["0.5"], {"."}),
        (["1.234", "5"], set()),
        (["1,5", "1.5"], {",", "."}),
        (["1.234", "Seite 1.5", "31.12.2026"], set()),
    ],
)
def test_a_column_proves_its_decimal_mark(texts: list[str], marks: set[str]) -> None:
    """`1.234,56` and `12,5` prove the comma; `1.234` alone proves nothing."""
    assert numbers.proven(pa.array(texts)) == marks


def test_a_sign_that_is_given_twice_is_not_guessed() -> None:
    """A negative amount that is flagged as a credit may mean either sign."""
    assert numbers.amount("-100,00 H", ",") is ReasonCode.SIGN_UNCLEAR
    assert numbers.amount("-100,00 S", ",") == Decimal(-100)


def test_a_declared_thousands_mark_is_the_only_one() -> None:
    """What another mark sets off is no amount; without a declaration each may."""
    assert numbers.amount("1 234,5", ",", ".") is ReasonCode.NOT_A_NUMBER
    assert numbers.amount("1.234,5", ",", ".") == Decimal("1234.5")


@given(
    st.lists(st.decimals(-(10**12), 10**12, places=2), max_size=20),
    st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'"), (",", "")]),
    st.sampled_from(["-{}", "{}-", "({})", "{} CR", "EUR -{}"]),
)
def test_a_column_is_read_as_each_of_its_amounts(values: list[Decimal], marks: tuple[str, str], negative: str) -> None:
    """However thousands and signs are printed, a column gives the decimals that were written."""
    decimal, thousands = marks
    texts = []
    for value in values:
        text = f"{abs(value):,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)
        texts.append(negative.format(text) if value < 0 else text)
    column, faults = numbers.money(pa.array(texts, pa.string()), decimal, thousands or None)
    assert faults == {}
    assert column.to_pylist() == [value.quantize(Decimal("0.00001")) for value in values]


def test_groups_of_two_prove_the_decimal_mark_and_an_abbreviation_is_none() -> None:
    """Indian lakhs have points for decimals; the point of `Cr.` is no mark of an amount."""
    assert numbers.proven(pa.array(["12,34,567", "1,23,456"])) == {"."}
    assert numbers.unclear(pa.array(["10 Cr.", "100"])) == []
    assert numbers.unclear(pa.array(["1.234", "100.-"])) == ["1.234", "100.-"]

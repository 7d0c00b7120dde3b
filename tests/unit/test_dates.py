"""Dates: read in the declared order, or in one that the column proves."""

import datetime

import pytest

from daemon.mapping import dates
from daemon.shape import Conventions


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("31/12/2024", "dd/mm/yyyy", (2024, 12, 31)),
        ("1.2.2024", "dd/mm/yyyy", (2024, 2, 1)),
        ("1/2/2024", "mm/dd/yyyy", (2024, 1, 2)),
        ("2024-02-29", "yyyy-mm-dd", (2024, 2, 29)),
        ("20240229", "yyyymmdd", (2024, 2, 29)),
        ("31/12/2024 23:59", "dd/mm/yyyy", (2024, 12, 31)),
        ("2024-12-31T23:59:59.5+02:00", "yyyy-mm-dd", (2024, 12, 31)),
    ],
)
def test_a_date_is_read_as_declared(text: str, pattern: str, expected: tuple[int, int, int]) -> None:
    """Order comes from the pattern; separators may vary, and a time of day after the date is left off."""
    assert dates.parse(text, Conventions(date=pattern)) == datetime.date(*expected)


@pytest.mark.parametrize(
    "text", ["31/02/2024", "29/02/2023", "31/12/24", "2024/12/31", "31/12-2024", "today", "infinity", "01/01/12025", "00/00/0000",
             "31/12/0201", "٣١/١٢/٢٠٢٤", "31/12/2024 99:99", "31/12/2024 24:00", "31/12/2024 29:59", "45000", ""]
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    """Impossible days, other orders, words that Postgres would take, and slips of the hand are refused."""
    assert dates.parse(text, Conventions(date="dd/mm/yyyy")) is None


def proven(*texts: str) -> set[str]:
    return dates.proven(map(dates.fitting, texts))


def test_a_single_day_above_twelve_proves_the_order() -> None:
    """One 31/12 among a thousand ambiguous dates decides all of them."""
    assert proven(*["01/02/2024", "03/04/2024"] * 500, "31/12/2023") == {"dd/mm/yyyy"}
    assert proven("01/02/2024", "12/31/2023") == {"mm/dd/yyyy"}


def test_ambiguous_and_contradicting_columns_prove_nothing() -> None:
    """All days up to twelve, or proofs of both orders, leave more than one reading."""
    assert proven("01/02/2024", "03/04/2024") == {"dd/mm/yyyy", "mm/dd/yyyy"}
    assert proven("31/12/2024", "12/31/2024") == {"dd/mm/yyyy", "mm/dd/yyyy"}
    assert proven("n/a", "") == set()

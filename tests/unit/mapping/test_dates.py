"""Dates: read in the declared order, or in one that the column proves."""

import datetime

import pytest
from babel import Locale

from daemon.mapping import dates
from daemon.mapping.digits import latin
from daemon.profiles.format import Conventions


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
        ("12/31/2024 11:59:59 PM", "mm/dd/yyyy", (2024, 12, 31)),
        ("31. 12. 2024.", "dd/mm/yyyy", (2024, 12, 31)),
        ("31-DEC-2024", "dd mmm yyyy", (2024, 12, 31)),
        ("December 31, 2024", "mmm dd yyyy", (2024, 12, 31)),
        ("45352", "serial", (2024, 3, 1)),
        ("45352.75", "serial", (2024, 3, 1)),
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


def test_a_day_that_no_month_has_is_a_slip_and_proves_nothing() -> None:
    """31.11.26 among days of November is a wrong day of that order, and no proof that the year stands first."""
    assert proven(*(f"{day}.11.26" for day in range(1, 32))) == {"dd/mm/yy"}
    assert proven("31/02/2026", "01/02/2026") == {"dd/mm/yyyy"}


def test_ambiguous_and_contradicting_columns_prove_nothing() -> None:
    """All days up to twelve, or proofs of both orders, leave more than one reading."""
    assert proven("01/02/2024", "03/04/2024") == {"dd/mm/yyyy", "mm/dd/yyyy"}
    assert proven("31/12/2024", "12/31/2024") == {"dd/mm/yyyy", "mm/dd/yyyy"}
    assert proven("n/a", "") == set()


@pytest.mark.parametrize(("text", "year"), [("31/12/69", 2069), ("31/12/70", 1970), ("31/12/99", 1999), ("31/12/00", 2000)])
def test_years_of_two_digits_are_of_the_century_that_the_pivot_says(text: str, year: int) -> None:
    """Below the declared pivot 20xx, from it on 19xx."""
    assert dates.parse(text, Conventions(date="dd/mm/yy", pivot=70)) == datetime.date(year, 12, 31)


@pytest.mark.parametrize("language", dates.LANGUAGES)
def test_the_months_of_fifteen_languages_are_known(language: str) -> None:
    """Long and short names, in the language that the profile declares."""
    locale = Locale.parse(language)
    conventions = Conventions(date="dd mmm yyyy", language=language)
    for width in ("wide", "abbreviated"):
        for number, name in locale.months["format"][width].items():
            if name.strip(".").isalpha():
                assert dates.parse(f"5 {name} 2024", conventions) == datetime.date(2024, number, 5)


def test_a_month_that_two_languages_mean_differently_needs_the_language() -> None:
    """`listopad` is October in Croatian and November in Polish."""
    assert dates.parse("5 listopad 2024", Conventions(date="dd mmm yyyy")) is None
    assert dates.parse("5 listopad 2024", Conventions(date="dd mmm yyyy", language="pl")) == datetime.date(2024, 11, 5)
    assert dates.parse("5 listopad 2024", Conventions(date="dd mmm yyyy", language="hr")) == datetime.date(2024, 10, 5)


@pytest.mark.parametrize("text", ["00000000", "00/00/0000", "00.00.00", "0", "0000-00-00"])
def test_zeros_are_no_date(text: str) -> None:
    """How ERPs print that there is none."""
    assert dates.is_blank(text)


@pytest.mark.parametrize(
    ("text", "plain"), [("２０２４／０３／０１", "2024/03/01"), ("2024年3月1日", "2024-3-1"), ("٣١/١٢/٢٠٢٤", "31/12/2024")]
)
def test_dates_in_other_digits_are_dates(text: str, plain: str) -> None:
    """Full-width and Arabic-Indic digits, and the words for year, month and day in Chinese and Japanese."""
    assert latin(text) == plain


@pytest.mark.parametrize(
    ("text", "pattern", "language"),
    [("13-MAR-2026", "dd mmm yyyy", None), ("Mar 13 2026 12:00AM", "mmm dd yyyy", "en"), ("13 marzo 2026", "dd mmm yyyy", None)],
)
def test_march_is_march_in_every_language_that_calls_it_so(text: str, pattern: str, language: str | None) -> None:
    """A Finnish November that begins alike does not hide it; and a month that comes first is no day of the week."""
    assert dates.parse(text, Conventions(date=pattern, language=language)) == datetime.date(2026, 3, 13)


def test_a_year_first_and_the_day_second_is_proven_only_where_no_day_stands_last() -> None:
    """One slip among a million ISO dates is a slip."""
    assert dates.proven([dates.fitting(text) for text in ("2026-13-02", "2026-01-03")]) == {"yyyy-dd-mm"}
    assert dates.proven([dates.fitting(text) for text in ("2026-13-02", "2026-01-13")]) == {"yyyy-mm-dd"}
    assert dates.proven([dates.fitting("2026-01-03")]) == {"yyyy-mm-dd"}

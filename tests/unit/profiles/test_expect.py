"""When a file is expected."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from daemon.profiles.expect import Expect


def days(expect: Expect, month: int = 11) -> list[int]:
    return [day for day in range(1, 31) if expect.expected_on(date(2026, month, day))]


def test_weekdays_are_ranges_and_lists() -> None:
    """`mon-fri`, `sat-mon` round the end of the week, and single days."""
    assert days(Expect(by="06:00", days="mon-fri"))[:6] == [2, 3, 4, 5, 6, 9]
    assert days(Expect(by="06:00", days="sat-mon"))[:4] == [1, 2, 7, 8]
    assert days(Expect(by="06:00", days="mon, thu"))[:4] == [2, 5, 9, 12]


def test_working_days_are_counted_from_both_ends() -> None:
    """The first, third and last working day of November 2026 in France, where the 11th is a holiday."""
    assert days(Expect(by="06:00", days="workday 1,3,-1", holidays="FR")) == [2, 4, 30]
    assert days(Expect(by="06:00", days="workday 8", holidays="FR")) == [12]
    assert days(Expect(by="06:00", days="workday 8")) == [11]


def test_nothing_is_expected_on_a_holiday() -> None:
    """Of a country, or of a part of it."""
    assert 11 not in days(Expect(by="06:00", days="mon-fri", holidays="FR"))
    assert not Expect(by="06:00", holidays="DE-BY").expected_on(date(2026, 1, 6))
    assert Expect(by="06:00", holidays="DE-BE").expected_on(date(2026, 1, 6))


def test_the_time_is_the_zones() -> None:
    """06:00 in Paris is 05:00 UTC in winter and 04:00 in summer, also on the days when the clocks change."""
    expect = Expect(by="06:00", timezone="Europe/Paris")
    for moment, due in [
        ((11, 22, 5, 0), (11, 22, 5)), ((11, 22, 4, 59), (11, 21, 5)), ((7, 1, 12, 0), (7, 1, 4)),
        ((3, 29, 12, 0), (3, 29, 4)), ((10, 25, 12, 0), (10, 25, 5)),
    ]:  # fmt: skip
        assert expect.due_before(datetime(2026, *moment, tzinfo=UTC)) == datetime(2026, *due, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_still_one() -> None:
    """02:30 on the night the clocks go forward."""
    assert Expect(by="02:30", timezone="Europe/Paris").due_before(datetime(2026, 3, 29, 3, tzinfo=UTC)) is not None


@pytest.mark.parametrize("wrong", [
    {"by": "6"}, {"by": "25:00"}, {"by": "06:00", "days": "weekly"}, {"by": "06:00", "timezone": "Europe/Pariss"},
    {"by": "06:00", "holidays": "XX"}, {"by": "06:00", "days": "workday x"},
])  # fmt: skip
def test_what_is_no_expectation_is_a_fault_of_the_profile(wrong: dict[str, str]) -> None:
    """Said when the profile is read, not in the night."""
    with pytest.raises(ValidationError):
        Expect(**wrong)

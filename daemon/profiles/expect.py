"""Expect: when a file should have come: on which days, by when, in which time zone. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from daemon.toml import Table, clock_time, known_zone, unfit

_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_LONGEST_GAP = 70
"""Days back to the last one on which a file may have been expected."""


class Expect(Table):
    """A profile's `[expect]` table: by when its file should have come."""

    by: str = Field(description='"06:00"')
    days: str = Field("daily", description='"daily", "mon-fri", "mon,thu", or the nth working days of a month: "workday 1,-1"')
    timezone: str = Field("UTC", description="in which `by` is meant")
    holidays: str | None = Field(None, description='days without a file: a country, "FR", or a part of one, "DE-BY"')

    @field_validator("by")
    @classmethod
    def _a_time(cls, text: str) -> str:
        clock_time(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _a_zone(cls, name: str) -> str:
        return known_zone(name)

    @model_validator(mode="after")
    def _days_known(self) -> "Expect":
        self.expected_on(date(2026, 1, 1))
        self._holidays()
        return self

    def expected_on(self, day: date) -> bool:
        """Whether a file is expected on a day. Raises Unfit when the days, or the country, are none that are known."""
        if workdays := re.fullmatch(r"workday\s+(-?\d+(?:\s*,\s*-?\d+)*)", self.days):
            wanted = {int(number) for number in workdays[1].split(",")}
            return bool(wanted & self._places(day))
        return day.weekday() in self._weekdays() and day not in self._holidays()

    def is_holiday(self, day: date) -> bool:
        """Whether a day has no file for being one of the holidays."""
        return day in self._holidays()

    def _weekdays(self) -> set[int]:
        if self.days == "daily":
            return set(range(7))
        found: set[int] = set()
        for part in self.days.split(","):
            first, _, last = part.strip().partition("-")
            if first not in _WEEKDAYS or (last or first) not in _WEEKDAYS:
                raise unfit("days")
            start, end = _WEEKDAYS.index(first), _WEEKDAYS.index(last or first)
            found |= {number % 7 for number in range(start, end + 1 + 7 * (end < start))}
        return found

    def _places(self, day: date) -> set[int]:
        """A working day's place in its month, from the front and from the back; nothing for a day off."""
        first = day.replace(day=1)
        month = [first + timedelta(n) for n in range(31) if (first + timedelta(n)).month == day.month]
        working = [each for each in month if each.weekday() < 5 and each not in self._holidays()]
        return {working.index(day) + 1, working.index(day) - len(working)} if day in working else set()

    def _holidays(self) -> "dict[date, str]":
        if self.holidays is None:
            return {}
        import holidays  # slow to import

        country, _, part = self.holidays.partition("-")
        try:
            return holidays.country_holidays(country, subdiv=part or None)
        except NotImplementedError as error:
            raise unfit("holidays", why=str(error)) from error

    def due_on(self, day: date) -> datetime | None:
        """By when a file is expected on a day, in UTC; None on a day without one."""
        if not self.expected_on(day):
            return None
        return datetime.combine(day, clock_time(self.by), ZoneInfo(self.timezone)).astimezone(UTC)

    def due_before(self, moment: datetime) -> datetime | None:
        """The latest time, not after `moment`, by which a file was expected; in UTC."""
        zone = ZoneInfo(self.timezone)
        today = moment.astimezone(zone).date()
        for day in (today - timedelta(n) for n in range(_LONGEST_GAP)):
            due = self.due_on(day)
            if due is not None and due <= moment:
                return due
        return None

"""A person: somebody who gets mail; in which language, by which clock, of what and when."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from daemon.toml import Table, clock_time, known_zone, unfit

Kind = Literal[
    "result",
    "drop_fault",
    "drop_stopped",
    "drop_well",
    "file_fault",
    "identical",
    "late",
    "loaded",
    "missing",
    "orphans",
    "parked",
    "summary",
    "undone",
    "unmatched",
]
"""What mails there are."""


EMAIL = r"^[^@\s<>,;]+@[^@\s<>,;]+$"
_TAG = r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"


class Person(Table):
    """Somebody who gets mail."""

    email: str = Field(pattern=EMAIL, description="the address")
    language: str = Field(
        "en", pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$", description='in which mails are written: "pt-BR"'
    )
    timezone: str | None = Field(None, description="by whose clock times are told; else that of the company a file is of")
    kinds: list[Kind] | None = Field(None, description="only these mails; a held or refused file is a result")
    quiet: str | None = Field(None, description='"20:00-07:00": what can wait is sent when that is over')
    muted_until: date | None = Field(None, description="no mails before this day, but for what waits for a person")
    muted_because: str | None = Field(None, description="why; told where the mail is shown as not sent")
    summary: str | None = Field(None, description='"07:30": one mail a day with every expected file and its state')

    @field_validator("summary")
    @classmethod
    def _a_time(cls, text: str | None) -> str | None:
        if text is not None:
            clock_time(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _a_zone(cls, name: str | None) -> str | None:
        return None if name is None else known_zone(name)

    @field_validator("quiet")
    @classmethod
    def _two_times(cls, text: str | None) -> str | None:
        if text is not None:
            first, _, last = text.partition("-")
            clock_time(first.strip())
            clock_time(last.strip())
        return text

    @model_validator(mode="after")
    def _said_why(self) -> "Person":
        if (self.muted_until is None) != (self.muted_because is None):
            raise unfit("together", one="muted_until", other="muted_because")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """By whose clock their day goes."""
        return ZoneInfo(self.timezone or "UTC")

    def wants(self, kind: str) -> bool:
        """Whether they get such mails at all; a summary only who has asked for one."""
        return self.kinds is None or kind in self.kinds

    def is_muted(self, now: datetime) -> bool:
        """Whether they do not want to be written to yet."""
        return self.muted_until is not None and now.astimezone(self.zone).date() < self.muted_until

    def quiet_until(self, now: datetime) -> datetime | None:
        """When their quiet hours end, if they have them now."""
        if self.quiet is None:
            return None
        begins, ends = (clock_time(part.strip()) for part in self.quiet.split("-"))
        local = now.astimezone(self.zone)
        if not _is_between(local.time(), begins, ends):
            return None
        end = datetime.combine(local.date(), ends, self.zone)
        return end if end > local else end + timedelta(days=1)

    def summary_due(self, now: datetime) -> date | None:
        """The day whose summary is due by now."""
        if self.summary is None or not self.wants("summary"):
            return None
        local = now.astimezone(self.zone)
        return local.date() if local.time() >= clock_time(self.summary) else None


def _is_between(now: time, begins: time, ends: time) -> bool:
    return begins <= now < ends if begins < ends else now >= begins or now < ends

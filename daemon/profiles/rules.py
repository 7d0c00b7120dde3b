"""Import rules: a profile's `[import]` table, what is done with the rows of its files."""

import re
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator

from daemon.profiles.column import Column, Source
from daemon.toml import Seconds, Table, clock_time, unfit

_DAY = re.compile("%[Ymd]")


class Import(Table):
    """A profile's `[import]` table: what is done with the rows."""

    mode: Literal["delta", "snapshot"] = Field(
        "delta", description="a snapshot is all that is open; what it leaves out is cleared"
    )
    scope: str | None = Field(None, description="what a snapshot speaks for; by default the entity's ledger of the dataset")
    entities: list[str] = Field([], description="of a snapshot whose rows name their entity: those of which it says everything")
    match: list[str] = Field([], description="the fields by which a row is known, if not by the dataset's own key")
    on_match: Literal["update", "skip"] = Field("update", description="what is done with a row that is there already")
    protect: list[str] | None = Field(None, description="fields that keep what is stored; by default those the ERP does not own")
    blank: Literal["keep", "clear"] = Field("keep", description="what an empty cell does to what is stored")
    sign: Literal["as_is", "by_type"] = Field("as_is", description="by_type: credits are printed as positive amounts")
    doubtful: Literal["load", "reject"] = Field(
        "load", description="what is done with a row that an accountant would ask about: load it and say so, or reject it"
    )
    max_rejected: str | int | None = Field(
        None, description='more rejected rows than that, "5%" or 100, and the file is refused whole'
    )
    empty: Literal["hold", "ignore"] = Field("hold", description="what is done with a snapshot that has only its header")
    business_date: Source | str | None = Field(
        None, description='the day a file is about: where its name has it, "ITEMS_%Y%m%d*", or { from = "its column" }'
    )
    day_starts: str = Field("06:00", description="when the night before it ends, in the time zone of [expect]")
    after: list[str] = Field([], description="profiles whose file of the same night must be in first; * and ? as in file names")
    wait: Seconds = Field(7200, ge=0, description="how long it waits for them, from its arrival")
    latest_only: bool = Field(False, description="of several files that wait, only the last is imported")
    skip_where: dict[str, list[str]] = Field({}, description="rows to leave out: header to values; * and ? as in file names")

    def too_many(self, rejected: int, read: int) -> bool:
        """Whether so many rejected rows are more than the profile lets pass."""
        if self.max_rejected is None:
            return False
        if isinstance(self.max_rejected, int):
            return rejected > self.max_rejected
        return rejected * 100 > Decimal(self.max_rejected.rstrip("%")) * read

    @field_validator("max_rejected")
    @classmethod
    def _a_share(cls, most: str | int | None) -> str | int | None:
        if isinstance(most, str) and not re.fullmatch(r"\d{1,2}(\.\d+)?%", most):
            raise unfit("share")
        return most

    @field_validator("day_starts")
    @classmethod
    def _a_time(cls, text: str) -> str:
        clock_time(text)
        return text

    @field_validator("business_date")
    @classmethod
    def _a_day(cls, pattern: Column | str | None) -> Column | str | None:
        if isinstance(pattern, str) and sorted(_DAY.findall(pattern)) != ["%Y", "%d", "%m"]:
            raise unfit("day_in_name")
        return pattern

"""What a file looks like: its format, which reading needs, and its conventions, which mapping needs."""

import contextlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from daemon.toml import Table, unfit

Kind = Literal["delimited", "list", "fixed_width", "excel", "html"]
Place = Annotated[int, Field(ge=1)]


class Spoken(Table):
    """What is written by people of one language."""

    language: str | None = Field(
        None,
        pattern="^[a-z]{2}(_[A-Z]{2})?$",
        description='"de", "pt_BR": in which names are written; it weighs most in telling letters, and says the names of months',
    )


class Format(Spoken):
    """The shape of a file. What is left out is sniffed, or the file is refused."""

    kind: Kind | None = Field(None, description="what the file is, whatever its name")
    encoding: str | None = Field(None, description='"cp1252", "utf-8", …')
    delimiter: str | None = Field(None, min_length=1, max_length=8, description="what stands between cells")
    quote: str | None = Field(None, max_length=1, description='"" for a format without quotes')
    escape: Literal["\\"] | None = Field(None, description="only where quotes in cells are escaped by it, not doubled")
    header_row: int | None = Field(None, ge=1, description="the line the headers stand on, counted from 1")
    header_rows: int | None = Field(None, ge=1, le=10, description="over how many lines the headers are spread")
    header: list[str] | None = Field(None, min_length=1, description="the columns' names, for a file without headers")
    comment: str | None = Field(None, min_length=1, description="lines that begin with it are no records")
    ignore: list[str] = Field([], description="lines that are no records, by the first filled cell; * and ? as in file names")
    final_newline: bool | None = Field(
        None, description="whether the last line has a line end; what the first import found is held to, for a cut file differs"
    )
    trailer: str | None = Field(
        None, description="the line that counts the others, by its first filled cell; * and ? as in file names; see [control]"
    )
    positions: dict[str, tuple[Place, Place]] | None = Field(
        None, description="of fixed width: each column's first and last character, counted from 1"
    )
    record_length: int | None = Field(
        None,
        ge=1,
        le=1 << 20,
        description="of fixed width without line ends: the bytes of one record; positions count bytes then",
    )
    packed: dict[str, Annotated[int, Field(ge=0, le=9)]] | None = Field(
        None, description="of such records, the columns that are packed decimals (COMP-3), each with how many digits are decimals"
    )
    sheet: str | int | None = Field(None, description="of a workbook: name, or number counted from 1")
    range: str | None = Field(None, pattern="^[A-Z]{1,3}[1-9][0-9]*:[A-Z]{1,3}[1-9][0-9]*$", description='"B3:H200"')
    member: str | None = Field(None, description="of a zip with several members: the name of the one meant; * and ?")

    @model_validator(mode="after")
    def _records(self) -> "Format":
        if self.record_length and not (self.positions and self.encoding):
            raise unfit("record_length")
        if self.packed and (not self.record_length or not self.packed.keys() <= (self.positions or {}).keys()):
            raise unfit("packed")
        return self

    @model_validator(mode="after")
    def _one_header(self) -> "Format":
        if self.header and (self.header_row or self.header_rows or self.positions):
            raise unfit("header")
        return self


DATE_PATTERN = re.compile(r"(dd|mmm|mm|yyyy|yy)([-/. ]?)(dd|mmm|mm|yyyy|yy)\2(dd|mmm|mm|yyyy|yy)")
DAY_OF_YEAR = {
    "cyymmdd": r"(?P<c>[01])(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})",
    "yyyyddd": r"(?P<y>\d{4})(?P<n>\d{3})",
    "cyyddd": r"(?P<c>[01])(?P<y>\d{2})(?P<n>\d{3})",
}
"""Date patterns of digits that count the century from 1900, or the day through the year: of AS/400 and JD Edwards."""
SERIAL = "serial"
"""The date pattern of a spreadsheet's day numbers, counted from the end of 1899."""


def is_short(pattern: str) -> bool:
    """Whether a date pattern has years of two digits."""
    return pattern not in DAY_OF_YEAR and "yy" in pattern.replace("yyyy", "")


class Conventions(Spoken):
    """How a file writes numbers and dates. What is left out is proven over the whole column, or the file is refused."""

    decimal: Literal[",", "."] | None = Field(None, description="the mark before the decimals")
    thousands: Literal[",", ".", "'", " "] | None = Field(None, description="the mark between thousands")
    date: str | None = Field(
        None,
        description='in their order: "dd/mm/yyyy", "yyyymmdd", "dd mmm yy"; or "serial", "cyymmdd", "yyyyddd", "cyyddd"',
    )
    calendar: Literal["buddhist", "japanese", "minguo"] | None = Field(
        None, description="the calendar whose years these are: 2569, R8, 115"
    )
    pivot: int | None = Field(None, ge=0, le=99, description="years of two digits below it are 20xx, the others 19xx")

    def pinned_to(self, pins: Mapping[str, str | None]) -> "Conventions":
        """These, what they leave open filled from what the first import decided; but for what contradicts them now."""
        known = self
        for name, pin in pins.items():
            if name in Conventions.model_fields and getattr(known, name) is None and pin is not None:
                with contextlib.suppress(ValidationError):
                    known = Conventions.model_validate(known.model_dump() | {name: pin})
        return known

    @field_validator("date")
    @classmethod
    def _a_date(cls, pattern: str | None) -> str | None:
        parts = DATE_PATTERN.fullmatch(pattern or "")
        if pattern in (None, SERIAL, *DAY_OF_YEAR) or (parts and {part[:1] for part in parts.group(1, 3, 4)} == {"d", "m", "y"}):
            return pattern
        raise unfit("date_pattern")

    @model_validator(mode="after")
    def _clear(self) -> "Conventions":
        if self.thousands is not None and self.thousands == self.decimal:
            raise unfit("same_mark")
        if self.date and is_short(self.date) and self.pivot is None:
            raise unfit("century_open", date=self.date)
        return self

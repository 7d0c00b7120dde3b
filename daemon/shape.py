"""What a file looks like: its format, which reading needs, and its conventions, which mapping needs."""

import re
from typing import Literal

from pydantic import Field, field_validator

from daemon.config import Table


class Format(Table):
    """The shape of a file. What is left out is sniffed, or the file is refused."""

    kind: Literal["delimited", "excel"] | None = None
    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    quote: str | None = Field(None, max_length=1, description='"" for a format without quotes')
    header_row: int | None = Field(None, ge=1, description="the line the headers stand on, counted from 1")
    sheet: str | int | None = Field(None, description="of a workbook: name, or number counted from 1")


_PACKED_DATES = {"yyyymmdd": ["yyyy", "mm", "dd"], "ddmmyyyy": ["dd", "mm", "yyyy"], "mmddyyyy": ["mm", "dd", "yyyy"]}


class Conventions(Table):
    """How a file writes numbers and dates. What is left out is proven over the whole column, or the file is refused."""

    decimal: Literal[",", "."] | None = None
    date: str | None = Field(None, description='day, month and year in their order: "dd/mm/yyyy", "yyyymmdd"')

    @field_validator("date")
    @classmethod
    def _a_date(cls, pattern: str | None) -> str | None:
        if pattern and sorted(re.split(r"[-/. ]", pattern) if len(pattern) > 8 else _PACKED_DATES.get(pattern, [])) != [
            "dd",
            "mm",
            "yyyy",
        ]:
            raise ValueError('not a date pattern; write "dd/mm/yyyy", "mm/dd/yyyy", "yyyy-mm-dd", "yyyymmdd" or "ddmmyyyy"')
        return pattern

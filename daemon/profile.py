"""A profile: a saved mapping from a file's columns to a dataset's fields, and what else an admin says of such files."""

import contextlib
import fnmatch
import re
from datetime import date
from functools import cached_property
from typing import Any, Literal

import re2
from pydantic import Field, ValidationInfo, field_validator, model_validator

from daemon.columns import Column, Source
from daemon.config import Seconds, Table, nearest
from daemon.datasets import Dataset, datasets
from daemon.due import Expect, clock_time
from daemon.errors import FileRefused, Refusal
from daemon.settings import Person
from daemon.shape import Conventions, Format

_DAY = re.compile("%[Ymd]")


class Shape(Format, Conventions):
    """A profile's `[format]` table: the file's shape, and how it writes numbers and dates."""

    @property
    def conventions(self) -> Conventions:
        """How it writes numbers and dates."""
        return Conventions.model_validate({name: getattr(self, name) for name in Conventions.model_fields})


class Import(Table):
    """A profile's `[import]` table: what is done with the rows."""

    mode: Literal["delta"] = "delta"
    business_date: str | None = Field(None, description='where a file\'s name has the day it is about: "ITEMS_%Y%m%d*"')
    day_starts: str = Field("06:00", description="when the night before it ends, in the time zone of [expect]")
    after: list[str] = Field([], description="profiles whose file of the same night must be in first; * and ? as in file names")
    wait: Seconds = Field(7200, ge=0, description="how long it waits for them, from its arrival")
    latest_only: bool = Field(False, description="of several files that wait, only the last is imported")
    skip_where: dict[str, list[str]] = Field({}, description="rows to leave out: header to values; * and ? as in file names")

    @field_validator("day_starts")
    @classmethod
    def _a_time(cls, text: str) -> str:
        clock_time(text)
        return text

    @field_validator("business_date")
    @classmethod
    def _a_day(cls, pattern: str | None) -> str | None:
        if pattern is not None and sorted(_DAY.findall(pattern)) != ["%Y", "%d", "%m"]:
            raise ValueError("%Y, %m and %d must stand in it, once each")
        return pattern

    def date_in(self, name: str) -> date | None:
        """The day that a file's name tells."""
        if self.business_date is None:
            return None
        parts = {"%Y": r"(?P<year>\d{4})", "%m": r"(?P<month>\d\d)", "%d": r"(?P<day>\d\d)", "*": ".*", "?": "."}
        found = re2.fullmatch("".join(parts.get(p, re2.escape(p)) for p in re.split(r"(%[Ymd]|[*?])", self.business_date)), name)
        with contextlib.suppress(ValueError):
            return date(int(found["year"]), int(found["month"]), int(found["day"])) if found else None
        return None


class Control(Table):
    """A profile's `[control]` table: what the ERP says the file holds, compared exactly before anything is committed.

    It is said in a control file, or else in the file's own trailer line (`[format] trailer`), its cells joined by `;`.
    """

    file: str | None = Field(None, pattern=r"\{(name|stem)\}", description='the control file beside it: "{stem}.ctl"')
    rows: str | None = Field(None, description="a regular expression whose group is the number of records: 'ROWS=(\\d+)'")
    total: str | None = Field(None, description="one whose group is the sum of the amounts, written as in the file")

    @field_validator("rows", "total")
    @classmethod
    def _one_group(cls, expression: str | None) -> str | None:
        if expression is not None and _compiled(expression).groups != 1:
            raise ValueError("not a regular expression with one group")
        return expression

    @model_validator(mode="after")
    def _something(self) -> "Control":
        if not self.rows and not self.total:
            raise ValueError('give "rows", "total", or both')
        return self

    def said(self, what: Literal["rows", "total"], text: str) -> str | None:
        """What the control says of the rows or the total; None when it says nothing."""
        found = _compiled(getattr(self, what)).search(text)
        return found[1] if found else None


def _compiled(expression: str) -> Any:
    """RE2, for it matches in linear time: no expression can hang the daemon."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        raise ValueError(f"not a regular expression that RE2 knows: {error}") from error


class Notify(Table):
    """A profile's `[notify]` table: who gets the result email."""

    to: list[Person] = []
    when: Literal["always", "problems", "never"] = "always"


class Section(Table):
    """One dataset that a profile fills from a file: the profile's own tables, or one of its `[[also]]`."""

    dataset: str
    entity: str = ""
    columns: dict[str, Source]
    import_: Import = Field(Import(), alias="import")

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, name: str) -> str:
        if name not in datasets():
            raise ValueError(f'no dataset "{name}"{nearest(name, list(datasets()))}')
        return name

    @field_validator("columns")
    @classmethod
    def _known_fields(cls, columns: dict[str, Column], info: ValidationInfo) -> dict[str, Column]:
        if "dataset" in info.data:
            dataset = datasets()[info.data["dataset"]]
            known = [*dataset.mappable, "entity"]
            faults = [f'no field "{f}" in {dataset.name}{nearest(f, known)}' for f in columns if f not in known]
            faults += [
                f'the required field "{name}" is not mapped'
                for name, field in dataset.fields.items()
                if field.required and name not in columns and not set(field.given_by) & set(columns)
            ]
            faults += [
                f'"join" makes text, and "{name}" is {dataset.fields[name].type}'
                for name, column in columns.items()
                if column.joins and name in dataset.fields and dataset.fields[name].type != "text"
            ]
            faults += [
                f'"debit", "credit" and "flag" make an amount, and "{name}" is none'
                for name, column in columns.items()
                if column.signs and (name not in dataset.fields or dataset.fields[name].type != "money")
            ]
            if faults:
                raise ValueError("; ".join(faults))
        return columns

    @property
    def headers(self) -> list[str]:
        """Every header of a file that it may read."""
        return [header for column in self.columns.values() for header in column.every_header]

    @property
    def target(self) -> Dataset:
        """The dataset this section fills."""
        return datasets()[self.dataset]


class Profile(Section):
    """A saved mapping profile, named by its file."""

    name: str
    pattern: str | None = Field(None, description="file names, with * ? [ ]")
    regex: str | None = Field(None, description="file names, as a regular expression over the whole name")
    drop: str | None = Field(None, description="only files of this drop")
    format: Shape = Shape()
    control: Control | None = None
    expect: Expect | None = None
    notify: Notify = Notify()
    also: list[Section] = []

    @model_validator(mode="after")
    def _one_pattern(self) -> "Profile":
        if (self.pattern is None) == (self.regex is None):
            raise ValueError('give either "pattern" or "regex"')
        if self.control and not self.control.file and not self.format.trailer:
            raise ValueError('[control] needs its "file", or a "trailer" in [format]')
        if self.control and self.control.total and any(section.import_.skip_where for section in self.sections):
            raise ValueError('the "total" of [control] counts rows that "skip_where" leaves out; compare "rows" only')
        names = [section.dataset for section in self.sections]
        if len(set(names)) < len(names):
            raise ValueError("each dataset may be filled by one section only")
        if self.regex is not None:
            self._pattern  # noqa: B018  compiled now, so that a bad one is a fault of the file
        return self

    @cached_property
    def _pattern(self) -> Any:
        try:
            return _compiled(self.regex or "")
        except ValueError as error:
            raise ValueError(f"regex: {error}") from error

    def claims(self, name: str, drop: str) -> bool:
        """Whether a file of this name in this drop is this profile's, be it packed by gzip."""
        if self.drop is not None and self.drop != drop:
            return False
        return any(self._names(each) for each in (name, name.removesuffix(".gz")))

    def _names(self, name: str) -> bool:
        if self.pattern is not None:
            return fnmatch.fnmatchcase(name, self.pattern)
        return self._pattern.fullmatch(name) is not None

    def business_date(self, name: str) -> date | None:
        """The day that a file is about, if the profile finds that in its name."""
        return self.import_.date_in(name)

    @cached_property
    def sections(self) -> list[Section]:
        """What the file fills, in the order it must happen: a dataset that others refer to comes first."""
        order = list(datasets())
        return sorted([self, *self.also], key=lambda section: order.index(section.dataset))

    def section(self, dataset: str) -> Section:
        """The section that fills a dataset. Raises FileRefused `no_profile` when there is none (any more)."""
        for section in self.sections:
            if section.dataset == dataset:
                return section
        raise FileRefused(Refusal.NO_PROFILE, f"{self.name} fills no {dataset} any more")

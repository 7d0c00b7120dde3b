"""A profile: a saved mapping from a file's columns to a dataset's fields, and what else an admin says of such files."""

import fnmatch
from functools import cached_property
from typing import Any, Literal

import re2
from pydantic import Field, ValidationInfo, field_validator, model_validator

from daemon.datasets import CUSTOMERS, Dataset, datasets
from daemon.errors import Detail, FileRefused, Refusal
from daemon.profiles.column import Column, Source
from daemon.profiles.expect import Expect
from daemon.profiles.format import Conventions, Format
from daemon.profiles.rules import Import
from daemon.settings import Person
from daemon.toml import Table, Unfit, unfit, unknown


class Shape(Format, Conventions):
    """A profile's `[format]` table: the file's shape, and how it writes numbers and dates."""

    @property
    def conventions(self) -> Conventions:
        """How it writes numbers and dates."""
        return Conventions.model_validate({name: getattr(self, name) for name in Conventions.model_fields})


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
            raise unfit("one_group")
        return expression

    @model_validator(mode="after")
    def _something(self) -> "Control":
        if not self.rows and not self.total:
            raise unfit("rows_or_total")
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
        raise unfit("expression", why=str(error)) from error


class Notify(Table):
    """A profile's `[notify]` table: who gets the result email."""

    to: list[Person] = Field([], description="who gets it; nobody: the admins")
    when: Literal["always", "problems", "never"] = Field("always", description="problems: only if rows were rejected, or more")


class Section(Table):
    """One dataset that a profile fills from a file: the profile's own tables, or one of its `[[also]]`."""

    dataset: str = Field(description="what it fills")
    entity: str = Field("", description="the company of the group that its rows are of")
    columns: dict[str, Source] = Field(description="our field = the file's header, or a table as below")
    import_: Import = Field(Import(), alias="import")
    customer_entity: str | None = Field(None, description="under which entity the customers are, if not under the rows' own")

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, name: str) -> str:
        if name not in datasets():
            raise Unfit(unknown("dataset", name, list(datasets())))
        return name

    @field_validator("columns")
    @classmethod
    def _known_fields(cls, columns: dict[str, Column], info: ValidationInfo) -> dict[str, Column]:
        if "dataset" in info.data:
            dataset = datasets()[info.data["dataset"]]
            known = [*dataset.mappable, "entity"]
            faults = [unknown("field", f, known, dataset=dataset.name) for f in columns if f not in known]
            faults += [
                Detail.of("unmapped", field=name)
                for name, field in dataset.fields.items()
                if field.required and name not in columns and not set(field.given_by) & set(columns)
            ]
            faults += [
                Detail.of("join_makes_text", field=name)
                for name, column in columns.items()
                if column.joins and name in dataset.fields and dataset.fields[name].type != "text"
            ]
            faults += [
                Detail.of("makes_amount", field=name)
                for name, column in columns.items()
                if column.signs and (name not in dataset.fields or dataset.fields[name].type != "money")
            ]
            faults += [
                Detail.of("makes_date", field=name)
                for name, column in columns.items()
                if column.dates and (name not in dataset.fields or dataset.fields[name].type != "date")
            ]
            faults += [
                unknown("value", word, [*dataset.fields[name].words] or ["yes", "no"], field=name)
                for name, column in columns.items()
                if name in dataset.fields
                for word in column.given
                if not dataset.fields[name].takes(word)
            ]
            if faults:
                raise Unfit(*faults)
        return columns

    @model_validator(mode="after")
    def _rules_that_hold(self) -> "Section":
        dataset, rules = datasets()[self.dataset], self.import_
        named = {"match": rules.match, "protect": rules.protect or []}
        for key, names in named.items():
            for name in names:
                if name not in dataset.fields:
                    raise Unfit(unknown("field", name, dataset.mappable, dataset=f"{dataset.name} ([import] {key})"))
        if unmapped := [name for name in rules.match if name not in self.columns]:
            raise unfit("match_unmapped", fields=", ".join(unmapped))
        if rules.mode == "snapshot":
            if dataset.presence is None:
                raise unfit("no_snapshots", dataset=dataset.name)
            if rules.on_match == "skip":
                raise unfit("snapshot_updates")
            if "entity" in self.columns and not rules.entities:
                raise unfit("entities")
        if rules.latest_only and rules.mode == "delta":
            raise unfit("latest_only")
        if rules.sign == "by_type" and not (dataset.balance and dataset.balance.type in self.columns):
            raise unfit("by_type")
        return self

    @property
    def sources(self) -> dict[str, Column]:
        """Where each field's value comes from; and the day a row is about, if a column says it."""
        day = self.import_.business_date
        return self.columns | ({"as_of": day} if isinstance(day, Column) else {})

    @property
    def speaks_for(self) -> list[str]:
        """The entities of which a snapshot says everything."""
        return (self.import_.entities or [self.entity]) if self.import_.mode == "snapshot" else []

    @property
    def fills(self) -> list[str]:
        """The entities that it is known to fill: not those that a column names."""
        return self.speaks_for if "entity" in self.columns else [self.entity]

    @property
    def headers(self) -> list[str]:
        """Every header of a file that it may read."""
        return [header for column in self.sources.values() for header in column.every_header]

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
            raise unfit("pattern_or_regex")
        if self.control and not self.control.file and not self.format.trailer:
            raise unfit("control_where")
        if self.control and self.control.total and any(section.import_.skip_where for section in self.sections):
            raise unfit("control_total")
        if self.import_.latest_only and any(s.import_.mode == "delta" and s.dataset != CUSTOMERS for s in self.also):
            raise unfit("latest_only_also")
        names = [section.dataset for section in self.sections]
        if len(set(names)) < len(names):
            raise unfit("one_section")
        return self

    @field_validator("regex")
    @classmethod
    def _compiles(cls, expression: str | None) -> str | None:
        _compiled(expression or "")
        return expression

    @cached_property
    def _pattern(self) -> Any:
        return _compiled(self.regex or "")

    def matches(self, name: str, drop: str) -> bool:
        """Whether a file of this name in this drop is this profile's, be it packed by gzip."""
        if self.drop is not None and self.drop != drop:
            return False
        return any(self._names(each) for each in (name, name.removesuffix(".gz")))

    def _names(self, name: str) -> bool:
        if self.pattern is not None:
            return fnmatch.fnmatchcase(name, self.pattern)
        return self._pattern.fullmatch(name) is not None

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
        raise FileRefused(Refusal.NO_PROFILE, "fills_no_more", profile=self.name, dataset=dataset)

"""Profiles: saved mappings from a file's columns to a dataset's fields, found by filename pattern."""

import contextlib
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import re2
from pydantic import Field, ValidationInfo, field_validator, model_validator

from daemon import config, shipped, template
from daemon.columns import Column, Source
from daemon.config import ConfigInvalid, Fault, Table, nearest
from daemon.datasets import Dataset, datasets
from daemon.errors import FileRefused, Refusal
from daemon.log import get
from daemon.settings import Person
from daemon.shape import Conventions, Format

log = get(__name__)


class Shape(Format, Conventions):
    """A profile's `[format]` table: the file's shape, and how it writes numbers and dates."""

    @property
    def conventions(self) -> Conventions:
        """How it writes numbers and dates."""
        return Conventions.model_validate({name: getattr(self, name) for name in Conventions.model_fields})


class Import(Table):
    """A profile's `[import]` table: what is done with the rows."""

    mode: Literal["delta"] = "delta"
    skip_where: dict[str, list[str]] = Field({}, description="rows to leave out: header to values; * and ? as in file names")


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
    notify: Notify = Notify()
    also: list[Section] = []

    @model_validator(mode="after")
    def _one_pattern(self) -> "Profile":
        if (self.pattern is None) == (self.regex is None):
            raise ValueError('give either "pattern" or "regex"')
        names = [section.dataset for section in self.sections]
        if len(set(names)) < len(names):
            raise ValueError("each dataset may be filled by one section only")
        if self.regex is not None:
            self._compiled  # noqa: B018  compiled now, so that a bad one is a fault of the file
        return self

    @cached_property
    def _compiled(self) -> Any:
        """RE2, for it matches in linear time: no expression can hang the daemon."""
        options = re2.Options()
        options.log_errors = False
        try:
            return re2.compile(self.regex, options)
        except re2.error as error:
            raise ValueError(f"regex: not a regular expression that RE2 knows: {error}") from error

    def claims(self, name: str, drop: str) -> bool:
        """Whether a file of this name in this drop is this profile's, be it packed by gzip."""
        if self.drop is not None and self.drop != drop:
            return False
        return any(self._names(each) for each in (name, name.removesuffix(".gz")))

    def _names(self, name: str) -> bool:
        if self.pattern is not None:
            return fnmatch.fnmatchcase(name, self.pattern)
        return self._compiled.fullmatch(name) is not None

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


class Profiles:
    """The profiles of a home folder, read again when a file changes.

    A profile that is broken now stays in force as it last was, and is reported.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, _Seen] = {}

    def __iter__(self) -> Iterator[Profile]:
        self._refresh()
        return iter([seen.profile for _, seen in sorted(self._seen.copy().items()) if seen.profile])

    @property
    def faults(self) -> list[Fault]:
        """What is wrong with the files as they are now."""
        self._refresh()
        return [fault for seen in self._seen.copy().values() for fault in seen.faults]

    def get(self, name: str) -> Profile:
        """The profile of that name: saved, of a template, or ready-made. Raises FileRefused `no_profile` when there is none."""
        for profile in chain(self, of_templates()):
            if profile.name == name:
                return profile
        for path in ready_made():
            if path.stem == name:
                return config.load(path, Profile, name=name)
        close = nearest(name, [*(p.name for p in self), *(path.stem for path in ready_made())])
        raise FileRefused(Refusal.NO_PROFILE, f'no profile "{name}" in {self._folder}{close}')

    def match(self, name: str, drop: str) -> Profile | None:
        """The profile for a file, or None: a saved one, or else that of a template filled in.

        Raises FileRefused `two_profiles`, which names both, when two claim it.
        """
        claiming = [profile for profile in self if profile.claims(name, drop)] or [
            profile for profile in of_templates() if profile.claims(name, drop)
        ]
        if len(claiming) > 1:
            names = " and ".join(profile.name for profile in claiming)
            raise FileRefused(Refusal.TWO_PROFILES, names)
        return claiming[0] if claiming else None

    @staticmethod
    def sections(name: str, profile: Profile | None) -> list[tuple[str, str]]:
        """The runs that a file opens, each a profile and a dataset: none where no profile claims it.

        An archive opens one, without a dataset: what is in it is told when it has been fetched.
        """
        if name.casefold().endswith(".zip"):
            return [(profile.name if profile else "", "")]
        return [(profile.name, section.dataset) for section in profile.sections] if profile else []

    def _refresh(self) -> None:
        files = _files(self._folder)
        for gone in set(self._seen) - set(files):
            self._seen.pop(gone, None)
        for path, mtime in files.items():
            before = self._seen.get(path)
            if before is None or before.mtime != mtime:
                self._seen[path] = _read(path, mtime, before.profile if before else None)


def _files(folder: Path) -> dict[Path, int]:
    """The profile files that are there now, each with its mtime; an editor's leavings are none."""
    files = {}
    for path in folder.glob("*.toml"):
        with contextlib.suppress(FileNotFoundError):
            if not path.name.startswith("."):
                files[path] = path.stat().st_mtime_ns
    return files


@dataclass(frozen=True)
class _Seen:
    mtime: int
    profile: Profile | None
    faults: list[Fault]


def _read(path: Path, mtime: int, last_good: Profile | None) -> _Seen:
    try:
        return _Seen(mtime, config.load(path, Profile, name=path.stem), [])
    except ConfigInvalid as error:
        log.error(
            "profile_broken",
            profile=path.stem,
            faults=[str(f) for f in error.faults],
            last_good_in_force=last_good is not None,
        )
        return _Seen(mtime, last_good, error.faults)


def ready_made() -> list[Path]:
    """The profiles that come with the installation, to be copied and edited."""
    return sorted(shipped("profiles").glob("*.toml"))


@cache
def of_templates() -> list[Profile]:
    """The profiles by which templates that were filled in are imported, one for each dataset."""
    return [_of_template(dataset) for dataset in datasets().values()]


def _of_template(dataset: Dataset) -> Profile:
    columns = {
        name: {"first_of": template.names(name, field), "optional": not field.required or bool(field.given_by)}
        for name, field in ((name, dataset.fields[name]) for name in dataset.mappable)
    }
    profile: Profile = Profile.model_validate(
        {
            "name": f"template-{dataset.name}",
            "regex": rf"(?i)nightporter-{dataset.name}.*\.(xlsx|csv)",
            "dataset": dataset.name,
            "format": {"ignore": [f"{mark}*" for mark in template.EXAMPLE.values()]},
            "columns": columns,
        }
    )
    return profile

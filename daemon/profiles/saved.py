"""The profiles of an installation: saved, ready-made, and those of templates; found by file name."""

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from daemon import shipped, toml
from daemon.datasets import Dataset, datasets, template
from daemon.errors import FileRefused, Refusal
from daemon.log import get
from daemon.model import basename
from daemon.profiles.day import day_in_name
from daemon.profiles.profile import Profile
from daemon.toml import ConfigInvalid, Mistake, closest

log = get(__name__)

REJECTED_ROWS = re.compile(r"(?i)nightporter-rejected-rows-.*\.xlsx$")
"""What workbooks of rejected rows are called, see `results.file_name`; browsers and people put something behind it."""


_TEMPLATE = "template-"


class Profiles:
    """The profiles of a home folder, read again when a file changes.

    A profile that is broken now stays in force as it last was, and is reported.
    """

    def __init__(self, folder: Path, draft: Profile | None = None) -> None:
        self._folder, self._draft = folder, draft
        self._seen: dict[Path, _Seen] = {}

    def __iter__(self) -> Iterator[Profile]:
        self._refresh()
        saved = [seen.profile for _, seen in sorted(self._seen.copy().items()) if seen.profile]
        if self._draft:
            saved = [*(profile for profile in saved if profile.name != self._draft.name), self._draft]
        return iter(saved)

    def beside(self, draft: Profile) -> "Profiles":
        """These, and one that is not saved yet, or is saved otherwise."""
        return Profiles(self._folder, draft)

    @property
    def mistakes(self) -> list[Mistake]:
        """What is wrong with the files as they are now."""
        self._refresh()
        return [mistake for seen in self._seen.copy().values() for mistake in seen.mistakes]

    def saved(self, name: str) -> Profile | None:
        """The saved profile of that name; None when it is gone, or is no saved one."""
        return next((profile for profile in self if profile.name == name), None)

    def get(self, name: str) -> Profile:
        """The profile of that name: saved, of a template, or ready-made. Raises FileRefused `no_profile` when there is none, and
        ConfigInvalid when there is one that never was right.
        """
        if known := self.saved(name):
            return known
        if name.startswith(_TEMPLATE) and (dataset := datasets().get(name.removeprefix(_TEMPLATE))):
            return _of_template(dataset)
        for path in ready_made():
            if path.stem == name:
                return toml.load(path, Profile, name=name)
        if mistakes := [mistake for mistake in self.mistakes if mistake.file.stem == name]:
            raise ConfigInvalid(mistakes)
        said = {"name": name, "folder": str(self._folder)}
        if close := closest(name, [*(p.name for p in self), *(path.stem for path in ready_made())]):
            raise FileRefused(Refusal.NO_PROFILE, "no_profile_in_close", **said, close=close)
        raise FileRefused(Refusal.NO_PROFILE, "no_profile_in", **said)

    def match(self, name: str, drop: str) -> Profile | None:
        """The profile for a file, or None: a saved one, or else that of a template filled in.

        Raises FileRefused `two_profiles`, which names both, when two claim it.
        """
        claiming = [profile for profile in self if profile.matches(name, drop)]
        if not claiming and name.casefold().startswith(template.BEGINNING):
            claiming = [each for each in map(_of_template, datasets().values()) if each.matches(name, drop)]
        if len(claiming) > 1:
            names = " and ".join(profile.name for profile in claiming)
            raise FileRefused(Refusal.TWO_PROFILES, "plain", text=names)
        return claiming[0] if claiming else None

    def business_date(self, name: str, drop: str) -> date | None:
        """The day that a file is about, if its profile finds that in its name."""
        with contextlib.suppress(FileRefused):
            if profile := self.match(name, drop):
                return day_in_name(profile, name)
        return None

    def sharing_a_scope(self) -> list[list[str]]:
        """The names of profiles whose snapshots speak for the same items, which only one can."""
        speaking: dict[tuple[str, str, str], list[str]] = {}
        for profile in self:
            for section in profile.sections:
                for entity in section.speaks_for:
                    if section.import_.scope is not None:  # else see `waiting_for_names`
                        of = (section.dataset, entity, section.import_.scope)
                        speaking.setdefault(of, []).append(profile.name)
        return [names for names in speaking.values() if len(names) > 1]

    def unnamed(self, profile: Profile, dataset: str, entities: Iterable[str]) -> list[str]:
        """Where several profiles' snapshots of a dataset speak for an entity: those of all that fill it, `profile` among them,
        that do not name their scope, and those that speak for one that another speaks for, too: each would clear the other's.
        """
        everyone = {each.name: each for each in self} | {profile.name: profile}
        filling = [(name, section) for name, each in everyone.items() for section in each.sections if section.dataset == dataset]
        found: set[str] = set()
        for entity in entities:
            scopes = {name: section.import_.scope or "" for name, section in filling if entity in section.speaks_for}
            speaking = scopes.keys()
            if len(speaking) > 1:
                concerned = speaking | {name for name, section in filling if entity in section.fills} | {profile.name}
                found |= {name for name, section in filling if name in concerned and section.import_.scope is None}
                found |= {name for name, scope in scopes.items() if list(scopes.values()).count(scope) > 1}
        return sorted(found)

    def waiting_for_names(self) -> list[list[str]]:
        """The profiles that do not name their scope, though another's snapshots speak for the same entity: none of them runs."""
        sections = [(each, section) for each in self for section in each.sections]
        found = {tuple(self.unnamed(each, section.dataset, section.speaks_for)) for each, section in sections}
        return [list(names) for names in sorted(found) if names]

    def scopes(self) -> tuple[dict[tuple[str, str], set[str]], dict[tuple[str, str], set[str]]]:
        """By dataset and entity the scopes that snapshots speak for, and all that profiles fill."""
        spoken: dict[tuple[str, str], set[str]] = {}
        filled: dict[tuple[str, str], set[str]] = {}
        for section in (section for each in self for section in each.sections):
            for entities, scopes in ((section.speaks_for, spoken), (section.fills, filled)):
                for entity in entities:
                    scopes.setdefault((section.dataset, entity), set()).add(section.import_.scope or "")
        return spoken, filled

    @staticmethod
    def sections(name: str, profile: Profile | None) -> list[tuple[str, str]]:
        """The runs that a file opens, each a profile and a dataset: none where no profile claims it.

        A zip opens one, without a dataset, as does a workbook of rejected rows: what is in it is told when it has been
        fetched.
        """
        if name.casefold().endswith(".zip") or REJECTED_ROWS.match(basename(name)):
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
    mistakes: list[Mistake]


def _read(path: Path, mtime: int, last_good: Profile | None) -> _Seen:
    try:
        return _Seen(mtime, toml.load(path, Profile, name=path.stem), [])
    except ConfigInvalid as error:
        log.warning(
            "profile_broken",
            profile=path.stem,
            mistakes=[str(f) for f in error.mistakes],
            last_good_in_force=last_good is not None,
        )
        return _Seen(mtime, last_good, error.mistakes)


def ready_made() -> list[Path]:
    """The profiles that come with the installation, to be copied and edited."""
    return sorted(shipped("profiles").glob("*.toml"))


def fitting(header: Collection[str], dataset: str) -> list[str]:
    """The ready-made profiles of a dataset whose columns a file has all of, those with the most first."""
    profiles, found = Profiles(ready_made()[0].parent), []
    for path in ready_made():
        section = next((each for each in profiles.get(path.stem).sections if each.dataset == dataset), None)
        if section and section.headers and set(section.headers) <= set(header):
            found.append((-len(section.headers), path.stem))
    return [name for _, name in sorted(found)]


def _of_template(dataset: Dataset) -> Profile:
    columns = {
        name: {
            "first_of": template.names(name, field),
            "optional": (left_out := not field.required or bool(field.given_by)),
            "unfilled": left_out,
        }
        for name, field in ((name, dataset.fields[name]) for name in dataset.mappable)
    }
    profile: Profile = Profile.model_validate(
        {
            "name": f"{_TEMPLATE}{dataset.name}",
            "regex": rf"(?i){template.BEGINNING}{dataset.name}.*\.(xlsx|csv)",
            "dataset": dataset.name,
            "format": {"ignore": [f"{mark}*" for mark in template.examples()]},
            "columns": columns,
        }
    )
    return profile

"""Contents: what a file turns out to hold, where its name did not say: members of a zip, or rejected rows that come back."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, Engine

from daemon import db, ledger
from daemon.datasets import datasets
from daemon.errors import FileRefused, Refusal
from daemon.importing.corrections import corrected
from daemon.model import ImportRun, Opened, Overtaken, basename
from daemon.profiles import REJECTED_ROWS, Profiles
from daemon.reading import mark_of, matching, members
from daemon.settings import Settings


def open_contents(
    engine: Engine, settings: Settings, profiles: Profiles, run: ImportRun, path: Path
) -> ImportRun | Opened | Overtaken:
    """The run, which says what it is about from here on; Opened where what its file holds is to wait in its own line."""
    if not run.corrects and (mark := mark_of(path, settings.sandbox)):
        with db.transaction(engine) as conn:
            said = as_correction(conn, settings, run, mark)
            if said is None:
                conn.rollback()
                return Overtaken()
            if said.corrects:
                _line_up(conn, run, {said.profile})
        if said.corrects:
            return _going_on(said)
    if run.dataset:
        return run
    parts = parts_of(profiles, run, members(path, settings.sandbox))
    with db.transaction(engine) as conn:  # of its own: when the first part is refused, the others are still to come
        if not ledger.runs.assign_parts(conn, run, parts):
            conn.rollback()
            return Overtaken()
        _line_up(conn, run, {profile for _, profile, _ in parts})
    return _going_on(replace(run, member=parts[0][0], profile=parts[0][1], dataset=parts[0][2]))


def _line_up(conn: Connection, run: ImportRun, lines: set[str]) -> None:
    for line in sorted(lines | {run.profile}) if run.in_line else ():
        ledger.runs.advance_line(conn, run.drop, line, opened=run.id)


def _going_on(run: ImportRun) -> ImportRun | Opened:
    return Opened() if run.in_line else run


def as_correction(conn: Connection, settings: Settings, run: ImportRun, mark: str) -> ImportRun | None:
    """The run, which is a correction if its file carries the mark of another one's rejected rows; that says what it is about.

    None where the run is no longer this attempt's.
    """
    original = corrected(conn, settings, run, mark)
    if original is None:
        return run
    if not ledger.runs.mark_correction(conn, run, original):
        return None
    return replace(run, member="", profile=original.profile, dataset=original.dataset, corrects=original.id)


def parts_of(profiles: Profiles, run: ImportRun, members: list[str]) -> list[tuple[str, str, str]]:
    """What is in a file whose arrival did not say: for each run its member, its profile and its dataset, in their order.

    The members of a zip belong to the profile that claims the zip, or else each to the one that claims its name.
    Raises FileRefused when there is none.
    """
    name = basename(run.name)
    if REJECTED_ROWS.match(name):
        raise FileRefused(Refusal.CORRECTS_NOTHING, "no_more_the_workbook", file=name)
    own = profiles.get(run.profile) if run.profile else profiles.match(name, run.drop)
    if own and members:
        found = [(member, own) for member in matching(members, own.format.member)]
    elif own:
        found = [("", own)]
    else:
        found = [(member, claiming) for member in members if (claiming := profiles.match(basename(member), run.drop))]
    if not found:
        raise FileRefused(Refusal.NO_PROFILE, "plain", text=", ".join([name, *members[:10]]))
    parts = [(member, profile.name, section.dataset) for member, profile in found for section in profile.sections]
    return sorted(parts, key=lambda part: list(datasets()).index(part[2]))

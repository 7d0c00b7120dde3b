"""Order between files: what must come first is waited for, up to a deadline; of several, perhaps only the last is imported."""

import fnmatch
import graphlib
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon import db, ledger
from daemon.errors import Detail, FileRefused, Refusal
from daemon.model import ImportRun, State
from daemon.profiles import Profile, Profiles, night_of

_TURN_SECONDS = 5.0
"""How long a small file that is read waits for the small one before it."""


def waits_for(conn: Connection, profiles: Profiles, run: ImportRun) -> tuple[Detail, datetime] | None:
    """Why a run may not begin yet, and until when at most: the profile whose file of the same night must be in first.

    None when it may begin; what somebody asked for, a retry, may, a correction, and what is yet to be opened.
    """
    profile = profiles.saved(run.profile)
    if profile is None or not profile.import_.after or not run.dataset or not run.in_line or run.corrects is not None:
        return None
    deadline = run.arrived_at + timedelta(seconds=profile.import_.wait)
    if db.now(conn) >= deadline:
        return None
    since = night_of(run.arrived_at, profile)
    for first in _first(profiles, profile):
        if not ledger.runs.is_in(conn, first, since):
            return Detail.of("waits_for", profile=first, until=f"{deadline:%Y-%m-%d %H:%M}"), deadline
    return None


def _first(profiles: Profiles, profile: Profile) -> Iterator[str]:
    """The profiles whose files must be in before those of `profile`."""
    for pattern in profile.import_.after:
        yield from (each.name for each in profiles if fnmatch.fnmatchcase(each.name, pattern) and each.name != profile.name)


def circle(profiles: Profiles) -> list[str]:
    """Profiles of which each waits for the next and the last for the first, so that all would wait until their deadline."""
    try:
        graphlib.TopologicalSorter({each.name: set(_first(profiles, each)) for each in profiles}).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def is_its_turn(conn: Connection, run: ImportRun) -> bool:
    """Whether the run before it in the line is in: that is waited for, but only for a moment, and not where it was put off."""
    ends = time.monotonic() + _TURN_SECONDS
    while run.in_line and (state := ledger.runs.state_ahead(conn, run)):
        if state is not State.IMPORTING or time.monotonic() > ends:
            return False
        time.sleep(0.005)
    return True


def refuse_passed_over(conn: Connection, profile: Profile, run: ImportRun) -> None:
    """Raise FileRefused where only the last of several files counts, and a later one than this is here already."""
    if profile.import_.latest_only and run.in_line and run.corrects is None and (later := ledger.runs.later_run(conn, run)):
        raise FileRefused(Refusal.PASSED_OVER, "run_and_file", run=later.id, file=later.name)

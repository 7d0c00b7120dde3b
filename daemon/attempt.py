"""One attempt at an import run: fetch, import, decide, finish. What went wrong becomes an outcome here and nowhere else."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePath

from sqlalchemy import Connection, Engine

from daemon import db, failpoint, importer, ledger, queue, results
from daemon.datasets import datasets
from daemon.drops import Drop, dispose, fetch, open_drop
from daemon.errors import FileRefused, Refusal, TryLater, Vanished
from daemon.importer import Progress
from daemon.ledger import Overtaken
from daemon.log import bound, get
from daemon.model import FINAL, Deferred, Gone, Imported, ImportRun, Outcome, Refused, RemoteFile, State, Tally
from daemon.profiles import Profile, Profiles
from daemon.reading import matching, members
from daemon.settings import Person, Settings

log = get(__name__)

_LONGEST_WAIT = 900.0
_SICK_SECONDS = 20.0


def attempt(engine: Engine, settings: Settings, profiles: Profiles, run_id: int, progress: Progress = lambda rows: None) -> None:
    """Try an import run once, if it is to be had, and write down what came of it."""
    with db.transaction(engine) as conn:
        run = ledger.claim(conn, run_id)
    if run is None:
        return
    with bound(run=run.id, file=run.title, attempt=run.attempt):
        failpoint.reach("claimed")
        try:
            outcome = _try(engine, settings, profiles, run, progress)
        except FileRefused as refused:
            outcome = Refused(refused.code, refused.detail)
        except Vanished:
            outcome = Gone()
        except TryLater as reason:
            outcome = _later(run, settings, str(reason), blameless=True)
        except Overtaken:
            log.warning("overtaken")
            return
        except Exception as error:
            log.exception("import_failed")
            outcome = _later(run, settings, f"{type(error).__name__}: {error}", blameless=False)
        if not isinstance(outcome, Imported):
            try:
                with db.transaction(engine) as conn:
                    finish(conn, settings, profiles, run, outcome)
            except Overtaken:
                log.warning("overtaken")
                return
        log.info(
            "import_ended",
            outcome=type(outcome).__name__.lower(),
            why=getattr(outcome, "detail", getattr(outcome, "reason", None)),
        )
        failpoint.reach("finished")


def _try(engine: Engine, settings: Settings, profiles: Profiles, run: ImportRun, progress: Progress) -> Outcome:
    if run.tries > settings.imports.attempts:
        return Refused(Refusal.GAVE_UP, f"{run.tries - 1} attempts ended without a word: each took its process with it")
    run = _archived(engine, settings, run)
    failpoint.reach("fetched")
    archive = Path(run.archive or "")
    if not run.dataset:
        parts = _parts(profiles, run, members(archive, settings.sandbox))
        with db.transaction(engine) as conn:  # of its own: when the first part is refused, the others are still to come
            ledger.assign(conn, run, parts)
        run = replace(run, member=parts[0][0], profile=parts[0][1], dataset=parts[0][2])
    profile = profiles.get(run.profile)
    with db.transaction(engine) as conn:
        outcome = Imported(importer.load(conn, run, profile, archive, settings.sandbox, progress))
        finish(conn, settings, profiles, run, outcome)
        failpoint.reach("before commit")
    failpoint.reach("committed")
    return outcome


def _parts(profiles: Profiles, run: ImportRun, members: list[str]) -> list[tuple[str, str, str]]:
    """What is in a file whose arrival did not say: for each run its member, its profile and its dataset, in their order.

    The members of an archive belong to the profile that claims the archive, or else each to the one that claims its name.
    Raises FileRefused when there is none.
    """
    name = PurePath(run.name).name
    own = profiles.get(run.profile) if run.profile else profiles.match(name, run.drop)
    if own and members:
        found = [(member, own) for member in matching(members, own.format.member)]
    elif own:
        found = [("", own)]
    else:
        found = [(member, claiming) for member in members if (claiming := profiles.match(PurePath(member).name, run.drop))]
    if not found:
        raise FileRefused(Refusal.NO_PROFILE, ", ".join([name, *members[:10]]))
    parts = [(member, profile.name, section.dataset) for member, profile in found for section in profile.sections]
    return sorted(parts, key=lambda part: list(datasets()).index(part[2]))


def _archived(engine: Engine, settings: Settings, run: ImportRun) -> ImportRun:
    """The run with its bytes in this machine's archive."""
    if run.archive:
        if Path(run.archive).exists():
            return run
        raise TryLater(f"its bytes are in the archive of {run.host}")
    _sick.check(run.drop)
    try:
        with drop_of(run, settings) as drop:
            fetched = fetch(drop, run.file, settings.archive, run.arrival_id)
    except TryLater as reason:
        _sick.note(run.drop, str(reason))
        raise
    failpoint.reach("archived")
    with db.transaction(engine) as conn:
        ledger.fetched(conn, run, fetched, queue.this_host())
        again = ledger.get(conn, run.id)
    assert again
    return again


def drop_of(run: ImportRun, settings: Settings) -> Drop:
    """The drop a run's file came to. A file given on the command line has its whole path for a name."""
    if not run.drop:
        from daemon.drops.local import Local

        return Local(Path("/"))
    if run.drop not in settings.drops:
        raise TryLater(f"the drop {run.drop} is not in the settings any more")
    return open_drop(run.drop, settings.drops[run.drop], settings)


class _Sick:
    """Drops that failed a moment ago: their other files are deferred at once, so that the workers stay free for other drops'."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, str]] = {}

    def note(self, drop: str, reason: str) -> None:
        """Take the drop for sick for a while."""
        self._until[drop] = time.monotonic() + _SICK_SECONDS, reason

    def check(self, drop: str) -> None:
        """Raise TryLater while the drop is sick."""
        until, reason = self._until.get(drop, (0.0, ""))
        if time.monotonic() < until:
            raise TryLater(f"a moment ago: {reason}")


_sick = _Sick()


def _later(run: ImportRun, settings: Settings, reason: str, *, blameless: bool) -> Outcome:
    """Another try after a while; or, where nothing but the file can be to blame, the end of trying.

    What was asked for on the command line, an import or a retry, is tried once: somebody waits.
    """
    if not run.drop or run.parent_id is not None or (not blameless and run.tries >= settings.imports.attempts):
        return Refused(Refusal.GAVE_UP, reason)
    return Deferred(reason, min(settings.imports.retry_after * 2.0 ** min(run.attempt - 1, 20), _LONGEST_WAIT), blameless)


def finish(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, outcome: Outcome) -> None:
    """Write an outcome down, with everything it owes: the mails, the file's next section or its disposal, the next try."""
    ledger.finish(conn, run, outcome)
    host = (ledger.get(conn, run.id) or run).host
    if isinstance(outcome, Deferred):
        at = ledger.now(conn) + timedelta(seconds=outcome.seconds)
        queue.enqueue(conn, "import_run", host, at=at, run_id=run.id)
        if outcome.blameless and run.deferrals + 1 == settings.imports.attempts:
            results.owe_result(conn, run, settings.mail.admins if settings.mail else [])
        return
    results.owe_result(conn, run, recipients(settings, _profile(profiles, run), outcome))
    if not run.drop:
        return
    if upcoming := [sibling for sibling in ledger.siblings(conn, run) if sibling.state not in FINAL]:
        queue.enqueue(conn, "import_run", host, run_id=upcoming[0].id)
    elif run.parent_id is None:
        queue.enqueue(conn, "dispose", host, run_id=run.id)


def recipients(settings: Settings, profile: Profile | None, outcome: Outcome) -> list[Person]:
    """Who is told of an outcome: the profile's people, or else the admins."""
    admins = settings.mail.admins if settings.mail else []
    if profile is None:
        return admins
    troubled = not isinstance(outcome, Imported) or outcome.tally.rejected > 0
    if profile.notify.when == "never" or (profile.notify.when == "problems" and not troubled):
        return []
    return profile.notify.to or admins


def _profile(profiles: Profiles, run: ImportRun) -> Profile | None:
    return next((profile for profile in profiles if profile.name == run.profile), None)


def put_away(engine: Engine, settings: Settings, run_id: int) -> None:
    """Move the source file of a run's arrival to where it belongs, if it is still the file that was imported."""
    with db.transaction(engine) as conn:
        run = ledger.get(conn, run_id)
        if run is None or run.disposed_as is not None:
            return
        states = {sibling.state for sibling in ledger.siblings(conn, run)}
    drop = settings.drops.get(run.drop)
    if drop is None:
        raise TryLater(f"the drop {run.drop} is not in the settings any more")
    where = "vanished"
    if states != {State.VANISHED}:
        folder = drop.processed if states == {State.IMPORTED} else drop.refused
        with drop_of(run, settings) as opened:
            where = dispose(opened, run.file, folder, run.id, drop.marker)
    failpoint.reach("moved")
    with db.transaction(engine) as conn:
        ledger.disposed(conn, run, where)
    log.info("disposed", run=run.id, file=run.name, where=where)


class _Rehearsed(Exception):
    """Ends a rehearsal's transaction without a trace."""


def rehearse(
    engine: Engine, settings: Settings, profiles: Profiles, profile: Profile | None, file: RemoteFile, progress: Progress
) -> list[tuple[str, Tally]]:
    """What importing a local file would do, run by run; nothing of it stays. Raises FileRefused and TryLater."""
    came_of: list[tuple[str, Tally]] = []
    path = Path(file.name)
    try:
        with db.transaction(engine) as conn:
            first = ledger.get(conn, ledger.arrive_inline(conn, file, profiles.sections(path.name, profile)))
            assert first
            if not first.dataset:
                ledger.assign(conn, first, _parts(profiles, first, members(path, settings.sandbox)))
            for run in ledger.siblings(conn, first):
                tally = importer.load(conn, run, profiles.get(run.profile), path, settings.sandbox, progress)
                came_of.append((run.dataset, tally))
            raise _Rehearsed
    except _Rehearsed:
        return came_of

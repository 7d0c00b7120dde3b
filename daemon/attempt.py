"""One attempt at an import run: fetch, import, decide, finish. What went wrong becomes an outcome here and nowhere else."""

import socket
from datetime import timedelta
from pathlib import Path, PurePath

from sqlalchemy import Connection, Engine

from daemon import db, failpoint, importer, ledger, queue, results
from daemon.drops import Drop, dispose, fetch, open_drop
from daemon.errors import FileRefused, Refusal, TryLater, Vanished
from daemon.importer import Progress
from daemon.ledger import Overtaken
from daemon.log import bound, get
from daemon.model import FINAL, Deferred, Gone, Imported, ImportRun, Outcome, Refused, RemoteFile, State, Tally
from daemon.profiles import Profile, Profiles
from daemon.settings import Person, Settings

log = get(__name__)


def attempt(engine: Engine, settings: Settings, profiles: Profiles, run_id: int, progress: Progress = lambda rows: None) -> None:
    """Try an import run once, if it is to be had, and write down what came of it."""
    with db.transaction(engine) as conn:
        run = ledger.claim(conn, run_id)
    if run is None:
        return
    with bound(run=run.id, file=run.name, attempt=run.attempt):
        failpoint.reach("claimed")
        try:
            outcome = _try(engine, settings, profiles, run, progress)
        except FileRefused as refused:
            outcome = Refused(refused.code, refused.detail)
        except Vanished:
            outcome = Gone()
        except TryLater as reason:
            outcome = _later(run, settings, str(reason))
        except Overtaken:
            log.warning("overtaken")
            return
        except Exception as error:
            log.exception("import_failed")
            outcome = _later(run, settings, f"{type(error).__name__}: {error}")
        if not isinstance(outcome, Imported):
            with db.transaction(engine) as conn:
                finish(conn, settings, profiles, run, outcome)
        log.info(
            "import_ended",
            outcome=type(outcome).__name__.lower(),
            detail=getattr(outcome, "detail", getattr(outcome, "reason", None)),
        )
        failpoint.reach("finished")


def _try(engine: Engine, settings: Settings, profiles: Profiles, run: ImportRun, progress: Progress) -> Outcome:
    run = _archived(engine, settings, run)
    failpoint.reach("fetched")
    profile = profiles.get(run.profile) if run.profile else profiles.match(PurePath(run.name).name, run.drop)
    if profile is None:
        raise FileRefused(Refusal.NO_PROFILE, PurePath(run.name).name)
    if run.section >= len(profile.sections):
        raise FileRefused(Refusal.NO_PROFILE, f"{profile.name} has no section {run.section + 1} any more")
    assert run.archive
    with db.transaction(engine) as conn:
        if not run.profile:
            ledger.name_profile(conn, run, profile.name, profile.sections[run.section].dataset)
        outcome = Imported(importer.load(conn, run, profile, Path(run.archive), settings.sandbox, progress))
        finish(conn, settings, profiles, run, outcome)
        failpoint.reach("before commit")
    failpoint.reach("committed")
    return outcome


def _archived(engine: Engine, settings: Settings, run: ImportRun) -> ImportRun:
    """The run with its bytes in this machine's archive."""
    if run.archive and run.host == socket.gethostname():
        return run
    with drop_of(run, settings) as drop:
        fetched = fetch(drop, run.file, settings.archive, run.arrival_id)
    failpoint.reach("archived")
    with db.transaction(engine) as conn:
        ledger.fetched(conn, run, fetched, socket.gethostname())
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


def _later(run: ImportRun, settings: Settings, reason: str) -> Outcome:
    """Another try after a while, or the end of trying. A file given on the command line is tried once: somebody waits."""
    if run.attempt >= settings.imports.attempts or not run.drop:
        return Refused(Refusal.GAVE_UP, reason)
    return Deferred(reason, settings.imports.retry_after * 2 ** (run.attempt - 1))


def finish(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, outcome: Outcome) -> None:
    """Write an outcome down, with everything it owes: the mails, the file's next section or its disposal, the next try."""
    ledger.finish(conn, run, outcome)
    if isinstance(outcome, Deferred):
        at = ledger.now(conn) + timedelta(seconds=outcome.seconds)
        queue.enqueue(conn, "import_run", queue_of(run), at=at, run_id=run.id)
        return
    results.owe_result(conn, run, recipients(settings, _profile(profiles, run), outcome))
    if not run.drop or run.parent_id is not None:
        return
    siblings = ledger.siblings(conn, run)
    if upcoming := [sibling for sibling in siblings if sibling.state not in FINAL]:
        queue.enqueue(conn, "import_run", queue_of(upcoming[0]), run_id=upcoming[0].id)
    else:
        queue.enqueue(conn, "dispose", queue_of(run), run_id=run.id)


def queue_of(run: ImportRun) -> str:
    """The queue of the machine whose archive has the bytes."""
    return queue.of_host(run.host) if run.host else queue.SHARED


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
    engine: Engine, settings: Settings, profile: Profile, file: RemoteFile, progress: Progress = lambda rows: None
) -> list[tuple[str, Tally]]:
    """What importing a local file would do, section by section; nothing of it stays. Raises FileRefused and TryLater."""
    came_of: list[tuple[str, Tally]] = []
    try:
        with db.transaction(engine) as conn:
            run_id = ledger.arrive_inline(conn, file, [(profile.name, section.dataset) for section in profile.sections])
            first = ledger.get(conn, run_id)
            assert first
            for run in ledger.siblings(conn, first):
                came_of.append((run.dataset, importer.load(conn, run, profile, Path(file.name), settings.sandbox, progress)))
            raise _Rehearsed
    except _Rehearsed:
        return came_of

"""One attempt at an import run: import, decide, finish. What went wrong becomes an outcome here and nowhere else."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.drops import Local, fetch
from daemon.errors import FileRefused, Refusal, TryLater, Vanished
from daemon.importing.contents import Opened, opened
from daemon.importing.decisions import release_lines, supersede
from daemon.importing.load import Progress, load
from daemon.importing.order import OutOfTurn, refuse_passed_over, wait_for_turn, waits_for
from daemon.ledger import Overtaken
from daemon.log import bound, get
from daemon.model import Deferred, Imported, ImportRun, Outcome, Refused
from daemon.profiles import Column, Profiles, day_of, profile_of
from daemon.settings import Settings

log = get(__name__)

_LOOK_AGAIN_SECONDS = 10.0
"""How often a run that waits for another file looks whether that is in."""


def attempt(engine: Engine, settings: Settings, profiles: Profiles, run_id: int, progress: Progress = lambda rows: None) -> None:
    """Try an import run once, if it is to be had, and write down what came of it."""
    with db.transaction(engine) as conn:
        run = begin(conn, profiles, run_id)
    if run:
        carry_out(engine, settings, profiles, run, progress)


def begin(conn: Connection, profiles: Profiles, run_id: int) -> ImportRun | None:
    """Claim a run for an attempt; None when it is not to be had, or waits for another."""
    run = ledger.claim(conn, run_id)
    if run and (reason := waits_for(conn, profiles, run)):
        again = ledger.wait(conn, run, *reason, _LOOK_AGAIN_SECONDS)
        queue.enqueue(conn, "import_run", run.archive_host, at=again, run_id=run_id)
        return None
    return run


def carry_out(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    run: ImportRun,
    progress: Progress = lambda rows: None,
    *,
    hold: bool = False,
) -> bool:
    """Try a run that was begun, and write down what came of it; returns whether it ended.

    With `hold` the next file of its line is not owed, but left to the caller.
    """
    with bound(run=run.id, file=run.title, attempt=run.attempt):
        failpoint.reach("claimed")
        written = False
        try:
            outcome = _try(engine, settings, profiles, run, progress, hold)
            written = True
        except FileRefused as refused:
            outcome = Refused(refused.code, refused.detail)
        except Vanished as gone:
            outcome = Refused(Refusal.GAVE_UP, str(gone))
        except TryLater as reason:
            outcome = _later(run, settings, str(reason), blameless=True)
        except Overtaken:
            log.warning("overtaken")
            return False
        except Opened:
            log.info("opened")
            return False
        except OutOfTurn:
            with db.transaction(engine) as conn:
                ledger.give_back(conn, run)
            return False
        except Exception as error:
            log.exception("import_failed")
            outcome = _later(run, settings, f"{type(error).__name__}: {error}", blameless=False)
        if not written:
            try:
                with db.transaction(engine) as conn:
                    finish(conn, settings, profiles, run, outcome, hold)
            except Overtaken:
                log.warning("overtaken")
                return False
        log.info(
            "import_ended",
            outcome=type(outcome).__name__.lower(),
            why=getattr(outcome, "detail", getattr(outcome, "reason", None)),
        )
        failpoint.reach("finished")
        return not isinstance(outcome, Deferred)


def _try(engine: Engine, settings: Settings, profiles: Profiles, run: ImportRun, progress: Progress, hold: bool) -> Outcome:
    if run.tries > settings.imports.attempts:
        raise FileRefused(Refusal.GAVE_UP, f"{run.tries - 1} attempts ended without a word: each took its process with it")
    run = _archived(engine, settings, run)
    failpoint.reach("fetched")
    archive = Path(run.archive or "")
    run = opened(engine, settings, profiles, run, archive)
    profile = profiles.get(run.profile)
    with db.transaction(engine) as conn:
        refuse_passed_over(conn, profile, run)
        outcome = load(conn, run, profile, archive, settings.sandbox, progress, lambda: wait_for_turn(conn, run))
        finish(conn, settings, profiles, run, outcome, hold)
        failpoint.reach("before commit")
    failpoint.reach("committed")
    return outcome


def _archived(engine: Engine, settings: Settings, run: ImportRun) -> ImportRun:
    """The run with its bytes in an archive that this machine sees; a file given on the command line is brought there now."""
    if run.archive and Path(run.archive).exists():
        return run
    if run.drop or run.archive:
        raise TryLater(f"its bytes are in the archive of {run.archive_host}")
    fetched = fetch(Local(Path("/")), run.file, run.name, settings.archive_folder, run.arrival_id)
    with db.transaction(engine) as conn:
        ledger.fetched(conn, run.arrival_id, fetched, run.name, "" if settings.archive.shared else queue.this_host())
        again = ledger.get(conn, run.id)
    assert again
    return again


def _later(run: ImportRun, settings: Settings, reason: str, *, blameless: bool) -> Outcome:
    """Another try after a while; or, where nothing but the file can be to blame, the end of trying.

    What was asked for on the command line, an import or a retry, is tried once: somebody waits.
    """
    looked_at = (not run.drop or run.parent_id is not None) and run.approved is None
    if looked_at or (not blameless and run.tries >= settings.imports.attempts):
        return Refused(Refusal.GAVE_UP, reason)
    return Deferred(reason, settings.imports.after(run.attempt - 1), blameless)


def finish(
    conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, outcome: Outcome, hold: bool = False
) -> None:
    """Write an outcome down, with everything it owes: the mails, the next try, or the next files of the lines it held up.

    With `hold`, its own line is left to the caller.
    """
    ledger.finish(conn, run, outcome)
    if isinstance(outcome, Deferred):
        at = ledger.now(conn) + timedelta(seconds=outcome.seconds)
        queue.enqueue(conn, "import_run", run.archive_host, at=at, run_id=run.id)
        if outcome.blameless and run.deferrals + 1 == settings.imports.attempts:
            results.owe_result(conn, run, settings.admins)
        return
    profile = profile_of(profiles, run)
    results.owe_result(conn, run, results.recipients(settings, profile, outcome))
    again = isinstance(outcome, Refused) and outcome.code is Refusal.DUPLICATE
    if again and profile and not isinstance(profile.import_.business_date, Column):  # which says the same day again
        with suppress(FileRefused):
            ledger.repeated(conn, run, day_of(profile, run))
    if again and run.section == 0 and profile and profile.expect and profile.notify.to:
        results.owe_notice(
            conn, "identical", settings.admins, profile=profile.name, file=run.title, detail=getattr(outcome, "detail", "")
        )
    if isinstance(outcome, Imported) and profile and profile.section(run.dataset).speaks_for:
        supersede(conn, settings, profiles, run)
    if run.in_line:
        release_lines(conn, run, but_own=hold)

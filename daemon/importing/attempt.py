"""One attempt at an import run: begin, try, judge, finish. What went wrong becomes an outcome here and nowhere else."""

from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from daemon import db, failpoint, ledger, loading, queue, results
from daemon.drops import Local, fetch
from daemon.errors import Detail, FileRefused, Refusal, TryLater, Vanished
from daemon.importing.contents import open_contents
from daemon.importing.decisions import advance_lines, supersede
from daemon.importing.load import Progress, load
from daemon.importing.order import is_its_turn, refuse_passed_over, waits_for
from daemon.log import bound, get
from daemon.model import FINAL, Deferred, Held, Imported, ImportRun, Outcome, OutOfTurn, Overtaken, Refused
from daemon.profiles import Column, Profile, Profiles, day_of
from daemon.settings import Settings

log = get(__name__)

_MANY_ROWS = 10_000
_LOOK_AGAIN_SECONDS = 10.0
"""How often a run that waits for another file looks whether that is in."""


def attempt(engine: Engine, settings: Settings, profiles: Profiles, run_id: int, progress: Progress = lambda rows: None) -> None:
    """Try an import run once, if it is to be had, and write down what came of it."""
    with db.transaction(engine) as conn:
        run = begin(conn, profiles, run_id)
    if run:
        carry_out(engine, settings, profiles, run, progress)


def attempt_file(
    engine: Engine, settings: Settings, profiles: Profiles, run_id: int, progress: Progress = lambda rows: None
) -> list[ImportRun]:
    """Try a run once, and after it those that its file was found to hold besides, in their order; returns what became of them.

    For what somebody waits for, an import or a retry by hand: nothing else takes those runs up.
    """
    tried: list[int] = []
    upcoming: int | None = run_id
    while upcoming:
        tried.append(upcoming)
        attempt(engine, settings, profiles, upcoming, progress)
        with db.transaction(engine) as conn:
            first = ledger.runs.run_by_id(conn, run_id)
            runs = ledger.runs.siblings(conn, first) if first else []
        upcoming = next((run.id for run in runs if run.state not in FINAL and run.id not in tried), None)
    return [run for run in runs if run.id in tried]


def begin(conn: Connection, profiles: Profiles, run_id: int) -> ImportRun | None:
    """Claim a run for an attempt; None when it is not to be had, or waits for another."""
    run = ledger.runs.claim_run(conn, run_id)
    if run and (reason := waits_for(conn, profiles, run)):
        again = ledger.runs.put_off_run(conn, run, *reason, _LOOK_AGAIN_SECONDS)
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
    keep_line: bool = False,
) -> bool:
    """Try a run that was begun, and write down what came of it; returns whether it ended.

    With `keep_line` the next file of its line is not owed, but left to the caller.
    """
    with bound(run=run.id, file=run.title, attempt=run.attempt):
        failpoint.reach("claimed")
        try:
            outcome = _try(engine, settings, profiles, run, progress, keep_line)
        except Exception as error:
            judged = _judge(settings, run, error)
            with db.transaction(engine) as conn:
                outcome = finish(conn, settings, profiles, run, judged, keep_line)
        why = getattr(outcome, "detail", getattr(outcome, "reason", None))
        log.info("import_ended", outcome=type(outcome).__name__.lower(), why=why and str(why))
        failpoint.reach("finished")
        return isinstance(outcome, Imported | Refused | Held)


def _try(engine: Engine, settings: Settings, profiles: Profiles, run: ImportRun, progress: Progress, keep_line: bool) -> Outcome:
    if run.tries > settings.imports.attempts:
        raise FileRefused(Refusal.GAVE_UP, "attempts_without_a_word", attempts=run.tries - 1)
    run = _archived(engine, settings, run)
    failpoint.reach("fetched")
    archive = Path(run.archive or "")
    opened = open_contents(engine, settings, profiles, run, archive)
    if not isinstance(opened, ImportRun):
        return opened
    run, profile = opened, profiles.get(opened.profile)
    with db.transaction(engine) as conn:
        refuse_passed_over(conn, profile, run)
        loading.settle_aliases(conn)
        told = _telling(conn, run, progress)
        loaded = load(conn, run, profiles, archive, settings.sandbox, told, lambda: is_its_turn(conn, run))
        outcome = loaded if isinstance(loaded, OutOfTurn) else finish(conn, settings, profiles, run, loaded, keep_line)
        if isinstance(outcome, OutOfTurn | Overtaken):
            conn.rollback()  # nothing of it stays
        else:
            failpoint.reach("before commit")
    if isinstance(outcome, OutOfTurn):
        with db.transaction(engine) as conn:
            ledger.runs.give_back_run(conn, run)
        return outcome
    failpoint.reach("committed")
    return outcome


def _telling(conn: Connection, run: ImportRun, progress: Progress) -> Progress:
    """Tell how many rows were read, where they are many, to whoever looks at the run meanwhile, too."""

    def tell(rows: int) -> None:
        if rows >= _MANY_ROWS:
            ledger.runs.tell_rows_read(conn, run.id, rows)
        progress(rows)

    return tell


def _archived(engine: Engine, settings: Settings, run: ImportRun) -> ImportRun:
    """The run with its bytes in an archive that this machine sees; a file given on the command line is brought there now."""
    if run.archive and Path(run.archive).exists():
        return run
    if run.drop or run.archive:
        raise TryLater(f"its bytes are in the archive of {run.archive_host}")
    fetched = fetch(Local(Path("/")), run.file, run.name, settings.archive_folder, run.arrival_id)
    with db.transaction(engine) as conn:
        host = "" if settings.archive.shared else queue.this_host()
        ledger.arrivals.mark_fetched(conn, run.arrival_id, fetched, run.name, host)
        again = ledger.runs.run_by_id(conn, run.id)
    assert again
    return again


def _judge(settings: Settings, run: ImportRun, error: Exception) -> Refused | Deferred:
    """What an attempt that failed comes to."""
    match error:
        case FileRefused():
            return Refused(error.code, error.detail)
        case Vanished():
            return Refused(Refusal.GAVE_UP, Detail.of("plain", text=str(error)))
        case TryLater():
            return _later(settings, run, str(error), blameless=True)
    log.error("import_failed", exc_info=error)
    return _later(settings, run, f"{type(error).__name__}: {error}", blameless=False)


def _later(settings: Settings, run: ImportRun, reason: str, *, blameless: bool) -> Refused | Deferred:
    """Another try after a while; or, where nothing but the file can be to blame, the end of trying.

    What was asked for on the command line, an import or a retry, is tried once: somebody waits.
    """
    looked_at = (not run.drop or run.parent_id is not None) and run.approved is None
    if looked_at or (not blameless and run.tries >= settings.imports.attempts):
        return Refused(Refusal.GAVE_UP, Detail.of("plain", text=reason))
    return Deferred(reason, settings.imports.after(run.attempt - 1), blameless)


def finish(
    conn: Connection,
    settings: Settings,
    profiles: Profiles,
    run: ImportRun,
    outcome: Imported | Refused | Held | Deferred,
    keep_line: bool = False,
) -> Outcome:
    """Write an outcome down, with everything it owes: the mails, the next try, or the next files of the lines it held up; and
    return it. Overtaken where the run is no longer this attempt's: then the caller's transaction is in vain.

    With `keep_line`, its own line is left to the caller.
    """
    if not ledger.runs.finish_run(conn, run, outcome):
        return Overtaken()
    if isinstance(outcome, Deferred):
        at = db.now(conn) + timedelta(seconds=outcome.seconds)
        queue.enqueue(conn, "import_run", run.archive_host, at=at, run_id=run.id)
        if outcome.blameless and run.deferrals + 1 == settings.imports.attempts:
            results.owe_result(conn, run, settings.admins)
        return outcome
    profile = profiles.saved(run.profile)
    held, waits = isinstance(outcome, Held), isinstance(outcome, Held | Refused)
    to = results.with_starter(conn, run, results.recipients(settings, profile, outcome))
    results.owe_result(conn, run, to, at_once=held, waits=waits)
    if isinstance(outcome, Refused) and outcome.code is Refusal.DUPLICATE and profile:
        _come_again(conn, settings, profile, run, outcome)
    if isinstance(outcome, Imported) and profile and profile.section(run.dataset).speaks_for:
        supersede(conn, settings, profiles, run)
    if run.in_line:
        advance_lines(conn, run, but_own=keep_line)
    return outcome


def _come_again(conn: Connection, settings: Settings, profile: Profile, run: ImportRun, outcome: Refused) -> None:
    """What a duplicate says: its content is so on a later day, too; and, where a file is expected, that it is no new one."""
    if not isinstance(profile.import_.business_date, Column):  # which says the same day again
        with suppress(FileRefused):
            ledger.runs.extend_day(conn, run, int(str(outcome.detail.values["run"])), day_of(profile, run))
    if run.section == 0 and profile.expect and profile.notify.to:
        results.owe_notice(
            conn, "identical", settings.admins, profile=profile.name, file=run.title, detail=asdict(outcome.detail)
        )

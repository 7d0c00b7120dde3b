"""Decisions: what a person, or time, decides about a held run, or about one that was imported."""

from datetime import timedelta

from sqlalchemy import Connection

from daemon import db, ledger, loading, queue, results
from daemon.datasets import datasets
from daemon.errors import Detail, Refusal
from daemon.log import get
from daemon.model import FINAL, ImportRun, State
from daemon.profiles import Profiles
from daemon.settings import Settings

log = get(__name__)


def approve(conn: Connection, run: ImportRun, by: str) -> bool:
    """Have a held run imported, if its effect is still what it was; whether it was held."""
    if not ledger.runs.approve_held(conn, run.id, by):
        return False
    queue.enqueue(conn, "import_run", run.archive_host, run_id=run.id)
    log.info("approved", run=run.id, by=by)
    return True


def decline(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, by: str) -> bool:
    """Refuse a held run; whether it was held."""
    return _end(conn, settings, profiles, run, Refusal.DECLINED, Detail.of("plain", text=by), by)


def expire(conn: Connection, settings: Settings, profiles: Profiles) -> int:
    """Refuse what has been held for so long that nobody will decide; returns how many runs."""
    old = ledger.runs.runs_held_since(conn, timedelta(seconds=settings.imports.held_for))
    return sum(_end_by_id(conn, settings, profiles, run_id, Refusal.EXPIRED, Detail.of("plain", text="")) for run_id in old)


def supersede(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun) -> None:
    """Refuse the held runs that an imported one came after: it says what they would have said, and better."""
    for run_id in ledger.runs.held_runs_before(conn, run):
        _end_by_id(conn, settings, profiles, run_id, Refusal.SUPERSEDED, Detail.of("run_and_file", run=run.id, file=run.title))


def _end_by_id(conn: Connection, settings: Settings, profiles: Profiles, run_id: int, code: Refusal, detail: Detail) -> bool:
    run = ledger.runs.run_by_id(conn, run_id)
    return run is not None and _end(conn, settings, profiles, run, code, detail)


def _end(
    conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, code: Refusal, detail: Detail, by: str = ""
) -> bool:
    if not ledger.runs.end_held(conn, run.id, code, detail, by):
        return False
    log.info("held_run_ended", run=run.id, code=code, detail=str(detail))
    results.owe_result(conn, run, results.people(settings, profiles.saved(run.profile)))
    if run.in_line:
        advance_lines(conn, run)
    return True


def undo(
    conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, by: str, *, with_corrections: bool = False
) -> loading.Undone:
    """Undo an imported run, unless something that came after it forbids that; the people its profile tells are told.

    The corrections of its rejected rows forbid it, or are undone together with it.
    """
    corrections = ledger.runs.corrections_of(conn, run)
    if corrections and not with_corrections:
        return loading.Undone(obstacles=[Detail.of("corrected_by", run=each.id) for each in corrections])
    total = loading.Undone()
    with conn.begin_nested() as savepoint:
        for each in (*corrections, run):
            undone = _undo(conn, settings, profiles, each, by)
            total.deleted, total.restored = total.deleted + undone.deleted, total.restored + undone.restored
            if undone.obstacles:
                savepoint.rollback()
                return undone
    return total


def _undo(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, by: str) -> loading.Undone:
    if run.state is not State.IMPORTED or run.undone_at:
        return loading.Undone(
            obstacles=[
                Detail.of("undone_already", run=run.id)
                if run.undone_at
                else Detail.of("run_is", run=run.id, state=str(run.state))
            ]
        )
    if run.finished_at and run.finished_at < db.now(conn) - timedelta(seconds=settings.archive.keep):
        return loading.Undone(obstacles=[Detail.of("too_old_to_undo", run=run.id)])
    if run.dataset not in datasets():
        return loading.Undone(obstacles=[Detail.of("no_dataset_any_more", dataset=run.dataset)])
    if closed := _closed(conn, run):
        return loading.Undone(obstacles=[closed])
    undone = loading.undo(conn, run.id, run.dataset)
    if not undone.obstacles and ledger.runs.mark_undone(conn, run.id, by):
        log.info("undone", run=run.id, by=by, deleted=undone.deleted, restored=undone.restored)
        results.owe_notice(
            conn,
            "undone",
            results.people(settings, profiles.saved(run.profile)),
            file=run.title,
            run=run.id,
            by=by,
            deleted=undone.deleted,
            restored=undone.restored,
        )
    return undone


def _closed(conn: Connection, run: ImportRun) -> Detail | None:
    """That a run is about a day of a closed period; what a person put right or approved was booked on the day they did."""
    day = run.finished_at.date() if run.finished_at and (run.corrects or run.approved) else run.business_date
    declared = loading.declared(conn)
    for entity in ledger.runs.entities_of(conn, run):
        until = declared[entity].closed_until if entity in declared else None
        if day and until and day <= until:
            return Detail.of("closed", day=f"{day}", entity=entity, until=f"{until}")
    return None


def advance_lines(conn: Connection, run: ImportRun, *, but_own: bool = False) -> None:
    """Let the files go on that an ended run held up; `but_own` leaves those of its own line to the caller."""
    waiting = [] if ledger.arrivals.mark_ended(conn, run.arrival_id) else ledger.runs.siblings(conn, run)
    held_up = {sibling.profile for sibling in waiting if sibling.state not in FINAL}
    for line in sorted(held_up - {run.profile} if but_own else held_up | {run.profile}):
        ledger.runs.advance_line(conn, run.drop, line)

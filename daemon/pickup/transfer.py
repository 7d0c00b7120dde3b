"""Transfer: carries into the archive what arrived, puts the source away once its runs have ended, and looks again, daily,
at what was left in a drop.
"""

from contextlib import suppress

from sqlalchemy import Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.drops import Drop, fetch, give_back, put_away, set_aside, still
from daemon.errors import NotAllowed, TryLater, Vanished
from daemon.log import get
from daemon.model import Arrival, State, shown
from daemon.settings import DropSettings, Settings

log = get(__name__)


def fetch_owed(engine: Engine, settings: Settings, name: str, drop: Drop) -> None:
    """Bring the bytes of what arrived into the archive, in its order, and let the imports begin.

    A file that cannot be had is tried again later, after the others. Raises TryLater when the drop itself is at fault.
    """
    failed = False
    while True:
        with db.transaction(engine) as conn:
            owed = ledger.arrivals.owed_arrivals(conn, name, queue.this_host(), ledger.arrivals.UNFETCHED)
        for arrival in owed:
            try:
                _fetch(engine, settings, name, drop, arrival)
            except TryLater as fault:
                _put_off(engine, settings, arrival, str(fault))
                if isinstance(fault, NotAllowed):
                    continue
                if failed:
                    raise
                failed = True  # perhaps this file's alone: on a new connection the next one tells
                drop.__exit__(None, None, None)
                drop.__enter__()
        if not owed:
            return


def _fetch(engine: Engine, settings: Settings, name: str, drop: Drop, arrival: Arrival) -> None:
    here, path = settings.drops[name], arrival.path
    try:
        if here.sets_aside and path == arrival.file.name:
            path = set_aside(drop, arrival.file, arrival.id)
            failpoint.reach("set aside")
        fetched = fetch(drop, arrival.file, path, settings.archive_folder, arrival.id)
    except Vanished:
        give_back(drop, arrival.file, path, arrival.run_id)
        _tell_vanished(engine, settings, name, arrival)
        return
    failpoint.reach("archived")
    if path != arrival.file.name:  # what comes under that name from now on brings its own marker and control file
        for companion in arrival.companions:
            with suppress(NotAllowed):
                drop.remove(companion)
    with db.transaction(engine, durable=False) as conn:  # lost, it would be fetched once more
        first = ledger.arrivals.mark_fetched(
            conn, arrival.id, fetched, path, "" if settings.archive.shared else queue.this_host()
        )
        ledger.runs.advance_line(conn, name, arrival.profile)
    if not first:
        fetched.path.unlink(missing_ok=True)


def _tell_vanished(engine: Engine, settings: Settings, name: str, arrival: Arrival) -> None:
    """End the runs of a file that was gone; the admins are told, but not again and again of what a server lists and has not."""
    with db.transaction(engine) as conn:
        if not ledger.arrivals.mark_vanished(conn, arrival):
            return
        run = ledger.runs.run_by_id(conn, arrival.run_id)
        assert run
        if not ledger.arrivals.is_vanished_again(conn, arrival):
            results.owe_result(conn, run, settings.admins)  # before the line, as every import does: no two may knot
        ledger.runs.advance_line(conn, name, arrival.profile)
    log.info("vanished", drop=name, file=arrival.file.name, run=arrival.run_id)


def dispose_owed(engine: Engine, settings: Settings, name: str, drop: Drop) -> None:
    """Put away what has been imported or refused, as the drop says.

    A file that cannot be put away is tried again later; its import stands, and what came in the meantime is not held up.
    """
    while True:
        with db.transaction(engine) as conn:
            owed = ledger.arrivals.owed_arrivals(conn, name, queue.this_host(), ledger.arrivals.ENDED)
        away: dict[int, str] = {}
        try:
            for arrival in owed:
                try:
                    away[arrival.id] = _put_away(drop, settings.drops[name], arrival)
                except TryLater as fault:
                    _put_off(engine, settings, arrival, str(fault))
                    if not isinstance(fault, NotAllowed):
                        return  # whether it is the drop's fault, the listing that follows tells
                    continue
                failpoint.reach("moved")
                log.info("disposed", run=arrival.run_id, file=arrival.file.name, where=away[arrival.id])
        finally:
            with db.transaction(engine, durable=False) as conn:  # lost, they would be found moved already
                ledger.arrivals.mark_put_away(conn, away)
        if not owed:
            return


def _put_away(drop: Drop, here: DropSettings, arrival: Arrival) -> str:
    fine = arrival.states == {State.IMPORTED}
    how, folder = (here.imported, here.imported_to) if fine else (here.refused, here.refused_to)
    if arrival.sha256 is None:
        return "never fetched"
    return put_away(drop, arrival.file, arrival.path, arrival.run_id, how, folder, arrival.sha256, arrival.companions)


def look_again(engine: Engine, name: str, drop: Drop) -> None:
    """Read once more, daily, what was left in the drop: other bytes under the same size and time are a new arrival.

    Of a file that is not there nothing is inferred: a listing may be briefly empty.
    """
    with db.transaction(engine) as conn:
        left = ledger.arrivals.owed_arrivals(conn, name, queue.this_host(), ledger.arrivals.LEFT)
    for arrival in left:
        try:
            same = still(drop, arrival.file, arrival.path, arrival.sha256 or "")
        except NotAllowed as fault:
            log.warning("not_read_again", drop=name, file=arrival.file.name, reason=str(fault))
            same = None
        with db.transaction(engine) as conn:
            ledger.arrivals.mark_put_away(conn, {arrival.id: "replaced" if same is False else "left"})


def _put_off(engine: Engine, settings: Settings, arrival: Arrival, fault: str) -> None:
    """Remember why something could not be done with a file, and when to try again; tell the admins if it goes on."""
    log.warning("file_fault", file=arrival.file.name, run=arrival.run_id, reason=fault)
    with db.transaction(engine) as conn:
        ledger.arrivals.put_off_arrival(conn, arrival, shown(fault), settings.imports.after(arrival.tries))
        if arrival.tries + 1 == settings.imports.attempts:
            results.owe_notice(conn, "file_fault", settings.admins, file=arrival.file.name, run=arrival.run_id, fault=fault)

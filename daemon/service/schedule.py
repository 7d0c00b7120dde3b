"""The schedule: APScheduler says when to visit each drop, and when to do what is done daily. It keeps nothing that matters."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from daemon import db, ledger, queue
from daemon.errors import TryLater
from daemon.log import bound, get
from daemon.pickup import Visitor
from daemon.profiles import Profiles
from daemon.settings import Settings
from daemon.upkeep import check_expectations, owe_summaries, prune_archive, see_to_overdue, tell_orphaned

log = get(__name__)

_TIDY_SECONDS = 2.0
"""How soon a source file is put away after its import."""
_EXPECTATION_SECONDS = 60.0
_PRUNING_SECONDS = 6 * 3600.0
_OVERDUE_SECONDS = 3600.0


class Schedule:
    """Visits every drop at its interval, and at once when told to."""

    def __init__(self, engine: Engine, settings: Settings, profiles: Profiles) -> None:
        self._engine = engine
        self._settings, self._profiles = settings, profiles
        self._visits = {name: _Visits(Visitor(engine, settings, profiles, name)) for name in settings.drops}
        # A thread for every drop: a sick one, waiting for its time-out, holds up none of the others.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(2 * len(settings.drops) + 4)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )

    def start(self) -> None:
        """Begin, with a first look into each drop now."""
        for name, drop in self._settings.drops.items():
            self._every(drop.poll, partial(self.look, name), name)
        self._every(_TIDY_SECONDS, self._tidy, "tidy")
        self._every(_EXPECTATION_SECONDS, self._expect, "expect", after=_EXPECTATION_SECONDS)
        self._every(_PRUNING_SECONDS, self._prune, "prune")
        self._every(_OVERDUE_SECONDS, self._see_to_overdue, "overdue", after=_EXPECTATION_SECONDS)
        self._scheduler.start()

    def _every(self, seconds: float, what: Callable[[], None], name: str, after: float = 0) -> None:
        first = datetime.now().astimezone() + timedelta(seconds=after)
        self._scheduler.add_job(what, "interval", id=name, seconds=seconds, jitter=seconds / 10, next_run_time=first)

    def stop(self) -> None:
        """Look no more; a look under way ends by itself."""
        self._scheduler.shutdown(wait=False)

    def look(self, name: str) -> None:
        """Look into a drop now, in the caller's thread; if somebody else is visiting it, have them look once more."""
        self._visit(name, listing=True)

    def look_soon(self, name: str, seconds: float = 0) -> None:
        """Have a drop looked into after `seconds`, beside its interval."""
        self._soon(name, seconds, listing=True)

    def _soon(self, name: str, seconds: float, *, listing: bool) -> None:
        at = datetime.now().astimezone() + timedelta(seconds=seconds)
        id = f"{name} {'look' if listing else 'tidy'} soon"
        self._scheduler.add_job(
            self._visit, "date", [name], {"listing": listing}, id=id, run_date=at, replace_existing=True, max_instances=3
        )

    def _visit(self, name: str, *, listing: bool) -> None:
        visits = self._visits[name]
        with bound(drop=name):
            again = None
            with _unless_the_database_is_away("visit"):
                again = visits.make(listing)
        if again is not None and again < self._settings.drops[name].poll:
            self.look_soon(name, again)

    def _tidy(self) -> None:
        """Have the drops visited in which the source file of an ended run still lies."""
        with _unless_the_database_is_away("tidying"), db.transaction(self._engine) as conn:
            for name, host in ledger.arrivals.drops_with_ended(conn):
                if name in self._visits and host == queue.this_host():
                    self._soon(name, 0, listing=False)

    def _expect(self) -> None:
        """See whether what was due has come."""
        with _unless_the_database_is_away("expectations"):
            check_expectations(self._engine, self._settings, self._profiles)
            owe_summaries(self._engine, self._settings, self._profiles)

    def _see_to_overdue(self) -> None:
        """End, or tell of, what has waited too long."""
        with _unless_the_database_is_away("overdue"):
            see_to_overdue(self._engine, self._settings, self._profiles)
            tell_orphaned(self._engine, self._settings, self._profiles)

    def _prune(self) -> None:
        """Delete from the archive what is older than it keeps."""
        with _unless_the_database_is_away("retention"):
            if pruned := prune_archive(self._engine, self._settings):
                log.info("archive_pruned", files=pruned)


@contextmanager
def _unless_the_database_is_away(what: str) -> Iterator[None]:
    try:
        yield
    except TryLater as reason:
        log.warning("not_done", what=what, reason=str(reason))


class _Visits:
    """The visits to one drop, one at a time; what is wanted during one is done after it, once."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._changing = threading.Lock()
        self._busy = False
        self._wanted: bool | None = None
        """Whether the next visit is to list; None when none is wanted."""

    def make(self, listing: bool) -> float | None:
        """Visit the drop, or have the visit under way go on; returns in how many seconds to look again, or None."""
        with self._changing:
            self._wanted = listing or bool(self._wanted)
            if self._busy:
                return None
            self._busy = True
        again = None
        try:
            while (wanted := self._next()) is not None:
                sooner = self._visitor.visit(listing=wanted)
                again = sooner if again is None else again if sooner is None else min(again, sooner)
        except BaseException:
            self._busy = False
            raise
        return again

    def _next(self) -> bool | None:
        with self._changing:
            wanted, self._wanted = self._wanted, None
            self._busy = wanted is not None
            return wanted

"""The schedule: APScheduler says when to tend each drop, and when to do what is done daily. It keeps nothing that matters."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from daemon import db, ledger, queue
from daemon.errors import TryLater
from daemon.log import bound, get
from daemon.profiles import Profiles
from daemon.settings import Settings
from daemon.tending import Tended

log = get(__name__)

_TIDY_SECONDS = 2.0
"""How soon a source file is put away after its import."""


class Schedule:
    """Tends every drop at its interval, and at once when told to."""

    def __init__(self, engine: Engine, settings: Settings, profiles: Profiles) -> None:
        self._engine = engine
        self._settings = settings
        self._visits = {name: _Visits(Tended(engine, settings, profiles, name)) for name in settings.drops}
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
        self._scheduler.start()

    def _every(self, seconds: float, what: Callable[[], None], name: str) -> None:
        now = datetime.now().astimezone()
        self._scheduler.add_job(what, "interval", id=name, seconds=seconds, jitter=seconds / 10, next_run_time=now)

    def stop(self) -> None:
        """Look no more; a look under way ends by itself."""
        self._scheduler.shutdown(wait=False)

    def look(self, name: str) -> None:
        """Look into a drop now, in the caller's thread; if somebody else is tending it, have them look once more."""
        self._tend(name, listing=True)

    def look_soon(self, name: str, seconds: float = 0) -> None:
        """Have a drop looked into after `seconds`, beside its interval."""
        self._soon(name, seconds, listing=True)

    def _soon(self, name: str, seconds: float, *, listing: bool) -> None:
        at = datetime.now().astimezone() + timedelta(seconds=seconds)
        id = f"{name} {'look' if listing else 'tidy'} soon"
        self._scheduler.add_job(
            self._tend, "date", [name], {"listing": listing}, id=id, run_date=at, replace_existing=True, max_instances=3
        )

    def _tend(self, name: str, *, listing: bool) -> None:
        visits = self._visits[name]
        with bound(drop=name):
            try:
                again = visits.make(listing)
            except TryLater as reason:  # the database's fault; the drop's own were dealt with
                log.warning("not_tended", reason=str(reason))
                return
        if again is not None and again < self._settings.drops[name].poll:
            self.look_soon(name, again)

    def _tidy(self) -> None:
        """Have the drops tended in which the source file of an ended run still lies."""
        try:
            with db.transaction(self._engine) as conn:
                ended = ledger.drops_with_ended(conn)
        except TryLater as reason:
            log.warning("not_tidied", reason=str(reason))
            return
        for name, host in ended:
            if name in self._visits and host == queue.this_host():
                self._soon(name, 0, listing=False)


class _Visits:
    """The visits to one drop, one at a time; what is wanted during one is done after it, once."""

    def __init__(self, tended: Tended) -> None:
        self._tended = tended
        self._busy = threading.Lock()
        self._wanted = threading.Event()
        self._listing = threading.Event()

    def make(self, listing: bool) -> float | None:
        """Tend the drop, or have the visit under way go on; returns in how many seconds to look again, or None."""
        if listing:
            self._listing.set()
        self._wanted.set()
        again = None
        while self._wanted.is_set() and self._busy.acquire(blocking=False):
            try:
                self._wanted.clear()
                wanted = self._listing.is_set()
                self._listing.clear()
                sooner = self._tended.tend(listing=wanted)
                again = sooner if again is None else again if sooner is None else min(again, sooner)
            finally:
                self._busy.release()
        return again

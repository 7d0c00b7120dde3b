"""The schedule: APScheduler says when to look into each drop. It keeps nothing that matters: the ledger does."""

import threading
from datetime import datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from daemon import intake
from daemon.drops import Seen
from daemon.errors import TryLater
from daemon.log import bound, get
from daemon.profiles import Profiles
from daemon.settings import Settings

log = get(__name__)


class Schedule:
    """Looks into every drop at its interval, and at once when told to."""

    def __init__(self, engine: Engine, settings: Settings, profiles: Profiles) -> None:
        self._engine = engine
        self._settings = settings
        self._profiles = profiles
        self._looks = {name: _Look() for name in settings.drops}
        # A thread for every drop: a sick one, waiting for its time-out, holds up none of the others.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(2 * len(settings.drops) + 2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )

    def start(self) -> None:
        """Begin, with a first look into each drop now."""
        for name, drop in self._settings.drops.items():
            self._scheduler.add_job(
                self.look,
                "interval",
                [name],
                id=name,
                seconds=drop.poll,
                jitter=drop.poll / 10,
                next_run_time=datetime.now().astimezone(),
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Look no more; a look under way ends by itself."""
        self._scheduler.shutdown(wait=False)

    def look(self, name: str) -> None:
        """Look into a drop now, in the caller's thread; if somebody else is looking, have them look once more."""
        look = self._looks[name]
        look.wanted.set()
        while look.wanted.is_set() and look.busy.acquire(blocking=False):
            try:
                look.wanted.clear()
                self._poll(name, look)
            finally:
                look.busy.release()

    def look_soon(self, name: str, seconds: float = 0) -> None:
        """Have a drop looked into after `seconds`, beside its interval."""
        at = datetime.now().astimezone() + timedelta(seconds=seconds)
        self._scheduler.add_job(self.look, "date", [name], id=f"{name} soon", run_date=at, replace_existing=True, max_instances=3)

    def _poll(self, name: str, look: "_Look") -> None:
        with bound(drop=name):
            try:
                again = intake.poll(self._engine, self._settings, self._profiles, name, look.seen)
            except TryLater as reason:
                if str(reason) != look.fault:
                    log.warning("drop_fault", reason=str(reason))
                look.fault = str(reason)
                return
            if look.fault:
                log.info("drop_well_again")
            look.fault = ""
            if again is not None and again < self._settings.drops[name].poll:
                self.look_soon(name, again)


class _Look:
    """The looks into one drop: what they saw, and the fault the last one ended in."""

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self.wanted = threading.Event()
        self.seen = Seen()
        self.fault = ""

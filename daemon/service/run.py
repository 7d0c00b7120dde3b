"""The service: composes database, schedule, watch, worker and pages into one command, and takes them down in order."""

import contextlib
import os
import queue
import socket
import threading
from pathlib import Path
from typing import Protocol

from daemon import db, settings
from daemon.errors import SetupFault
from daemon.log import get
from daemon.profiles import Profiles
from daemon.service import pages, worker
from daemon.service.child import Child, stop_on_signal
from daemon.service.schedule import Schedule
from daemon.service.watch import Watch
from daemon.settings import Settings

log = get(__name__)


def run(home: Path) -> None:
    """Serve until SIGTERM or SIGINT; anew when the settings are changed. Raises SetupFault when a part cannot work."""
    stop = threading.Event()
    current: Settings | None = settings.load(home)
    while current:
        current = _serve(current, stop)


def _serve(current: Settings, stop: threading.Event) -> Settings | None:
    """Serve with one state of the settings; returns the next one, or None when `stop` is set."""
    reports: queue.Queue[str] = queue.Queue()
    importing = Child(current, "worker", grace=worker.GRACE_SECONDS + 5)
    showing = Child(current, "pages", grace=10, heard=reports.put)
    with db.opened(current, own=True) as engine:  # a signal before this is done ends us: nothing has begun
        stop_on_signal(stop)
        schedule = Schedule(engine, current, Profiles(current.profiles))
        started: list[_Part] = []
        changes = _Changes(current)
        try:
            parts: tuple[_Part, ...] = (showing, importing, schedule, Watch(current, schedule.look_soon))
            for part in parts:
                part.start()
                started.append(part)
            while not stop.is_set():
                with contextlib.suppress(queue.Empty):
                    _heed(reports.get(timeout=0.5), current, schedule)
                for child in (showing, importing):
                    child.tend()
                if changed := changes.next():
                    log.info("settings_changed")
                    return changed
            return None
        finally:
            _tell_systemd("STOPPING=1" if stop.is_set() else "RELOADING=1")
            for part in reversed(started):
                part.stop()
            log.info("service_stopped")


def _heed(report: str, current: Settings, schedule: Schedule) -> None:
    """Do what the pages say that there is to do."""
    if report == pages.SERVING:
        _tell_systemd("READY=1")
        log.info("service_ready", drops=list(current.drops), pages=current.web.public_url)
    elif (drop := report.removeprefix(pages.LOOK)) in current.drops:
        schedule.look_soon(drop)


class _Changes:
    """Notices when the settings' file says something else; while that is no settings, the last good ones stay in force."""

    def __init__(self, current: Settings) -> None:
        self._current = current
        self._file = current.home / settings.FILE
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            found = self._file.stat()
            return found.st_mtime_ns, found.st_size
        return None

    def next(self) -> Settings | None:
        """The new settings, once, when there are any."""
        if (stamp := self._stamp()) in (self._seen, None):
            return None
        self._seen = stamp
        try:
            changed = settings.load(self._current.home)
        except SetupFault as error:
            log.warning("settings_invalid", mistakes=str(error))
            return None
        return None if changed == self._current else changed


class _Part(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


def _tell_systemd(state: str) -> None:
    """Tell a service manager that asked for it how we are (sd_notify(3))."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect("\0" + address[1:] if address.startswith("@") else address)
            out.send(state.encode())

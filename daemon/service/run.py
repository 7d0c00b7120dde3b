"""The service: composes database, schedule, watch, worker and pages into one command, and takes them down in order."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from typing import Protocol

from daemon import db
from daemon.errors import SetupFault
from daemon.log import get
from daemon.profiles import Profiles
from daemon.service import worker
from daemon.service.schedule import Schedule
from daemon.service.watch import Watch
from daemon.settings import Settings
from daemon.web import Pages

log = get(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SetupFault when a part of the service cannot work."""
    stop = threading.Event()
    child = _Child(settings)
    with db.opened(settings, own=True) as engine:  # a signal before this is done ends us: nothing has begun
        worker.stop_on_signal(stop)
        profiles = Profiles(settings.profiles)
        schedule = Schedule(engine, settings, profiles)
        pages = Pages(engine, settings, profiles, schedule.look_soon)
        watch = Watch(settings, schedule.look_soon)
        started: list[_Part] = []
        try:
            parts: tuple[_Part, ...] = (pages, child, schedule, watch)
            for part in parts:
                part.start()
                started.append(part)
            _tell_systemd("READY=1")
            log.info("service_ready", drops=list(settings.drops), pages=settings.web.public_url)
            while not stop.wait(0.5):
                child.tend()
                if pages.failed:
                    raise SetupFault(
                        f"no pages can be served on {settings.web.listen}: is the port taken? [web] listen names another"
                    )
        finally:
            _tell_systemd("STOPPING=1")
            for part in reversed(started):
                part.stop()
            log.info("service_stopped")


class _Part(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


class _Child:
    """The worker, as a child process: started again when it dies."""

    def __init__(self, settings: Settings) -> None:
        self._command = [sys.executable, "-m", "daemon", "--home", str(settings.home), "worker", "--child"]
        self._process = self._prepared()

    def _prepared(self) -> "subprocess.Popen[bytes]":
        """The process, loading its modules; it ends when our end of its stdin closes, even if that is because we were killed."""
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, process_group=0)

    def start(self) -> None:
        """Let it begin: the database is there."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"go")
            self._process.stdin.flush()

    def tend(self) -> None:
        """See that it is there."""
        if self._process.poll() is not None:
            log.warning("worker_died", status=self._process.returncode)
            self._process = self._prepared()
            self.start()

    def stop(self) -> None:
        """Have it finish what it is doing, or be killed."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(worker.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _tell_systemd(state: str) -> None:
    """Tell a service manager that asked for it how we are (sd_notify(3))."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect("\0" + address[1:] if address.startswith("@") else address)
            out.send(state.encode())

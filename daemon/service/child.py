"""A part of the service that is a process of its own, so that nothing done to it brings down the rest."""

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Literal

from daemon.errors import SetupFault
from daemon.log import get
from daemon.settings import Settings

log = get(__name__)


class Child:
    """A command of ours, started again when it dies. It ends when our end of its stdin closes, even if that is because we were
    killed; each line that it prints is `heard`.
    """

    def __init__(
        self, settings: Settings, command: Literal["worker", "pages"], grace: float, heard: Callable[[str], None] | None = None
    ) -> None:
        self._name, self._grace, self._heard = command, grace, heard
        self._silent = heard is not None
        """Whether it has not yet said a word, of one that is heard."""
        self._command = [sys.executable, "-m", "daemon", "--home", str(settings.home), command, "--child"]
        self._process = self._prepared()

    def _prepared(self) -> "subprocess.Popen[str]":
        """The process, loading its modules."""
        out = subprocess.PIPE if self._heard else None
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=out, process_group=0, text=True)

    def start(self) -> None:
        """Let it begin: the database is there."""
        assert self._process.stdin
        if self._heard:
            threading.Thread(target=self._hear, args=(self._process,), daemon=True, name=self._name).start()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("go")
            self._process.stdin.flush()

    def _hear(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        assert self._heard
        for line in process.stdout:
            self._silent = False
            self._heard(line.rstrip("\n"))

    def tend(self) -> None:
        """See that it is there. Raises SetupFault when it ended before it had said anything: then it would again."""
        if (status := self._process.poll()) is None:
            return
        if self._silent:
            raise SetupFault(f"the {self._name} cannot be served; why stands above")
        log.warning(f"{self._name}_died", status=status)
        self._process = self._prepared()
        self.start()

    def stop(self) -> None:
        """Have it finish what it is doing, or be killed."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(self._grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def let_begin() -> bool:
    """In the child: wait until the service has what its parts need; False when it ended instead."""
    return sys.stdin.buffer.read(2) == b"go"


def stop_on_signal(stop: threading.Event, watch_parent: bool = False) -> None:
    """Set `stop` on SIGTERM and SIGINT; as a child process, also when the parent's end of stdin closes."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if watch_parent:
        threading.Thread(target=_until_orphaned, args=(stop,), daemon=True).start()


def _until_orphaned(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()

"""The sandbox: a child process without credentials, files or network, under limits, that opens what may be hostile."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from daemon.errors import FileRefused, Refusal
from daemon.log import get
from daemon.reading.source import open_bytes
from daemon.settings import Sandbox

log = get(__name__)

_PACKED = 4
"""How many times smaller a file is in the archive, at most as a rule."""


def rows(path: Path, limits: Sandbox, task: str, **order: Any) -> Iterator[pa.RecordBatch]:
    """The rows of a table as `daemon.sandboxed.stream` writes them. Raises FileRefused when the task fails or dies."""
    broken = None
    with child(path, limits, task, **order) as (answer, clock):
        try:
            with pa.ipc.open_stream(answer) as batches:
                for batch in batches:
                    with clock.paused():
                        yield batch
        except (pa.ArrowInvalid, OSError) as error:
            broken = error  # the child's status, looked at next, says why
    if broken:
        raise FileRefused(Refusal.UNREADABLE, "not_read_whole", fault=str(broken))


def confinement(limits: Sandbox) -> str:
    """What the kernel keeps the child process from, beside its limits, in a few words."""
    with child(Path(os.devnull), limits, "confine.told") as (answer, _):
        return answer.read().decode()


@contextmanager
def child(path: Path, limits: Sandbox, task: str, **order: Any) -> Iterator[tuple[IO[bytes], "_Clock"]]:
    """What the child process answers to a task of `daemon.sandboxed` on a file, and the clock of its wall time.

    Raises FileRefused when it fails or dies, and TryLater when the file could not be read to its end.
    """
    limits = limits.for_size(path.stat().st_size * (_PACKED if path.suffix == ".zst" else 1))
    module, _, function = task.partition(".")
    arguments = json.dumps({"module": module, "task": function, "limits": limits.model_dump(), **order})
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "daemon.sandboxed", arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
    )
    clock = _Clock(limits.wall_seconds, process)
    with ThreadPoolExecutor(1, "feeder") as thread:
        fed = thread.submit(_feed, path, process)
        assert process.stdout
        assert process.stderr
        try:
            yield process.stdout, clock
            process.stdout.read()
            status = process.wait()
        finally:
            clock.stop()
            process.kill()
            process.stdout.close()
            message = process.stderr.read(4096).decode(errors="replace").strip()
            process.stderr.close()
            process.wait()
    fed.result()
    if status:
        raise _refusal(status, message, limits)


class _Clock:
    """Kills a process that takes too long; the time that others take does not count."""

    def __init__(self, seconds: float, process: subprocess.Popen[bytes]) -> None:
        self._left = seconds
        self._process = process
        self._go()

    def _go(self) -> None:
        self._since = time.monotonic()
        self._timer = threading.Timer(self._left, self._process.kill)
        self._timer.start()

    def stop(self) -> None:
        """Count no more."""
        self._timer.cancel()
        self._left = max(self._left - (time.monotonic() - self._since), 0.001)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count no time in the block."""
        self.stop()
        yield
        self._go()


def _feed(path: Path, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    with suppress(BrokenPipeError, _Gone), process.stdin as pipe, open_bytes(path) as file:  # a dead child's status tells
        while chunk := file.read(1 << 20):
            _write(pipe, chunk)


def _write(pipe: IO[bytes], chunk: bytes) -> None:
    try:
        pipe.write(chunk)
    except BrokenPipeError as error:
        raise _Gone from error


class _Gone(Exception):
    """The child takes no more."""


def _refusal(status: int, message: str, limits: Sandbox) -> FileRefused:
    if status == 3:
        code, said, values = json.loads(message.splitlines()[-1])  # what a library printed of its own stands above
        return FileRefused(Refusal(code), said, **values)
    log.warning("sandboxed_child_died", status=status, stderr=message)
    within = {"memory_mb": limits.memory_mb, "cpu_seconds": limits.cpu_seconds or 0, "wall_seconds": limits.wall_seconds}
    return FileRefused(Refusal.UNREADABLE, "not_opened_within", **within)

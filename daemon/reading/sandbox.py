"""The sandbox: a child process without credentials, files or network, under limits, that opens what may be hostile."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from daemon.errors import FileRefused, Refusal
from daemon.log import get
from daemon.reading.source import open_bytes
from daemon.settings import Sandbox

log = get(__name__)


def rows(path: Path, limits: Sandbox, task: str, **order: Any) -> Iterator[pa.RecordBatch]:
    """The rows of a table as `daemon.sandboxed.stream` writes them. Raises FileRefused when the task fails or dies."""
    with child(path, limits, task, **order) as answer:
        try:
            with pa.ipc.open_stream(answer) as batches:
                yield from batches
        except (pa.ArrowInvalid, OSError):
            pass  # cut short: the child's status, looked at next, says why


@contextmanager
def child(path: Path, limits: Sandbox, task: str, **order: Any) -> Iterator[IO[bytes]]:
    """What the child process answers to a task of `daemon.sandboxed` on a file. Raises FileRefused when it fails or dies."""
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
    clock = threading.Timer(limits.wall_seconds, process.kill)
    clock.start()
    feeder = threading.Thread(target=_feed, args=(path, process), daemon=True)
    feeder.start()
    assert process.stdout
    assert process.stderr
    try:
        yield process.stdout
        process.stdout.read()
        status = process.wait()
    finally:
        clock.cancel()
        process.kill()
        process.stdout.close()
        feeder.join()
        message = process.stderr.read(4096).decode(errors="replace").strip()
        process.stderr.close()
        process.wait()
    if status:
        raise _refusal(status, message, limits)


def _feed(path: Path, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    try:
        with open_bytes(path) as file, process.stdin as pipe:
            while chunk := file.read(1 << 20):
                pipe.write(chunk)
    except BrokenPipeError:
        pass  # the child died first; its status tells


def _refusal(status: int, message: str, limits: Sandbox) -> FileRefused:
    if status == 3:
        code, _, detail = message.partition(": ")
        return FileRefused(Refusal(code), detail)
    log.warning("sandboxed_child_died", status=status, stderr=message)
    within = f"within {limits.memory_mb} MB, {limits.cpu_seconds} s of CPU and {limits.wall_seconds:g} s"
    return FileRefused(Refusal.UNREADABLE, f"it could not be opened {within}")

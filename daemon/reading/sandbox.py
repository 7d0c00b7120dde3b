"""The sandbox: a child process without credentials, files or network, under limits, that opens what may be hostile."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from daemon.errors import FileRefused, Refusal
from daemon.log import get
from daemon.reading.packed import open_bytes
from daemon.settings import Sandbox

log = get(__name__)

_SCRIPT = Path(__file__).with_name("workbook.py")


def sheet(path: Path, wanted: str | int | None, limits: Sandbox) -> Iterator[pa.RecordBatch]:
    """The rows of one sheet of a workbook, as `workbook.py` writes them. Raises FileRefused when it fails or dies."""
    arguments = json.dumps(limits.model_dump() | {"sheet": wanted})
    child = subprocess.Popen(
        [sys.executable, "-I", _SCRIPT, arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
    )
    clock = threading.Timer(limits.wall_seconds, child.kill)
    clock.start()
    feeder = threading.Thread(target=_feed, args=(path, child), daemon=True)
    feeder.start()
    assert child.stdout
    assert child.stderr
    try:
        with pa.ipc.open_stream(child.stdout) as batches:
            yield from batches
        status = child.wait()
    except (pa.ArrowInvalid, OSError):
        status = child.wait()
    finally:
        clock.cancel()
        child.kill()
        child.stdout.close()
        feeder.join()
        message = child.stderr.read(4096).decode(errors="replace").strip()
        child.stderr.close()
        child.wait()
    if status:
        raise _refusal(status, message, limits)


def _feed(path: Path, child: subprocess.Popen[bytes]) -> None:
    assert child.stdin
    try:
        with open_bytes(path) as file, child.stdin as pipe:
            while chunk := file.read(1 << 20):
                pipe.write(chunk)
    except BrokenPipeError:
        pass  # the child died first; its status tells


def _refusal(status: int, message: str, limits: Sandbox) -> FileRefused:
    if status == 3:
        code, _, detail = message.partition(": ")
        return FileRefused(Refusal(code), detail)
    log.warning("workbook_child_died", status=status, stderr=message)
    within = f"within {limits.memory_mb} MB, {limits.cpu_seconds} s of CPU and {limits.wall_seconds} s"
    return FileRefused(Refusal.UNREADABLE, f"the workbook could not be opened {within}")

"""Files that hold others: gzip and zip, unpacked by the sandbox."""

import json
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Literal

from daemon.errors import FileRefused, TryLater
from daemon.reading import sandbox
from daemon.reading.source import open_bytes
from daemon.settings import Sandbox

_WORKBOOK = (
    b"[Content_Types].xml",
    b"xl/",
    b"xl\\",
    b"_rels/",
    b"docProps",
    b"workbook.xml",
    b"mimetypeapplication/vnd.oasis.opendocument",
)


def packing(path: Path) -> Literal["gzip", "zip"] | None:
    """How a file is packed; a workbook, which is a zip too, is not."""
    with open_bytes(path) as file:
        head = file.read(1 << 12)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zip" if head.startswith(b"PK\x03\x04") and not any(mark in head for mark in _WORKBOOK) else None


def members(path: Path, limits: Sandbox) -> list[str]:
    """The names of the files in a zip; none for what is not one. Raises FileRefused when it cannot be opened."""
    if packing(path) != "zip":
        return []
    with sandbox.child(path, limits, "zipped.members") as (answer, _):
        found = answer.read()
    names: list[str] = json.loads(found)
    return names


def mark_of(path: Path, limits: Sandbox) -> str:
    """What we wrote into a workbook that we made, to know it by; '' where that is not there."""
    with open_bytes(path) as file:
        if not file.read(4).startswith(b"PK\x03\x04") or packing(path) == "zip":
            return ""
    with suppress(FileRefused), sandbox.child(path, limits, "zipped.mark") as (answer, _):  # whoever reads it says what is wrong
        return answer.read().decode("ascii")
    return ""


def unpack(path: Path, member: str | None, limits: Sandbox) -> IO[bytes]:
    """A packed file's content, or one member's, as a temporary file that goes when it is closed.

    Raises FileRefused when it cannot be opened within the limits, or it is not clear which member is meant.
    """
    task = {"task": "zipped.unzip", "member": member} if packing(path) == "zip" else {"task": "zipped.gunzip"}
    try:
        with ExitStack() as stack:
            content = stack.enter_context(tempfile.NamedTemporaryFile(prefix="nightporter-"))
            with sandbox.child(path, limits, **task) as (answer, _):
                shutil.copyfileobj(answer, content, 1 << 20)
            content.flush()
            stack.pop_all()
            return content
    except OSError as error:
        raise TryLater(f"unpacking: {error}") from error

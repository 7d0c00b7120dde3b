"""What every drop can do, and which class is behind which kind."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, Self

from daemon.drops.names import plain
from daemon.errors import NotAllowed
from daemon.log import get
from daemon.model import RemoteFile, shown
from daemon.settings import DropSettings

log = get(__name__)

_LONGEST_PATH = 600
"""Characters that the ledger's keys have room for."""


class Listing(NamedTuple):
    """What is in one folder of a drop: its regular files, named by their paths in the drop, and its folders' names."""

    files: list[RemoteFile]
    folders: list[str]


class Drop(Protocol):
    """One drop. It is connected while it is entered, and may be entered again.

    Every method raises TryLater when the world is at fault, and NotAllowed when the server answers and says no. Paths are
    relative to the drop's folder, with `/` between plain segments; they were listed by the drop, or made of our own names.
    """

    @property
    def greeting(self) -> str:
        """What the server says of itself; '' where there is none."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

    def list(self, folder: str = "") -> Listing:
        """What is in a folder of the drop, markers among it. Links, pipes and devices are not."""
        ...

    def stat(self, path: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file."""
        ...

    def read(self, file: RemoteFile) -> AbstractContextManager[Iterator[bytes]]:
        """The file's bytes, in chunks. Raises Vanished when it is not there."""
        ...

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Make a new file."""
        ...

    def move(self, path: str, to: str) -> bool:
        """Rename within the drop, making folders as needed; False, and nothing done, when something is at `to` already.

        Raises Vanished when nothing is at `path`.
        """
        ...

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        ...


def walk(drop: Drop, settings: DropSettings, folder: str = "", level: int = 0) -> list[RemoteFile]:
    """The files of a drop, and of its subfolders as deep as its settings say; never those of our own folders.

    A name that is not one plain segment is left alone and logged: it could only be meant to lead astray.
    """
    try:
        found = drop.list(folder)
    except NotAllowed as fault:
        if not folder:
            raise
        log.warning("folder_left_alone", folder=shown(folder), reason=str(fault))
        return []
    prefix = f"{folder}/" if folder else ""
    files = [file for file in found.files if _is_plain(file.name.removeprefix(prefix)) and _is_plausible(file)]
    if level < settings.depth:
        for inner in sorted(found.folders):
            if _is_plain(inner) and not (level == 0 and inner.casefold() in settings.never_listed):
                files += walk(drop, settings, prefix + inner, level + 1)
    return files


def _is_plausible(file: RemoteFile) -> bool:
    return len(file.name) <= _LONGEST_PATH and 0 <= file.size < 1 << 63 and abs(file.mtime) < 1 << 63


def _is_plain(name: str) -> bool:
    if not plain(name):
        log.warning("name_left_alone", name=shown(name))
    return plain(name)

"""What every drop can do, and what its kind answers for."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Protocol, Self

from daemon.drops.names import plain
from daemon.errors import NotAllowed
from daemon.log import get
from daemon.model import RemoteFile, shown
from daemon.settings import DropSettings

log = get(__name__)

_LONGEST_PATH = 2400
"""Bytes that the ledger's keys have room for: any name, however it is escaped, and some folders."""


class Listing(NamedTuple):
    """What is in one folder of a drop: its regular files, named by their paths in the drop, and its folders' names."""

    files: list[RemoteFile]
    folders: list[str]


class Step(NamedTuple):
    """One thing that was tried on the way to a drop's files: whether it works, what there is to say, what to do if not."""

    ok: bool
    detail: str
    remedy: str = ""


class Proof(NamedTuple):
    """What a server proves itself by: a host key as known_hosts has it, or a certificate in PEM; and its fingerprint."""

    kind: Literal["host_key", "certificate"]
    text: str
    fingerprint: str


class Drop(Protocol):
    """One drop. It is connected while it is entered, and may be entered again.

    What its kind answers for is that of a folder on a server, where a kind does not say otherwise.

    Every method raises TryLater when the world is at fault, and NotAllowed when the server answers and says no. Paths are
    relative to the drop's folder, with `/` between plain segments; they were listed by the drop, or made of our own names.
    """

    @property
    def greeting(self) -> str:
        """What the server says of itself; '' where there is none."""
        ...

    is_shared: ClassVar[bool] = True
    """Whether any machine finds the same files there, and may take over what another one's has begun."""
    is_ours: ClassVar[bool] = False
    """Whether nobody but we write there, so that there is nothing to set up wrongly."""
    ticks: ClassVar[float] = 1
    """Of its files' mtimes in a second."""
    watched: Path | None = None
    """The folder in which this machine hears of changes."""

    def way(self) -> Iterator[Step]:
        """Try what comes before entering it, as far as it goes."""
        yield from ()

    def door(self) -> Iterator[Step]:
        """What entering it has shown."""
        yield from ()

    def shown_keys(self) -> list[str]:
        """What it is logged in to with beside what its settings and secrets say. Raises TryLater."""
        return []

    def served_proof(self) -> Proof | None:
        """What its server proves itself by now, whatever is pinned; None for a kind that has nothing. Raises TryLater."""
        return None

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
    plausible = len(file.name.encode()) <= _LONGEST_PATH and 0 <= file.size < 1 << 63 and abs(file.mtime) < 1 << 63
    if not plausible:
        log.warning("file_left_alone", name=shown(file.name), size=file.size, mtime=file.mtime)
    return plausible


def _is_plain(name: str) -> bool:
    if not plain(name):
        log.warning("name_left_alone", name=shown(name))
    return plain(name)

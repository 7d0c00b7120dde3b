"""What every drop can do, and what is done the same way over all of them."""

import fnmatch
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Protocol, Self

from daemon import archive
from daemon.errors import TryLater, Vanished
from daemon.model import Fetched, RemoteFile
from daemon.settings import DropSettings, LocalDrop, Settings


class Drop(Protocol):
    """One drop, connected to. Every method raises TryLater when the world is at fault.

    Names are single path segments as the server lists them; `to` of `move` may have folders in it.
    """

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

    def list(self) -> list[RemoteFile]:
        """The regular files in the drop's folder, markers among them."""
        ...

    def stat(self, name: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file."""
        ...

    def read(self, file: RemoteFile) -> AbstractContextManager[Iterator[bytes]]:
        """The file's bytes, in chunks. Raises Vanished when it is not there."""
        ...

    def move(self, name: str, to: str) -> bool:
        """Rename within the drop, making folders as needed; False, and nothing done, when something is at `to` already."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file, if it is there. Used for markers only."""
        ...


def open_drop(name: str, drop: DropSettings, settings: Settings) -> Drop:
    """Connect to a drop."""
    if isinstance(drop, LocalDrop):
        from daemon.drops.local import Local

        return Local(settings.path(drop.path))
    from daemon.drops.sftp import Sftp

    return Sftp(name, drop, settings)


def fetch(drop: Drop, file: RemoteFile, folder: Path, arrival_id: int) -> Fetched:
    """Copy a file's bytes into the archive. Raises Vanished when it is no longer the one that was seen."""
    with drop.read(file) as chunks:
        fetched = archive.keep(folder, arrival_id, chunks)
    if drop.stat(file.name) != file:
        raise Vanished(f"{file.name} changed while it was fetched")
    if fetched.size != file.size:
        raise TryLater(f"{file.name}: {fetched.size} bytes came of {file.size}")
    return fetched


def dispose(drop: Drop, file: RemoteFile, folder: str, run_id: int, marker: str | None) -> str:
    """Move a file that was imported or refused out of the way, and its marker with it; says where it went.

    A file that is not the one that was seen stays: it is a new arrival. The name in the folder gets the run's id when
    it is taken.
    """
    names = (file.name, _with_run(file.name, run_id))

    def moved_to(name: str) -> bool:
        there = drop.stat(f"{folder}/{name}")
        return there is not None and (there.size, there.mtime) == (file.size, file.mtime)

    if (now := drop.stat(file.name)) != file:
        earlier = [f"{folder}/{name}" for name in names if moved_to(name)]  # by an attempt that died before it could say so
        return "replaced" if now else (earlier or ["gone"])[0]
    if marker:
        drop.remove(marker_of(file.name, marker))
    for name in names:
        if drop.move(file.name, f"{folder}/{name}"):
            if moved_to(name):
                return f"{folder}/{name}"
            drop.move(f"{folder}/{name}", file.name)  # another file had taken the name since we looked
            return "replaced"
    raise TryLater(f"{file.name}: both its names are taken in {folder}")


def marker_of(name: str, marker: str) -> str:
    """The name of the marker file that says that `name` is complete."""
    return marker.replace("{name}", name).replace("{stem}", PurePosixPath(name).stem)


def ignored(name: str, patterns: list[str]) -> bool:
    """Whether a name is none of ours: by the drop's patterns, or because it is not one plain path segment."""
    unsafe = name in ("", ".", "..") or "/" in name or "\0" in name or name.encode(errors="replace").decode() != name
    return unsafe or any(fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _with_run(name: str, run_id: int) -> str:
    path = PurePosixPath(name)
    return f"{path.stem}.run-{run_id}{path.suffix}"

"""What is done with one file of a drop, the same way over all of them: set it aside, fetch it, give it back, put it away."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

from daemon import archive
from daemon.drops.base import Drop
from daemon.drops.names import numbered
from daemon.errors import NotAllowed, TryLater, Vanished
from daemon.model import Fetched, RemoteFile
from daemon.settings import ASIDE, Afterwards


def set_aside(drop: Drop, file: RemoteFile, arrival_id: int) -> str:
    """Set a file aside by a rename, so that a name which the ERP uses again is never mixed up with it; returns its path.

    Where the server does not allow that, the file stays, and its path is its own. Raises Vanished when it is not the one
    that was seen.
    """
    aside = f"{ASIDE}/{numbered(file.name, arrival_id)}"
    try:
        if drop.stat(file.name) != file:
            raise Vanished(f"{file.name} is not the file that was seen")
        if not drop.move(file.name, aside):
            if drop.stat(file.name) == file:
                return file.name
            raise Vanished(f"{file.name} went since it was seen")
    except NotAllowed:
        return file.name
    except Vanished:
        if drop.stat(aside) == replace(file, name=aside):  # set aside by another process, or by one that died since
            return aside
        raise
    return aside


def fetch(drop: Drop, file: RemoteFile, path: str, folder: Path, arrival_id: int) -> Fetched:
    """Copy a file's bytes from where it is now into the archive. Raises Vanished when it is no longer the one that was seen."""
    there = replace(file, name=path)
    try:
        with drop.read(there) as chunks:
            fetched = archive.keep(folder, arrival_id, _at_most(chunks, file))
    except TryLater:
        if drop.stat(path) != there:
            raise Vanished(f"{file.name} changed while it was fetched") from None
        raise
    try:
        if drop.stat(path) != there:
            raise Vanished(f"{file.name} changed while it was fetched")
        if fetched.size != file.size:
            raise TryLater(f"{file.name}: {fetched.size} bytes came of {file.size}")
    except BaseException:
        fetched.path.unlink(missing_ok=True)
        raise
    return fetched


def _at_most(chunks: Iterator[bytes], file: RemoteFile) -> Iterator[bytes]:
    """The chunks, but not more bytes than were listed: an endless file must not fill the archive."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > file.size:
            raise Vanished(f"{file.name} grew while it was fetched")
        yield chunk


def give_back(drop: Drop, file: RemoteFile, path: str, run_id: int) -> None:
    """Give a file that was set aside its name back, or one beside it when another file has that by now: it is a new arrival."""
    if path != file.name:
        folder = file.name.rpartition("/")[0]
        beside = numbered(file.name, run_id, after=True)
        with suppress(Vanished):
            drop.move(path, file.name) or drop.move(path, f"{folder}/{beside}" if folder else beside)


def still(drop: Drop, file: RemoteFile, path: str, sha256: str) -> bool | None:
    """Whether what is at `path` is the file that was imported; None when nothing is there.

    A file that was not set aside is read once more: another one of its size may have been written in the same second.
    """
    there = replace(file, name=path)
    if (now := drop.stat(path)) != there:
        return None if now is None else False
    if path != file.name:
        return True
    try:
        with drop.read(there) as chunks:
            return archive.digest(chunks) == sha256
    except Vanished:
        return None


def put_away(
    drop: Drop,
    file: RemoteFile,
    path: str,
    run_id: int,
    how: Afterwards,
    folder: str,
    sha256: str,
    companions: Sequence[str] = (),
) -> str:
    """Do with an imported or refused file what its drop says; returns where it is, or what became of it.

    A file that is not the one that was imported stays in the drop: it is a new arrival.
    """
    folder = folder.format(date=f"{date.today():%Y-%m-%d}", run=run_id)
    names = [f"{folder}/{name}" for name in (file.name.rpartition("/")[2], numbered(file.name, run_id, after=True))]
    same = still(drop, file, path, sha256)
    if same is None:
        return _found(drop, file, names, how)
    if not same:
        give_back(drop, file, path, run_id)
        return "replaced"
    if how == "leave":
        return "left"
    for companion in companions if path == file.name else ():
        drop.remove(companion)
    if how == "delete":
        drop.remove(path)
        return "deleted"
    try:
        for name in names:
            if drop.move(path, name):
                return name
    except Vanished:
        return _found(drop, file, names, how)
    raise TryLater(f"{file.name}: both its names are taken in {folder}")


def _found(drop: Drop, file: RemoteFile, names: list[str], how: Afterwards) -> str:
    """Where a file went that is not where it was: another process may have moved it, or one that died before it said so."""
    moved = [name for name in names if how == "move" and drop.stat(name) == replace(file, name=name)]
    return (moved or ["gone"])[0]

"""A drop that is a folder of this machine."""

import ctypes
import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from daemon.drops.base import Drop, Listing
from daemon.drops.names import as_bytes, as_text
from daemon.errors import NotAllowed, TryLater, Vanished
from daemon.model import RemoteFile
from daemon.settings import LocalDrop, Settings

_CHUNK = 1 << 20
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EXDEV)


class Local(Drop):
    """A local folder. Links, pipes and devices in it are never touched; mtimes are in nanoseconds."""

    is_shared = False
    ticks = 1e9
    greeting = ""

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self._root = os.fsencode(path)
        self._encoding = encoding
        self.watched: Path | None = path

    @classmethod
    def of(cls, name: str, drop: LocalDrop, settings: Settings) -> Self:
        """The drop that the settings mean."""
        return cls(settings.path(drop.path), drop.name_encoding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def list(self, folder: str = "") -> Listing:
        """What is in a folder."""
        files, folders = [], []
        with _translated(self._path(folder)), os.scandir(self._path(folder)) as entries:
            for entry in entries:
                name = as_text(entry.name, self._encoding)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                elif file := self.stat(f"{folder}/{name}" if folder else name):
                    files.append(file)
        return Listing(files, folders)

    def stat(self, path: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file."""
        with _translated(self._path(path)):
            try:
                return _entry(path, os.lstat(self._path(path)))
            except (FileNotFoundError, NotADirectoryError):
                return None

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        """The file's bytes. Looked at again through the open descriptor, so that a swap is caught."""
        path = self._path(file.name)
        with _translated(path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ELOOP):
                    raise Vanished(file.name) from error
                raise
            with os.fdopen(descriptor, "rb", buffering=0) as opened:
                if _entry(file.name, os.fstat(descriptor)) != file:
                    raise Vanished(f"{file.name} is not the file that was seen")
                yield self._chunks(opened, path)

    def _chunks(self, opened: io.RawIOBase, path: bytes) -> Iterator[bytes]:
        with _translated(path):
            while chunk := opened.read(_CHUNK):
                yield chunk

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Make a new file, never over another, and see that it survives a power cut."""
        target = self._path(path)
        with _translated(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as made:
                for chunk in chunks:
                    made.write(chunk)
                made.flush()
                os.fsync(descriptor)

    def move(self, path: str, to: str) -> bool:
        """Rename within the folder, never over another file, nor through a link that somebody planted there."""
        source, target = self._path(path), self._path(to)
        with _translated(target):
            folder = self._root
            for part in to.split("/")[:-1]:
                folder = os.path.join(folder, as_bytes(part, self._encoding))
                if os.path.islink(folder):
                    raise NotAllowed(f"{os.fsdecode(folder)!a} is a link")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                return _rename(source, target)
            except FileNotFoundError as error:
                raise Vanished(path) from error

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with _translated(self._path(path)), suppress(FileNotFoundError):
            os.unlink(self._path(path))

    def _path(self, path: str) -> bytes:
        return os.path.join(self._root, as_bytes(path, self._encoding)) if path else self._root


_libc = ctypes.CDLL(None, use_errno=True)
_HERE, _NO_REPLACE = -100, 1


def _rename(source: bytes, target: bytes) -> bool:
    """Rename, unless something is at `target`: in one step where the system can (renameat2(2)), else as soon as looked."""
    if hasattr(_libc, "renameat2"):
        if _libc.renameat2(_HERE, source, _HERE, target, _NO_REPLACE) == 0:
            return True
        number = ctypes.get_errno()
        if number == errno.EEXIST:
            return False
        if number not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(number, os.strerror(number))
    if os.path.lexists(target):
        return False
    os.rename(source, target)
    return True


def _entry(path: str, status: os.stat_result) -> RemoteFile | None:
    return RemoteFile(path, status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


@contextmanager
def _translated(path: bytes) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = NotAllowed if error.errno in _NOT_ALLOWED else TryLater
        raise kind(f"{os.fsdecode(path)!a}: {error.strerror or error}") from error

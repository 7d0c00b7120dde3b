"""A drop that is a folder of this machine."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from daemon.errors import TryLater, Vanished
from daemon.model import RemoteFile

_CHUNK = 1 << 20


class Local:
    """A local folder. Links, pipes and devices in it are never touched; mtimes are in nanoseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def list(self) -> list[RemoteFile]:
        """The regular files in the folder."""
        with _translated(self._path), os.scandir(self._path) as entries:
            return [file for entry in entries if (file := self.stat(entry.name))]

    def stat(self, name: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file."""
        with _translated(self._path / name):
            try:
                return _entry(name, os.lstat(self._path / name))
            except FileNotFoundError:
                return None

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        """The file's bytes. Looked at again through the open descriptor, so that a swap is caught."""
        with _translated(self._path / file.name):
            try:
                descriptor = os.open(self._path / file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ELOOP):
                    raise Vanished(file.name) from error
                raise
            with os.fdopen(descriptor, "rb", buffering=0) as opened:
                if _entry(file.name, os.fstat(descriptor)) != file:
                    raise Vanished(f"{file.name} is not the file that was seen")
                yield self._chunks(opened, file.name)

    def _chunks(self, opened: io.RawIOBase, name: str) -> Iterator[bytes]:
        with _translated(self._path / name):
            while chunk := opened.read(_CHUNK):
                yield chunk

    def move(self, name: str, to: str) -> bool:
        """Rename within the folder, never over another file."""
        target = self._path / to
        with _translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(target):
                return False
            os.rename(self._path / name, target)
            return True

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with _translated(self._path / name):
            (self._path / name).unlink(missing_ok=True)


def _entry(name: str, status: os.stat_result) -> RemoteFile | None:
    return RemoteFile(name, status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TryLater(f"{path}: {error.strerror or error}") from error

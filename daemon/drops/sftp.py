"""A drop that is a folder on an SFTP server."""

import errno
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Self

import paramiko

from daemon.drops import paramiko_insides as insides
from daemon.drops import ssh
from daemon.drops.base import Drop, Listing, Proof, Step
from daemon.drops.deadline import within
from daemon.drops.names import as_bytes, as_text
from daemon.drops.reach import reached
from daemon.errors import NotAllowed, SetupFault, TryLater, Vanished
from daemon.model import RemoteFile
from daemon.settings import Settings, SftpDrop

_CHUNK = 255 * 1024
_AHEAD = 64
"""Read requests under way at once. Large ones, for many small ones were slow (measured); and capped, for some servers hang
when they are asked for a whole file."""


class Sftp(Drop):
    """A folder over SFTP. The host key must be one of those pinned, and is checked before any credential is sent."""

    def __init__(self, name: str, drop: SftpDrop, settings: Settings) -> None:
        self._name, self._drop, self._settings = name, drop, settings
        self._where = f"sftp://{drop.host}:{drop.port}/{drop.path.lstrip('/')}"
        self._folders: set[str] = set()
        self._patience = 3 * drop.timeout

    @property
    def greeting(self) -> str:
        """The server's version string."""
        return str(self._transport.remote_version)

    def way(self) -> Iterator[Step]:
        """Try the server's name and port."""
        return reached(self._drop.host, self._drop.port, self._drop.timeout)

    def door(self) -> Iterator[Step]:
        """What the server has proven."""
        yield Step(True, "shows a host key that is pinned")

    def shown_keys(self) -> list[str]:
        """The fingerprints of the agent's keys."""
        return ssh.agent_fingerprints(self._drop)

    def served_proof(self) -> Proof:
        """The host key that the server shows now, whatever is pinned. Raises TryLater."""
        key = ssh.served_key(self._drop)
        return Proof("host_key", str(key), key.fingerprint)

    def __enter__(self) -> Self:
        with self._translated():
            keys = ssh.pinned(self._drop)
            self._transport = ssh.connect(self._drop, keys)
            try:
                with self._within(self._patience):
                    ssh.judge(self._transport, keys)
                    ssh.log_in(self._transport, self._name, self._drop, self._settings)
                    self._sftp = self._opened()
            except BaseException:
                self._transport.close()
                raise
        self._folders.clear()
        return self

    def _opened(self) -> paramiko.SFTPClient:
        sftp = paramiko.SFTPClient.from_transport(self._transport)
        assert sftp is not None
        channel = sftp.get_channel()
        assert channel is not None
        channel.settimeout(self._drop.timeout)
        path = self._bytes(self._drop.path)
        mode = sftp.stat(path).st_mode
        if mode is not None and stat.S_IFMT(mode) and not stat.S_ISDIR(mode):
            raise TryLater("the path is no folder")
        insides.go_to(sftp, path)
        return sftp

    def __exit__(self, *exception: object) -> None:
        self._transport.close()

    def list(self, folder: str = "") -> Listing:
        """What is in a folder."""
        listing = Listing([], [])
        with self._translated(), self._within(self._drop.deadline):
            for name, line, status in insides.entries(self._sftp, self._bytes(folder)):
                self._enter(listing, folder, as_text(name, self._drop.name_encoding), line, status)
        return listing

    def _enter(self, listing: Listing, folder: str, name: str, line: bytes, status: paramiko.SFTPAttributes) -> None:
        kind = _kind(status) or {b"d": stat.S_IFDIR, b"l": stat.S_IFLNK}.get(line[:1], 0)
        if kind == stat.S_IFDIR and name not in (".", ".."):
            listing.folders.append(name)
        elif kind in (0, stat.S_IFREG) and (file := _entry(f"{folder}/{name}" if folder else name, status)):
            listing.files.append(file)

    def stat(self, path: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file."""
        with self._translated(), self._within(self._patience):
            try:
                return _entry(path, self._sftp.lstat(self._bytes(path)))
            except FileNotFoundError:
                return None

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        """The file's bytes, within the drop's deadline for a whole fetch."""
        with self._translated(), self._within(self._drop.deadline):
            try:
                opened = self._sftp.open(self._bytes(file.name), "rb")
            except FileNotFoundError as error:
                raise Vanished(file.name) from error
            with opened:
                yield self._chunks(opened.handle, file.size)

    def _chunks(self, handle: bytes, size: int) -> Iterator[bytes]:
        """The bytes in order, with `_AHEAD` requests under way."""
        with self._translated():
            coming = insides.Reads(self._sftp, handle)
            asked = 0
            while True:
                while asked < size and len(coming) < _AHEAD:
                    coming.ask(asked, min(_CHUNK, size - asked))
                    asked += _CHUNK
                if not len(coming):
                    return
                if not (chunk := coming.next()):
                    raise TryLater("the file ended before its size")
                yield chunk

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Make a new file, never over another."""
        with self._translated(), self._within(self._drop.deadline):
            self._have_folder(path)
            with self._sftp.open(self._bytes(path), "wx") as made:
                for chunk in chunks:
                    made.write(chunk)

    def move(self, path: str, to: str) -> bool:
        """Rename within the folder, never over another file: plain SFTP rename fails on one."""
        with self._translated(), self._within(self._patience):
            if not self._exists(path):
                raise Vanished(path)
            if self._exists(to):
                return False
            with _not_allowed():
                self._have_folder(to)
                self._sftp.rename(self._bytes(path), self._bytes(to))
            return True

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with self._translated(), self._within(self._patience), suppress(FileNotFoundError):
            self._sftp.remove(self._bytes(path))

    def _have_folder(self, path: str) -> None:
        """See that the folders on the way to `path` are there."""
        parts = path.split("/")[:-1]
        for folder in ("/".join(parts[: n + 1]) for n in range(len(parts))):
            if folder not in self._folders and not self._exists(folder):
                self._sftp.mkdir(self._bytes(folder))
            self._folders.add(folder)

    def _exists(self, path: str) -> bool:
        try:
            self._sftp.lstat(self._bytes(path))
        except FileNotFoundError:
            return False
        return True

    def _bytes(self, path: str) -> bytes:
        return as_bytes(path, self._drop.name_encoding)

    def _within(self, seconds: float) -> AbstractContextManager[None]:
        return within(seconds, self._transport.close)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TryLater as error:
            raise error if str(error).startswith(self._where) else type(error)(f"{self._where}: {error}") from error
        except paramiko.ssh_exception.IncompatiblePeer as error:
            raise TryLater(
                f"{self._where}: the server offers only keys or ciphers that are not safe any more: {error}"
            ) from error
        except (paramiko.SSHException, OSError, EOFError, ValueError, TypeError, struct.error, SetupFault) as error:
            denied = isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM)
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise (NotAllowed if denied else TryLater)(f"{self._where}: {said}") from error


@contextmanager
def _not_allowed() -> Iterator[None]:
    """A rename or a folder that the server refuses without saying why (a failure, not supported, read-only)."""
    try:
        yield
    except OSError as error:
        if error.errno is None and not isinstance(error, TimeoutError):
            raise NotAllowed(f"refused: {error}") from error
        raise


def _kind(status: paramiko.SFTPAttributes) -> int:
    """A file's type, as stat has it; 0 when the server does not tell."""
    return stat.S_IFMT(status.st_mode or 0)


def _entry(path: str, status: paramiko.SFTPAttributes) -> RemoteFile | None:
    if _kind(status) not in (0, stat.S_IFREG):
        return None
    return RemoteFile(path, status.st_size or 0, status.st_mtime or 0)

"""A drop that is a folder on an SFTP server."""

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import paramiko

from daemon.errors import SetupFault, TryLater, Vanished
from daemon.model import RemoteFile
from daemon.settings import Settings, SftpDrop

_CHUNK = 255 * 1024
_REQUESTS_AHEAD = 64
"""Read-ahead is capped, for some servers hang without; large requests, for 64 small ones were slow (measured)."""


class Sftp:
    """A folder over SFTP. The host key must be one of those pinned, and is checked before any credential is sent."""

    def __init__(self, name: str, drop: SftpDrop, settings: Settings) -> None:
        self._drop = drop
        self._where = f"sftp://{drop.host}:{drop.port}/{drop.path.lstrip('/')}"
        self._client = paramiko.SSHClient()
        self._client.set_missing_host_key_policy(paramiko.RejectPolicy())
        known = drop.host if drop.port == 22 else f"[{drop.host}]:{drop.port}"
        for line in drop.host_keys:
            try:
                entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{known} {line}")
            except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey, ValueError):
                entry = None
            if entry is None or entry.key is None:
                raise TryLater(f'{self._where}: this is no host key: "{line}"; it looks like "ssh-ed25519 AAAA…"')
            self._client.get_host_keys().add(known, entry.key.get_name(), entry.key)
        try:
            self._sftp = self._log_in(name, settings)
        except TryLater:
            self._client.close()
            raise

    def _log_in(self, name: str, settings: Settings) -> paramiko.SFTPClient:
        drop = self._drop
        with self._translated(), self._within(3 * drop.timeout):
            self._client.connect(
                drop.host,
                drop.port,
                drop.username,
                password=settings.secret(drop.password_file, f"{name}_password") if not drop.key_file else None,
                passphrase=settings.secret(None, f"{name}_passphrase"),
                key_filename=str(settings.path(drop.key_file)) if drop.key_file else None,
                timeout=drop.timeout,
                banner_timeout=drop.timeout,
                auth_timeout=drop.timeout,
                channel_timeout=drop.timeout,
                allow_agent=False,
                look_for_keys=False,
            )
            sftp = self._client.open_sftp()
            channel = sftp.get_channel()
            assert channel is not None
            channel.settimeout(drop.timeout)
            sftp.chdir(drop.path)
            return sftp

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def list(self) -> list[RemoteFile]:
        """The regular files in the folder."""
        with self._translated():
            return [file for status in self._sftp.listdir_attr(".") if (file := _entry(status.filename, status))]

    def stat(self, name: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file."""
        with self._translated():
            try:
                return _entry(name, self._sftp.lstat(name))
            except FileNotFoundError:
                return None

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        """The file's bytes, within the drop's deadline for a whole fetch."""
        with self._translated():
            try:
                opened = self._sftp.open(file.name, "rb")
            except FileNotFoundError as error:
                raise Vanished(file.name) from error
            with self._within(self._drop.deadline), opened:
                opened.MAX_REQUEST_SIZE = _CHUNK
                opened.prefetch(file.size, max_concurrent_requests=_REQUESTS_AHEAD)
                try:
                    yield self._chunks(opened)
                finally:
                    opened._prefetch_extents.clear()  # else paramiko's thread waits for ever for answers that never come

    def _chunks(self, opened: paramiko.SFTPFile) -> Iterator[bytes]:
        with self._translated():
            while chunk := opened.read(_CHUNK):
                yield chunk

    def move(self, name: str, to: str) -> bool:
        """Rename within the folder, never over another file (plain SFTP rename fails on one)."""
        with self._translated():
            folder = ""
            for part in to.split("/")[:-1]:
                folder += part
                if not self._exists(folder):
                    self._sftp.mkdir(folder)
                folder += "/"
            if self._exists(to):
                return False
            self._sftp.rename(name, to)
            return True

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        with self._translated():
            if self._exists(name):
                self._sftp.remove(name)

    def _exists(self, path: str) -> bool:
        try:
            self._sftp.lstat(path)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Hang up after `seconds`: not every step of paramiko's has a time-out, and a trickle passes all that do."""
        clock = threading.Timer(seconds, self._client.close)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except paramiko.BadHostKeyException as error:
            shown = f"{error.key.get_name()} {error.key.get_base64()}"
            raise TryLater(f"{self._where}: the server's host key is not the one pinned; it shows {shown}") from error
        except paramiko.AuthenticationException as error:
            raise TryLater(f"{self._where}: {self._drop.username} was not let in: {error}") from error
        except (paramiko.SSHException, OSError, EOFError, UnicodeError, SetupFault) as error:
            raise TryLater(f"{self._where}: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}") from error


def _entry(name: str, status: paramiko.SFTPAttributes) -> RemoteFile | None:
    if status.st_mode is None or not stat.S_ISREG(status.st_mode):
        return None
    return RemoteFile(name, status.st_size or 0, status.st_mtime or 0)

"""All that is done with paramiko's private names, and why: its own listing and `chdir` take names for UTF-8, which not all are;
its read-ahead stalls, for it takes a moment without requests for the end (measured); and of its login it makes the event that the
server's answer sets only after it has asked, so that a quick answer is waited for in vain (measured, on a busy machine).

`pyproject.toml` caps paramiko's version; `test_paramiko_insides_are_as_we_use_them` notices what a new one does differently.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import paramiko
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.sftp import CMD_CLOSE, CMD_DATA, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READ, CMD_READDIR, int64

from daemon.errors import TryLater

_LISTS_AHEAD = 8


class Transport(paramiko.ServiceRequestingTransport):  # type: ignore[misc]  # paramiko has no types
    """A connection whose login loses no answer, and waits for none longer than `auth_timeout`."""

    _begun: float | None = None
    _accepted = False

    def ensure_session(self) -> None:
        """Ask to be let in; paramiko would wait for ever. Raises SSHException when no answer comes."""
        self._begun = time.monotonic()
        super().ensure_session()

    @property
    def _service_userauth_accepted(self) -> bool:
        """What paramiko asks ten times a second, until it is so."""
        waited = 0.0 if self._begun is None else time.monotonic() - self._begun
        if not self._accepted and (waited > self.auth_timeout or not self.active):
            raise paramiko.SSHException("no answer to the request to log in")
        return self._accepted

    @_service_userauth_accepted.setter
    def _service_userauth_accepted(self, accepted: bool) -> None:
        self._accepted = accepted

    def get_auth_handler(self) -> "_Login":
        """What speaks with the server about the login."""
        return _Login(self)


class _Login(AuthOnlyHandler):  # type: ignore[misc]
    """One that is ready for the answer before it asks."""

    _answered: threading.Event | None = None

    def send_auth_request(self, *asked: Any, **more: Any) -> Any:
        """Ask to be let in, one way."""
        self._answered = threading.Event()
        return super().send_auth_request(*asked, **more)

    @property
    def auth_event(self) -> threading.Event | None:
        """What the answer sets."""
        return self._answered

    @auth_event.setter
    def auth_event(self, made_too_late: threading.Event | None) -> None:
        """Paramiko's own is not used."""


def go_to(sftp: paramiko.SFTPClient, folder: bytes) -> None:
    """Take paths from here on as relative to a folder."""
    sftp._cwd = folder


def entries(sftp: paramiko.SFTPClient, folder: bytes) -> Iterator[tuple[bytes, bytes, paramiko.SFTPAttributes]]:
    """What is in a folder, several requests under way at once: each entry's name, its line as `ls -l` has it, its attributes."""
    kind, answer = sftp._request(CMD_OPENDIR, sftp._adjust_cwd(folder or b"."))
    if kind != CMD_HANDLE:
        raise TryLater("the server gave no handle for the folder")
    handle = answer.get_binary()
    waiting: deque[int] = deque()
    with suppress(EOFError):
        while True:
            while len(waiting) < _LISTS_AHEAD:
                waiting.append(sftp._async_request(type(None), CMD_READDIR, handle))
            kind, answer = sftp._read_response(waiting.popleft())
            if kind != CMD_NAME:
                raise TryLater("the server gave no names")
            for _ in range(answer.get_int()):
                name, line = answer.get_binary(), answer.get_binary()
                yield name, line, paramiko.SFTPAttributes._from_msg(answer)
    for number in waiting:
        with suppress(EOFError):
            sftp._read_response(number)
    sftp._request(CMD_CLOSE, handle)


class Reads:
    """Read requests under way, in the order of the file; whatever the order in which the server answers them."""

    def __init__(self, sftp: paramiko.SFTPClient, handle: bytes) -> None:
        self._sftp, self._handle = sftp, handle
        self._waiting: deque[tuple[int, int, int]] = deque()
        self._early: dict[int, tuple[int, Any]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, offset: int, length: int, first: bool = False) -> None:
        """Ask for a part of the file."""
        number = self._sftp._async_request(self, CMD_READ, self._handle, int64(offset), length)
        (self._waiting.appendleft if first else self._waiting.append)((number, offset, length))

    def next(self) -> bytes:
        """The next part; b'' when the file has ended. What a server leaves out of a part is asked for again."""
        number, offset, length = self._waiting.popleft()
        try:
            kind, answer = self._early.pop(number, None) or self._sftp._read_response(number)
            if kind != CMD_DATA:
                self._sftp._convert_status(answer)
        except EOFError:
            return b""
        data: bytes = answer.get_binary()
        if data and len(data) < length:
            self.ask(offset + len(data), length - len(data), first=True)
        return data

    def _async_response(self, kind: int, answer: Any, number: int) -> None:
        """Called by paramiko with an answer that came before the one it was asked for."""
        self._early[number] = kind, answer

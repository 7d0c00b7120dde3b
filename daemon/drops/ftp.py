"""A drop that is a folder on an FTP server, encrypted (FTPS, explicit or implicit) or, if the settings insist, in the clear."""

import contextlib
import ftplib
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

from daemon.drop_settings import FtpDrop, FtpsDrop
from daemon.drops.base import Listing
from daemon.drops.deadline import within
from daemon.drops.ftp_lines import Entry, fact_line, list_line, moment
from daemon.drops.names import as_bytes, as_text
from daemon.errors import LoginRefused, NotAllowed, SetupFault, TryLater, Vanished, WrongServer
from daemon.log import get
from daemon.model import RemoteFile, shown
from daemon.settings import Settings

log = get(__name__)

_CHUNK = 1 << 18
_UNKNOWN_COMMAND = ("500", "501", "502", "504")
_NOT_THERE = ("550", "553")
_FULL = re.compile("(?i)maximum|too many|try again|limit")
"""What servers say in a 530 that is no word about the password."""


class _Tls(ftplib.FTP_TLS):
    """Python's client, with what servers ask for besides: implicit TLS, and data connections that resume the session."""

    def begin(self, host: str, port: int, implicit: bool) -> None:
        """Connect; with `implicit`, encrypted from the first byte."""
        if not implicit:
            self.connect(host, port)
            return
        self.host = host
        plain = socket.create_connection((host, port), self.timeout)
        self.sock = self.context.wrap_socket(plain, server_hostname=host)
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """A data connection in the control connection's TLS session: proof that both are one client's."""
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.context.wrap_socket(plain, server_hostname=self.host, session=self.sock.session), size


class Ftp:
    """A folder over FTP. Data connections go to the host that was connected to, whatever address the server names."""

    def __init__(self, name: str, drop: FtpsDrop | FtpDrop, settings: Settings) -> None:
        self._name, self._drop, self._settings = name, drop, settings
        implicit = isinstance(drop, FtpsDrop) and drop.implicit
        self._port = drop.port or (990 if implicit else 21)
        self._where = f"{drop.kind}://{drop.host}:{self._port}/{drop.path.lstrip('/')}"
        self._times: dict[str, dict[Entry, int]] = {}
        self._folders: set[str] = set()
        self._data: socket.socket | None = None

    @property
    def greeting(self) -> str:
        """The server's welcome, its first line."""
        return (self._ftp.welcome or "").splitlines()[0]

    def __enter__(self) -> Self:
        self._folders.clear()
        self._ftp = self._client()
        try:
            with self._answering():
                self._connect()
                self._log_in()
                self.features = self._asked_features()
                if "UTF8" in self.features:
                    self._tried("OPTS UTF8 ON")
                self._ftp.cwd(self._wire(self._drop.path))
                self._home = self._ftp.pwd()
                self._ftp.voidcmd("TYPE I")
        except BaseException:
            self._ftp.close()
            raise
        return self

    def _client(self) -> ftplib.FTP:
        # Latin-1 lets every byte through; names are read as the drop's encoding afterwards.
        if isinstance(self._drop, FtpDrop):
            return ftplib.FTP(timeout=self._drop.timeout, encoding="latin-1")
        return _Tls(context=ssl.create_default_context(), timeout=self._drop.timeout, encoding="latin-1")

    def _connect(self) -> None:
        if isinstance(self._drop, FtpDrop) or not isinstance(self._ftp, _Tls):
            self._ftp.connect(self._drop.host, self._port)
            return
        if self._drop.ca_file:
            self._ftp.context = ssl.create_default_context(cafile=self._settings.path(self._drop.ca_file))
        self._ftp.begin(self._drop.host, self._port, self._drop.implicit)
        if not self._drop.implicit:
            self._ftp.auth()
        self._ftp.prot_p()

    def _log_in(self) -> None:
        user = self._wire(self._drop.username)
        password = self._wire(self._settings.secret(self._drop.password_file, f"{self._name}_password") or "")
        try:
            if isinstance(self._ftp, _Tls):
                self._ftp.login(user, password, secure=False)
            else:
                self._ftp.login(user, password)
        except ftplib.error_perm as error:
            if _FULL.search(str(error)):
                raise TryLater(f"the server has no room for us: {error}") from error
            raise LoginRefused(f"{self._drop.username} was not let in: {error}") from error

    def _asked_features(self) -> set[str]:
        return {line.strip().split(" ")[0].upper() for line in (self._tried("FEAT") or "").splitlines()[1:-1]}

    def _tried(self, command: str) -> str | None:
        """A command's answer; None when the server does not know it, or says no."""
        try:
            return self._ftp.sendcmd(command)
        except ftplib.error_perm:
            return None

    def _asked(self, command: str) -> str | None:
        """What a server says of a file; None when it says that there is none, or does not know the command."""
        try:
            return self._ftp.sendcmd(command)
        except ftplib.error_perm as error:
            if str(error).startswith((*_UNKNOWN_COMMAND, *_NOT_THERE)):
                return None
            raise

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError, EOFError, ftplib.Error, ValueError), self._within(self._drop.timeout):
            if not exception[0]:
                self._ftp.quit()
        self._ftp.close()

    @property
    def resumes_sessions(self) -> bool | None:
        """Whether data connections resume the control connection's TLS session; None without TLS."""
        if not isinstance(self._ftp, _Tls):
            return None
        with self._answering():
            with contextlib.closing(self._ftp.transfercmd("LIST")) as data:
                assert isinstance(data, ssl.SSLSocket)
                while data.recv(_CHUNK):
                    pass
                resumed = bool(data.session_reused)
            self._ftp.voidresp()
        return resumed

    def list(self, folder: str = "") -> Listing:
        """What is in a folder: by MLSD, else by LIST, with each file's exact time by MDTM where the server knows it."""
        with self._translated(), self._within(self._drop.deadline):
            entries = self._entries(folder)
        files = [self._file(folder, entry) for entry in entries if not entry.folder]
        return Listing(files, [self._text(entry.name) for entry in entries if entry.folder and entry.name not in (".", "..")])

    def _file(self, folder: str, entry: Entry) -> RemoteFile:
        name = self._text(entry.name)
        return RemoteFile(f"{folder}/{name}" if folder else name, entry.size, entry.mtime)

    def _entries(self, folder: str) -> Sequence[Entry]:
        self._ftp.cwd(self._at(folder))
        try:
            if "MLST" in self.features or not self.features:
                try:
                    lines = self._lines("MLSD")
                except ftplib.error_perm as error:
                    if not str(error).startswith(_UNKNOWN_COMMAND):
                        raise
                    self.features.discard("MLST")
                else:
                    found = [entry for line in lines if (entry := self._understood(line, facts=True))]
                    return [self._sized(entry) if entry.size < 0 else entry for entry in found]
            found = [entry for line in self._lines("LIST") if (entry := self._understood(line, facts=False))]
            return self._timed(folder, found)
        finally:
            self._ftp.cwd(self._home)

    def _lines(self, command: str) -> Sequence[str]:
        """The lines of a listing, over a connection that `_within` can cut. Old servers say 550 or 450 of an empty folder."""
        self._ftp.voidcmd("TYPE A")
        try:
            with self._ftp.transfercmd(command) as data, data.makefile("r", encoding="latin-1", newline="\r\n") as lines:
                self._data = data
                listed = [line.rstrip("\r\n") for line in lines]
            self._ftp.voidresp()
            return listed
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if str(error).startswith(("550", "450")):
                return []
            raise
        finally:
            with contextlib.suppress(OSError, EOFError, ftplib.Error):
                self._ftp.voidcmd("TYPE I")

    def _sized(self, entry: Entry) -> Entry:
        """An entry of MLSD that lacks the size, with that."""
        answer = None if entry.folder else self._asked(f"SIZE {entry.name}")
        return Entry(entry.name, entry.folder, int(answer[4:]) if answer else 0, entry.mtime)

    def _understood(self, line: str, *, facts: bool) -> Entry | None:
        """A line of a listing; one that nobody understands is logged and left out, for the others are good."""
        if not line.strip() or line.startswith("total "):
            return None
        try:
            return fact_line(line) if facts else list_line(line, datetime.now(UTC))
        except ValueError:
            log.warning("listing_line_not_understood", line=shown(self._text(line)))
            return None

    def _timed(self, folder: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        """LIST's entries with MDTM's times, each asked for only once while LIST says the same of the file."""
        if self.features and "MDTM" not in self.features:
            return entries
        before, timed = self._times.pop(folder, {}), {}
        for entry in entries:
            if not entry.folder and (time := before.get(entry) or self._mdtm(entry.name)) is not None:
                timed[entry] = time
        self._times[folder] = timed
        return [Entry(e.name, e.folder, e.size, timed.get(e, e.mtime)) for e in entries]

    def _mdtm(self, name: str) -> int | None:
        answer = self._asked(f"MDTM {name}")
        return moment(answer[4:].strip()) if answer else None

    def stat(self, path: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file. Told the same way as in a listing."""
        folder, _, name = path.rpartition("/")
        with self._answering():
            if "MLST" in self.features:
                answer = self._asked(f"MLST {self._wire(path)}")
                lines = [line for line in (answer or "").split("\n") if line.startswith(" ")]
                entry = fact_line(lines[0]) if lines else None
                if entry and not entry.folder:
                    return RemoteFile(path, entry.size if entry.size >= 0 else self._size(path), entry.mtime)
                return None
            if "MDTM" in self.features and "SIZE" in self.features:
                size, time = self._asked(f"SIZE {self._wire(path)}"), self._mdtm(self._wire(path))
                if size and time is not None:
                    known = self._times.get(folder, {})
                    self._times[folder] = {e: t for e, t in known.items() if e.name != self._wire(name) or t == time}
                    return RemoteFile(path, int(size[4:]), time)
            try:
                return next((file for file in self.list(folder).files if file.name == path), None)
            except NotAllowed:
                return None

    def _size(self, path: str) -> int:
        answer = self._asked(f"SIZE {self._wire(path)}")
        return int(answer[4:]) if answer else 0

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        """The file's bytes, within the drop's deadline for a whole fetch."""
        with self._translated(), self._within(self._drop.deadline):
            try:
                data = self._ftp.transfercmd(f"RETR {self._wire(file.name)}")
            except ftplib.error_perm as error:
                if self.stat(file.name) is None:
                    raise Vanished(file.name) from error
                raise NotAllowed(str(error)) from error
            self._data = data
            with data:
                yield self._chunks(data)
            self._ftp.voidresp()

    def _chunks(self, data: socket.socket) -> Iterator[bytes]:
        with self._translated():
            while chunk := data.recv(_CHUNK):
                yield chunk

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Make a new file."""
        with self._translated(), self._within(self._drop.deadline):
            self._have_folder(path)
            with self._ftp.transfercmd(f"STOR {self._wire(path)}") as data:
                self._data = data
                for chunk in chunks:
                    data.sendall(chunk)
                if isinstance(data, ssl.SSLSocket):
                    data.unwrap()
            self._ftp.voidresp()

    def move(self, path: str, to: str) -> bool:
        """Rename within the folder. Servers may rename over a file, so it is looked first."""
        with self._answering():
            self._have_folder(to)
            if self.stat(path) is None:
                raise Vanished(path)
            if self.stat(to) is not None:
                return False
            self._ftp.rename(self._wire(path), self._wire(to))
            return True

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with self._answering():
            try:
                self._ftp.delete(self._wire(path))
            except ftplib.error_perm:
                if self.stat(path) is not None:
                    raise

    def _have_folder(self, path: str) -> None:
        parts = path.split("/")[:-1]
        for folder in ("/".join(parts[: n + 1]) for n in range(len(parts))):
            if folder not in self._folders:
                self._tried(f"MKD {self._wire(folder)}")  # there already, or the rename will tell
                self._folders.add(folder)

    def _at(self, folder: str) -> str:
        return f"{self._home.rstrip('/')}/{self._wire(folder)}" if folder else self._home

    def _text(self, wire: str) -> str:
        return as_text(wire.encode("latin-1"), self._drop.name_encoding)

    def _wire(self, path: str) -> str:
        return as_bytes(path, self._drop.name_encoding).decode("latin-1")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """A few commands and their answers; whatever goes wrong is translated, and a trickle is cut off."""
        with self._translated(), self._within(3 * self._drop.timeout):
            yield

    def _within(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        return within(seconds, self._hang_up)

    def _hang_up(self) -> None:
        for open_one in (self._data, self._ftp.sock):
            with contextlib.suppress(OSError):
                if open_one:
                    open_one.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except TryLater as error:
            raise error if str(error).startswith(self._where) else type(error)(f"{self._where}: {error}") from error
        except ssl.SSLCertVerificationError as error:
            raise WrongServer(f"{self._where}: its certificate is not trusted: {error.verify_message}") from error
        except ftplib.error_perm as error:
            raise NotAllowed(f"{self._where}: {error}") from error
        except (ftplib.Error, OSError, EOFError, ValueError, SetupFault) as error:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise TryLater(f"{self._where}: {said}") from error

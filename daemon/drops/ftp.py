"""A drop that is a folder on an FTP server, encrypted (FTPS, explicit or implicit) or, if the settings insist, in the clear."""

import contextlib
import ftplib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

from daemon.drop_settings import FtpDrop, FtpsDrop
from daemon.drops.base import Listing
from daemon.drops.ftp_lines import Entry, fact_line, list_line, moment
from daemon.drops.names import as_bytes, as_text
from daemon.errors import LoginRefused, NotAllowed, SetupFault, TryLater, Vanished, WrongServer
from daemon.log import get
from daemon.model import RemoteFile, shown
from daemon.settings import Settings

log = get(__name__)

_CHUNK = 1 << 18
_UNKNOWN_COMMAND = ("500", "501", "502", "504")


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
        self._times: dict[Entry, int] = {}
        self._folders: set[str] = set()
        self._data: socket.socket | None = None

    @property
    def greeting(self) -> str:
        """The server's welcome, its first line."""
        return (self._ftp.welcome or "").splitlines()[0]

    def __enter__(self) -> Self:
        with self._translated():
            self._ftp = self._connected()
            try:
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
        self._folders.clear()
        return self

    def _connected(self) -> ftplib.FTP:
        drop = self._drop
        # Latin-1 lets every byte through; names are read as the drop's encoding afterwards.
        if isinstance(drop, FtpDrop):
            plain = ftplib.FTP(timeout=drop.timeout, encoding="latin-1")
            plain.connect(drop.host, self._port)
            return plain
        context = ssl.create_default_context(cafile=self._settings.path(drop.ca_file) if drop.ca_file else None)
        tls = _Tls(context=context, timeout=drop.timeout, encoding="latin-1")
        try:
            tls.begin(drop.host, self._port, drop.implicit)
            if not drop.implicit:
                tls.auth()
            tls.prot_p()
        except BaseException:
            tls.close()
            raise
        return tls

    def _log_in(self) -> None:
        password = self._settings.secret(self._drop.password_file, f"{self._name}_password")
        try:
            if isinstance(self._ftp, _Tls):
                self._ftp.login(self._drop.username, password or "", secure=False)
            else:
                self._ftp.login(self._drop.username, password or "")
        except ftplib.error_perm as error:
            raise LoginRefused(f"{self._drop.username} was not let in: {error}") from error

    def _asked_features(self) -> set[str]:
        return {line.strip().split(" ")[0].upper() for line in (self._tried("FEAT") or "").splitlines()[1:-1]}

    def _tried(self, command: str) -> str | None:
        """A command's answer; None when the server does not know it, or says no."""
        try:
            return self._ftp.sendcmd(command)
        except ftplib.error_perm:
            return None

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError, EOFError, ftplib.Error):
            if not exception[0]:
                self._ftp.quit()
        self._ftp.close()

    @property
    def resumes_sessions(self) -> bool | None:
        """Whether data connections resume the control connection's TLS session; None without TLS."""
        if not isinstance(self._ftp, _Tls):
            return None
        with self._translated(), contextlib.closing(self._ftp.transfercmd("LIST")) as data:
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
                else:
                    return [entry for line in lines if (entry := self._understood(line, facts=True))]
            return self._timed([entry for line in self._lines("LIST") if (entry := self._understood(line, facts=False))])
        finally:
            self._ftp.cwd(self._home)

    def _lines(self, command: str) -> Sequence[str]:
        lines: deque[str] = deque()
        self._ftp.retrlines(command, lines.append)
        self._ftp.voidcmd("TYPE I")
        return lines

    def _understood(self, line: str, *, facts: bool) -> Entry | None:
        """A line of a listing; one that nobody understands is logged and left out, for the others are good."""
        if not line.strip() or line.startswith("total "):
            return None
        try:
            return fact_line(line) if facts else list_line(line, datetime.now(UTC))
        except ValueError:
            log.warning("listing_line_not_understood", line=shown(self._text(line)))
            return None

    def _timed(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """LIST's entries with MDTM's times, each asked for only once while LIST says the same of the file."""
        if self.features and "MDTM" not in self.features:
            return entries
        before, self._times = self._times, {}
        for entry in entries:
            if not entry.folder:
                time = before.get(entry) or self._mdtm(entry.name)
                self._times[entry] = entry.mtime if time is None else time
        return [Entry(e.name, e.folder, e.size, self._times.get(e, e.mtime)) for e in entries]

    def _mdtm(self, name: str) -> int | None:
        answer = self._tried(f"MDTM {name}")
        return moment(answer[4:].strip()) if answer else None

    def stat(self, path: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file. Told the same way as in a listing."""
        folder = path.rpartition("/")[0]
        with self._translated():
            if "MLST" in self.features:
                answer = self._tried(f"MLST {self._wire(path)}")
                lines = [line for line in (answer or "").splitlines() if line.startswith(" ")]
                entry = fact_line(lines[0]) if lines else None
                return RemoteFile(path, entry.size, entry.mtime) if entry and not entry.folder else None
            if "MDTM" in self.features and "SIZE" in self.features:
                size, time = self._tried(f"SIZE {self._wire(path)}"), self._mdtm(self._wire(path))
                if size and time is not None:
                    return RemoteFile(path, int(size[4:]), time)
            try:
                return next((file for file in self.list(folder).files if file.name == path), None)
            except NotAllowed:
                return None

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
        with self._translated():
            self._have_folder(path)
            with self._ftp.transfercmd(f"STOR {self._wire(path)}") as data:
                for chunk in chunks:
                    data.sendall(chunk)
                if isinstance(data, ssl.SSLSocket):
                    data.unwrap()
            self._ftp.voidresp()

    def move(self, path: str, to: str) -> bool:
        """Rename within the folder. Servers may rename over a file, so it is looked first."""
        with self._translated():
            self._have_folder(to)
            if self.stat(path) is None:
                raise Vanished(path)
            if self.stat(to) is not None:
                return False
            self._ftp.rename(self._wire(path), self._wire(to))
            return True

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with self._translated():
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
    def _within(self, seconds: float) -> Iterator[None]:
        """Hang up after `seconds`: a trickle passes every time-out."""

        def hang_up() -> None:
            for open_one in (self._data, self._ftp.sock):
                with contextlib.suppress(OSError):
                    if open_one:
                        open_one.shutdown(socket.SHUT_RDWR)

        clock = threading.Timer(seconds, hang_up)
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
        except TryLater as error:
            raise error if str(error).startswith(self._where) else type(error)(f"{self._where}: {error}") from error
        except ssl.SSLCertVerificationError as error:
            raise WrongServer(f"{self._where}: its certificate is not trusted: {error.verify_message}") from error
        except ftplib.error_perm as error:
            raise NotAllowed(f"{self._where}: {error}") from error
        except (ftplib.Error, OSError, EOFError, ValueError, SetupFault) as error:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise TryLater(f"{self._where}: {said}") from error

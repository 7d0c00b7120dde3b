"""The way into an FTP server: connect, encrypted or not, log in, ask and be answered, and hang up on a server that trickles."""

import contextlib
import ftplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from daemon.drops.deadline import within
from daemon.drops.names import as_bytes, as_text
from daemon.errors import LoginRefused, NotAllowed, SetupFault, TryLater, WrongServer
from daemon.settings import FtpDrop, FtpsDrop, Settings

CHUNK = 1 << 18
UNKNOWN_COMMAND = ("500", "501", "502", "504")
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


class Session:
    """A conversation with a server. Names go over the wire as Latin-1, which lets every byte through."""

    def __init__(self, name: str, drop: FtpsDrop | FtpDrop, settings: Settings) -> None:
        self._name, self._drop, self._settings = name, drop, settings
        implicit = isinstance(drop, FtpsDrop) and drop.implicit
        self.port = drop.port or (990 if implicit else 21)
        self._where = f"{drop.kind}://{drop.host}:{self.port}/{drop.path.lstrip('/')}"
        self._data: socket.socket | None = None

    def open(self) -> None:
        """Connect, log in, and go to the drop's folder. Raises TryLater."""
        self.ftp = self._client()
        try:
            with self.answering():
                self._connect()
                self._log_in()
                self.features = self._asked_features()
                if "UTF8" in self.features:
                    self.tried("OPTS UTF8 ON")
                self.ftp.cwd(self.wire(self._drop.path))
                self._home = self.ftp.pwd()
                self.ftp.voidcmd("TYPE I")
        except BaseException:
            self.ftp.close()
            raise

    def shown_certificate(self) -> bytes | None:
        """The server's certificate, though nobody knows it; nothing secret is sent. None in the clear. Raises TryLater."""
        if isinstance(self._drop, FtpDrop):
            return None
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with self.answering(), contextlib.closing(_Tls(context=anybody, timeout=self._drop.timeout)) as client:
            client.begin(self._drop.host, self.port, self._drop.implicit)
            if not self._drop.implicit:
                client.auth()
            assert isinstance(client.sock, ssl.SSLSocket)
            return client.sock.getpeercert(binary_form=True)

    def close(self, *, politely: bool) -> None:
        """End the conversation; `politely` where it did not break off."""
        with contextlib.suppress(OSError, EOFError, ftplib.Error, ValueError), self.within(self._drop.timeout):
            if politely:
                self.ftp.quit()
        self.ftp.close()

    def _client(self) -> ftplib.FTP:
        if isinstance(self._drop, FtpDrop):
            return ftplib.FTP(timeout=self._drop.timeout, encoding="latin-1")
        return _Tls(context=ssl.create_default_context(), timeout=self._drop.timeout, encoding="latin-1")

    def _connect(self) -> None:
        if isinstance(self._drop, FtpDrop) or not isinstance(self.ftp, _Tls):
            self.ftp.connect(self._drop.host, self.port)
            return
        if self._drop.ca_file:
            self.ftp.context = ssl.create_default_context(cafile=self._settings.path(self._drop.ca_file))
            self.ftp.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate that is pinned is enough by itself
        self.ftp.begin(self._drop.host, self.port, self._drop.implicit)
        if not self._drop.implicit:
            self.ftp.auth()
        self.ftp.prot_p()

    def _log_in(self) -> None:
        user = self.wire(self._drop.username)
        password = self.wire(self._settings.secret(self._drop.password_file, f"{self._name}_password") or "")
        try:
            if isinstance(self.ftp, _Tls):
                self.ftp.login(user, password, secure=False)
            else:
                self.ftp.login(user, password)
        except ftplib.error_perm as error:
            if _FULL.search(str(error)):
                raise TryLater(f"the server has no room for us: {error}") from error
            raise LoginRefused(f"{self._drop.username} was not let in: {error}") from error

    def _asked_features(self) -> set[str]:
        return {line.strip().split(" ")[0].upper() for line in (self.tried("FEAT") or "").splitlines()[1:-1]}

    def tried(self, command: str) -> str | None:
        """A command's answer; None when the server does not know it, or says no."""
        try:
            return self.ftp.sendcmd(command)
        except ftplib.error_perm:
            return None

    def asked(self, command: str) -> str | None:
        """What a server says of a file; None when it says that there is none, or does not know the command."""
        try:
            return self.ftp.sendcmd(command)
        except ftplib.error_perm as error:
            if str(error).startswith((*UNKNOWN_COMMAND, *_NOT_THERE)):
                return None
            raise

    @contextmanager
    def folder(self, folder: str) -> Iterator[None]:
        """Work in a folder below the drop's."""
        self.ftp.cwd(f"{self._home.rstrip('/')}/{self.wire(folder)}" if folder else self._home)
        try:
            yield
        finally:
            self.ftp.cwd(self._home)

    def lines(self, command: str) -> Sequence[str]:
        """The lines of a listing. Old servers say 550 or 450 of an empty folder."""
        self.ftp.voidcmd("TYPE A")
        try:
            with self.transfer(command) as data, data.makefile("r", encoding="latin-1", newline="\r\n") as lines:
                listed = [line.rstrip("\r\n") for line in lines]
            self.ftp.voidresp()
            return listed
        except (ftplib.error_perm, ftplib.error_temp) as error:
            if str(error).startswith(("550", "450")):
                return []
            raise
        finally:
            with contextlib.suppress(OSError, EOFError, ftplib.Error):
                self.ftp.voidcmd("TYPE I")

    def transfer(self, command: str) -> socket.socket:
        """A data connection, which `within` can cut, to the host that was connected to, whatever address the server names."""
        self._data = self.ftp.transfercmd(command)
        return self._data

    @property
    def greeting(self) -> str:
        """The server's welcome, its first line."""
        return (self.ftp.welcome or "").splitlines()[0]

    @property
    def resumes_sessions(self) -> bool | None:
        """Whether data connections resume the control connection's TLS session; None without TLS."""
        if not isinstance(self.ftp, _Tls):
            return None
        with self.answering():
            with contextlib.closing(self.ftp.transfercmd("LIST")) as data:
                assert isinstance(data, ssl.SSLSocket)
                while data.recv(CHUNK):
                    pass
                resumed = bool(data.session_reused)
            self.ftp.voidresp()
        return resumed

    def text(self, wire: str) -> str:
        """A name that came over the wire, read in the drop's encoding."""
        return as_text(wire.encode("latin-1"), self._drop.name_encoding)

    def wire(self, path: str) -> str:
        """A path as it goes over the wire."""
        return as_bytes(path, self._drop.name_encoding).decode("latin-1")

    @contextmanager
    def answering(self) -> Iterator[None]:
        """A few commands and their answers; whatever goes wrong is translated, and a trickle is cut off."""
        with self.translated(), self.within(3 * self._drop.timeout):
            yield

    def within(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """Hang up on a server that takes longer."""
        return within(seconds, self._hang_up)

    def _hang_up(self) -> None:
        for open_one in (self._data, self.ftp.sock):
            with contextlib.suppress(OSError):
                if open_one:
                    open_one.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Make whatever goes wrong one of our errors, with the drop's address in it."""
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

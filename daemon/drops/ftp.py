"""A drop that is a folder on an FTP server, encrypted (FTPS, explicit or implicit) or, if the settings insist, in the clear."""

import ftplib
import hashlib
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Self

from daemon.drops.base import Drop, Listing, Proof, Step
from daemon.drops.ftp_lines import Entry, fact_line, list_line, moment
from daemon.drops.ftp_session import CHUNK, UNKNOWN_COMMAND, Session
from daemon.drops.reach import reached
from daemon.errors import NotAllowed, Vanished
from daemon.log import get
from daemon.model import RemoteFile, shown
from daemon.settings import FtpDrop, FtpsDrop, Settings

log = get(__name__)


class Ftp(Drop):
    """A folder over FTP; `session` is the conversation with its server."""

    def __init__(self, name: str, drop: FtpsDrop | FtpDrop, settings: Settings) -> None:
        self._drop = drop
        self.session = Session(name, drop, settings)
        self._times: dict[str, dict[Entry, int]] = {}
        self._folders: set[str] = set()

    def way(self) -> Iterator[Step]:
        """Try the server's name and port."""
        return reached(self._drop.host, self.session.port, self._drop.timeout)

    def door(self) -> Iterator[Step]:
        """How the server is spoken to, and what it can and cannot."""
        if self._drop.kind == "ftps":
            yield Step(True, "shows a certificate that is trusted, for its name")
        else:
            yield Step(True, "speaks in the clear, as the settings insist: password and files can be read on the way")
        features = self.session.features
        mdtm = "LIST and MDTM" if "MDTM" in features else "LIST alone, times to the minute"
        yield Step(True, f"lists by {'MLSD' if 'MLST' in features else mdtm}")
        if (resumes := self.session.resumes_sessions) is not None:
            yield Step(True, f"data connections {'resume' if resumes else 'do not resume'} the TLS session")

    def served_proof(self) -> Proof | None:
        """The certificate that the server shows now, whatever is trusted. Raises TryLater."""
        der = self.session.shown_certificate()
        if der is None:
            return None
        digest = hashlib.sha256(der).hexdigest().upper()
        pairs = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
        return Proof("certificate", ssl.DER_cert_to_PEM_cert(der), f"SHA256:{pairs}")

    def __enter__(self) -> Self:
        self._folders.clear()
        self.session.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.session.close(politely=not exception[0])

    @property
    def greeting(self) -> str:
        """The server's welcome, its first line."""
        return self.session.greeting

    def list(self, folder: str = "") -> Listing:
        """What is in a folder: by MLSD, else by LIST, with each file's exact time by MDTM where the server knows it."""
        with self.session.translated(), self.session.within(self._drop.deadline):
            entries = self._entries(folder)
        files = [self._file(folder, entry) for entry in entries if not entry.folder]
        folders = [entry.name for entry in entries if entry.folder and entry.name not in (".", "..")]
        return Listing(files, [self.session.text(name) for name in folders])

    def _file(self, folder: str, entry: Entry) -> RemoteFile:
        name = self.session.text(entry.name)
        return RemoteFile(f"{folder}/{name}" if folder else name, entry.size, entry.mtime)

    def _entries(self, folder: str) -> Sequence[Entry]:
        features = self.session.features
        with self.session.folder(folder):
            if "MLST" in features or not features:
                try:
                    lines = self.session.lines("MLSD")
                except ftplib.error_perm as error:
                    if not str(error).startswith(UNKNOWN_COMMAND):
                        raise
                    features.discard("MLST")
                else:
                    found = [entry for line in lines if (entry := self._understood(line, facts=True))]
                    return [self._sized(entry) if entry.size < 0 else entry for entry in found]
            found = [entry for line in self.session.lines("LIST") if (entry := self._understood(line, facts=False))]
            return self._timed(folder, found)

    def _sized(self, entry: Entry) -> Entry:
        """An entry of MLSD that lacks the size, with that."""
        answer = None if entry.folder else self.session.asked(f"SIZE {entry.name}")
        return Entry(entry.name, entry.folder, int(answer[4:]) if answer else 0, entry.mtime)

    def _understood(self, line: str, *, facts: bool) -> Entry | None:
        """A line of a listing; one that nobody understands is logged and left out, for the others are good."""
        if not line.strip() or line.startswith("total "):
            return None
        try:
            return fact_line(line) if facts else list_line(line, datetime.now(UTC))
        except ValueError:
            log.warning("listing_line_not_understood", line=shown(self.session.text(line)))
            return None

    def _timed(self, folder: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        """LIST's entries with MDTM's times, each asked for only once while LIST says the same of the file."""
        if self.session.features and "MDTM" not in self.session.features:
            return entries
        before, timed = self._times.pop(folder, {}), {}
        for entry in entries:
            if not entry.folder and (time := before.get(entry) or self._mdtm(entry.name)) is not None:
                timed[entry] = time
        self._times[folder] = timed
        return [Entry(e.name, e.folder, e.size, timed.get(e, e.mtime)) for e in entries]

    def _mdtm(self, name: str) -> int | None:
        answer = self.session.asked(f"MDTM {name}")
        return moment(answer[4:].strip()) if answer else None

    def stat(self, path: str) -> RemoteFile | None:
        """The file as it is now; None when it is gone or no regular file. Told the same way as in a listing."""
        folder, _, name = path.rpartition("/")
        with self.session.answering():
            if "MLST" in self.session.features:
                answer = self.session.asked(f"MLST {self.session.wire(path)}")
                lines = [line for line in (answer or "").split("\n") if line.startswith(" ")]
                entry = fact_line(lines[0]) if lines else None
                if entry and not entry.folder:
                    return RemoteFile(path, entry.size if entry.size >= 0 else self._size(path), entry.mtime)
                return None
            if "MDTM" in self.session.features and "SIZE" in self.session.features:
                size, time = self.session.asked(f"SIZE {self.session.wire(path)}"), self._mdtm(self.session.wire(path))
                if size and time is not None:
                    known = self._times.get(folder, {})
                    self._times[folder] = {e: t for e, t in known.items() if e.name != self.session.wire(name) or t == time}
                    return RemoteFile(path, int(size[4:]), time)
            try:
                return next((file for file in self.list(folder).files if file.name == path), None)
            except NotAllowed:
                return None

    def _size(self, path: str) -> int:
        answer = self.session.asked(f"SIZE {self.session.wire(path)}")
        return int(answer[4:]) if answer else 0

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        """The file's bytes, within the drop's deadline for a whole fetch."""
        with self.session.translated(), self.session.within(self._drop.deadline):
            try:
                data = self.session.transfer(f"RETR {self.session.wire(file.name)}")
            except ftplib.error_perm as error:
                if self.stat(file.name) is None:
                    raise Vanished(file.name) from error
                raise NotAllowed(str(error)) from error
            with data:
                yield self._chunks(data)
            self.session.ftp.voidresp()

    def _chunks(self, data: socket.socket) -> Iterator[bytes]:
        with self.session.translated():
            while chunk := data.recv(CHUNK):
                yield chunk

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Make a new file."""
        with self.session.translated(), self.session.within(self._drop.deadline):
            self._have_folder(path)
            with self.session.transfer(f"STOR {self.session.wire(path)}") as data:
                for chunk in chunks:
                    data.sendall(chunk)
                if isinstance(data, ssl.SSLSocket):
                    data.unwrap()
            self.session.ftp.voidresp()

    def move(self, path: str, to: str) -> bool:
        """Rename within the folder. Servers may rename over a file, so it is looked first."""
        with self.session.answering():
            self._have_folder(to)
            if self.stat(path) is None:
                raise Vanished(path)
            if self.stat(to) is not None:
                return False
            self.session.ftp.rename(self.session.wire(path), self.session.wire(to))
            return True

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""
        with self.session.answering():
            try:
                self.session.ftp.delete(self.session.wire(path))
            except ftplib.error_perm:
                if self.stat(path) is not None:
                    raise

    def _have_folder(self, path: str) -> None:
        parts = path.split("/")[:-1]
        for folder in ("/".join(parts[: n + 1]) for n in range(len(parts))):
            if folder not in self._folders:
                self.session.tried(f"MKD {self.session.wire(folder)}")  # there already, or the rename will tell
                self._folders.add(folder)

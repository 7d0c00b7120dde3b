"""The embedded Postgres."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from daemon.db import embedded


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder that the server's user can enter."""
    import shutil

    folder = Path(tempfile.mkdtemp(prefix="nightporter-home-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def pid_of(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def test_it_keeps_what_it_is_given_and_lets_nobody_else_in(home: Path) -> None:
    """Started twice, the data are there; it listens on no port, only on a socket in a folder of its own."""
    with embedded.postgres(home) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        sockets = Path(url.split("host=")[1].split("&")[0])
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()
    with embedded.postgres(home) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_nobody_is_let_in_without_the_password(home: Path) -> None:
    """Who can reach the socket, as root's stand-in can, has no password to show; the role that has one is no superuser."""
    with embedded.postgres(home) as url:
        for name in ("nightporter", "postgres"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(re.sub(r"//nightporter:[^@]+@", f"//{name}@", url))
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
    assert (home / "postgres" / "password").stat().st_mode & 0o777 == 0o600


def test_a_home_that_root_made_for_itself_can_be_used(home: Path) -> None:
    """A folder of mode 0700, as a umask of 077 leaves it, is no obstacle to the user that Postgres runs as."""
    inner = home / "inner"
    inner.mkdir(mode=0o700)
    with embedded.postgres(inner) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_second_process_uses_the_first_ones(home: Path) -> None:
    """Two commands on one home folder share one server."""
    with embedded.postgres(home) as first, embedded.postgres(home) as second:
        assert first == second


def test_it_is_started_again_when_it_dies(home: Path, eventually: Callable[..., object]) -> None:
    """A server killed by hand is back at the same address, with everything that was committed."""
    with embedded.postgres(home) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        os.kill(pid_of(home), signal.SIGKILL)

        def back() -> bool:
            try:
                with psycopg.connect(url) as connection:
                    return connection.execute("SELECT one FROM kept").fetchone() == (1,)
            except psycopg.OperationalError:
                return False

        assert eventually(back)


def test_it_does_not_outlive_an_owner_that_is_killed(home: Path, eventually: Callable[..., object]) -> None:
    """After kill -9 of its owner the server stops by itself, and the next start finds everything in order."""
    program = f"import time; from pathlib import Path; from daemon.db import embedded\nwith embedded.postgres(Path({str(home)!r})): print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "up\n"
        server = pid_of(home)
        owner.kill()
    eventually(lambda: not psutil.pid_exists(server))
    with embedded.postgres(home) as url:
        psycopg.connect(url).close()


def test_a_stale_pid_is_nobody(home: Path) -> None:
    """A pid file left by a power cut, whose number another process has by now, costs that process nothing."""
    with embedded.postgres(home):
        pass
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (home / "postgres" / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n")
        with embedded.postgres(home) as url:
            psycopg.connect(url).close()
        assert bystander.poll() is None
        bystander.kill()


def test_a_server_that_is_left_in_mid_recovery_is_ended(home: Path, eventually: Callable[..., object]) -> None:
    """A backend is killed, and the owner while the server recovers from that: the next start is ready in seconds, nothing lost."""
    program = (
        "import time; from pathlib import Path; from daemon.db import embedded\n"
        f"with embedded.postgres(Path({str(home)!r})) as url: print(url, flush=True); time.sleep(60)"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
            assert owner.stdout
            url = owner.stdout.readline().strip()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS one")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS much AS SELECT n, repeat('x', 500) FROM generate_series(1, 60000) n"
                )
                backend = connection.execute("SELECT pg_backend_pid()").fetchone()
            with psycopg.connect(url, autocommit=True) as connection:
                backend = connection.execute("SELECT pg_backend_pid()").fetchone()
                assert backend
                os.kill(backend[0], signal.SIGKILL)
                owner.kill()
        began = time.monotonic()
        with embedded.postgres(home) as again, psycopg.connect(again) as connection:
            assert time.monotonic() - began < 15
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    left = [each for each in psutil.process_iter(["name", "cwd"]) if each.info["cwd"] == str(home / "postgres" / "data")]
    assert left == []


def test_what_dead_ones_left_is_cleared_away(home: Path) -> None:
    """Half-made folders of a start that was killed, and the socket folder of a server that was, are gone after the next start."""
    with embedded.postgres(home) as url:
        sockets = Path(url.split("host=")[1].split("&")[0])
        pid_file = (home / "postgres" / "data" / "postmaster.pid").read_text()
    sockets.mkdir()
    (home / "postgres" / "data-half").mkdir()
    (home / "postgres" / "data" / "postmaster.pid").write_text(pid_file)
    with embedded.postgres(home):
        assert not sockets.exists()
        assert not (home / "postgres" / "data-half").exists()

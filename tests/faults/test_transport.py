"""What servers and networks do to files on their way: each case, and that nothing is lost, doubled, or held up by it."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.filesystems import AbstractedFS

from daemon.drops import fetch, set_aside
from daemon.drops.base import Drop
from daemon.errors import TryLater, Vanished
from daemon.model import RemoteFile
from daemon.service.schedule import Schedule
from daemon.settings import Settings
from tests.support.drop_kinds import fault, ftp_drop, opened, sshd_drop
from tests.support.ftp_servers import Ftpd, WithoutMlsd
from tests.support.night import Night, customers
from tests.support.odd_servers import OddSftp, Proxy, black_hole, talking
from tests.support.office import Office
from tests.support.servers import Sshd


def test_a_slow_upload_is_waited_for(office: Office, sshd: Sshd) -> None:
    """Cases 1 and 2: a file that grows under its final name, its old time kept, is imported once, whole."""
    night = Night(office, erp=sshd_drop(sshd, office.home / "erp", settle="600ms"))
    content = customers(*(f"C{n}" for n in range(50))).encode()

    def upload() -> None:
        with (office.home / "erp" / "customers.csv").open("wb", buffering=0) as file:
            for start in range(0, len(content), 200):
                file.write(content[start : start + 200])
                os.utime(file.fileno(), (1e9, 1e9))
                time.sleep(0.2)

    writer = threading.Thread(target=upload)
    writer.start()
    while writer.is_alive():
        night.look()
        assert night.runs() == []
    while not night.runs():
        night.look()
    night.pass_by()
    assert night.office.rows("SELECT count(*) FROM ar.customer") == [(50,)]
    assert night.runs() == [("customers.csv", "imported", None)]


class _Meddling:
    """A drop in which something happens to a file after the first chunk of it has been read."""

    def __init__(self, drop: Drop, happens: Callable[[], None]) -> None:
        self._drop, self._happens = drop, happens

    @contextmanager
    def read(self, file: RemoteFile) -> Iterator[Iterator[bytes]]:
        with self._drop.read(file) as chunks:
            yield self._meddled(chunks)

    def _meddled(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield next(chunks)
        self._happens()
        yield from chunks

    def stat(self, path: str) -> RemoteFile | None:
        return self._drop.stat(path)


@pytest.mark.parametrize("change", ["longer", "shorter", "replaced", "gone"])
def test_a_file_that_changes_while_it_is_fetched_is_fetched_again(tmp_path: Path, sshd: Sshd, change: str) -> None:
    """Case 4: nothing of it is kept; a file set aside under another name is not touched by what comes under its own."""
    (tmp_path / "drop").mkdir()
    file = tmp_path / "drop" / "a.csv"
    file.write_bytes(os.urandom(3 << 20))

    def happen() -> None:
        match change:
            case "longer":
                file.write_bytes(os.urandom(4 << 20))
            case "shorter":
                os.truncate(file, 1 << 20)
            case "replaced":
                (tmp_path / "new").write_bytes(os.urandom(5))
                (tmp_path / "new").rename(file)
            case "gone":
                file.unlink()

    for given in ({"kind": "local", "path": tmp_path / "drop"}, sshd_drop(sshd, tmp_path / "drop")):
        file.write_bytes(os.urandom(3 << 20))
        with opened(tmp_path, given) as drop:
            (seen,) = drop.list().files
            with pytest.raises((Vanished, TryLater)):
                fetch(_Meddling(drop, happen), seen, "a.csv", tmp_path / "archive", 1)  # type: ignore[arg-type]
    assert [path for path in (tmp_path / "archive").rglob("*") if path.is_file()] == []
    file.write_bytes(content := os.urandom(3 << 20))
    with opened(tmp_path, sshd_drop(sshd, tmp_path / "drop")) as drop:
        (seen,) = drop.list().files
        aside = set_aside(drop, seen, 1)
        fetched = fetch(_Meddling(drop, lambda: file.write_bytes(b"tomorrow") and None), seen, aside, tmp_path / "archive", 1)  # type: ignore[arg-type]
    assert fetched.size == len(content)


@pytest.mark.parametrize("days", [-1, 1, 400])
def test_the_servers_clock_has_no_effect(office: Office, sshd: Sshd, days: int) -> None:
    """Case 7: files dated yesterday, tomorrow or next year settle by our clock, and are imported once."""
    night = Night(office, erp=sshd_drop(sshd, office.home / "erp", settle="300ms"))
    night.arrive("erp/customers.csv", customers("C1"), mtime=time.time() + days * 86400)
    night.look()
    assert night.runs() == []
    time.sleep(0.35)
    night.pass_by()
    assert night.runs() == [("customers.csv", "imported", None)]


class OldFiles(AbstractedFS):
    """Lists with lines that nobody understands."""

    def format_list(self, *arguments: Any, **more: Any) -> Iterator[bytes]:
        yield b"total 42\r\n"
        yield b"?? what is this\r\n"
        yield from super().format_list(*arguments, **more)
        yield b"-rw-r--r--   1 a b\r\n"


OldServer = type("OldServer", (WithoutMlsd,), {"use_gmt_times": False, "abstracted_fs": OldFiles})
"""LIST only, in local time, to the minute."""


def test_an_old_ftp_server_is_listed_all_the_same(office: Office) -> None:
    """Case 8: without MLSD times come by MDTM; lines that nobody understands are left out, the others are good."""
    with Ftpd(OldServer) as server:
        night = Night(office, erp=ftp_drop(server, office.home, settle="200ms"))
        (server.root / "drop" / "customers.csv").write_text(customers("C1"))
        night.look()
        time.sleep(0.25)
        night.pass_by()
        assert night.runs() == [("customers.csv", "imported", None)]
        assert night.run(1).mtime == int((server.root / "drop" / "processed" / "customers.csv").stat().st_mtime)


def test_a_black_hole_costs_its_time_out_only(tmp_path: Path, sshd: Sshd) -> None:
    """Case 9: no answer to the connection, and none after it."""
    with black_hole() as port:
        assert "timed out" in fault(tmp_path, sshd_drop(sshd, tmp_path, port=port, timeout="4s"))
    with Proxy(sshd.port) as proxy:
        proxy.let, proxy.reset = 3000, False
        assert "sftp://" in fault(tmp_path, sshd_drop(sshd, tmp_path, port=proxy.port, timeout="4s"))
    with Ftpd() as server, Proxy(server.port) as proxy:
        proxy.let, proxy.reset = 100, False
        assert "timed out" in fault(tmp_path, ftp_drop(server, tmp_path, port=proxy.port, timeout="4s"))


@pytest.mark.parametrize("reset", [True, False])
def test_a_connection_lost_in_mid_transfer_leaves_nothing_partial(office: Office, sshd: Sshd, reset: bool) -> None:
    """Case 10: reset or silent, the fetch fails, waits, and the next one brings the whole file."""
    with Proxy(sshd.port) as proxy:
        night = Night(office, erp=sshd_drop(sshd, office.home / "erp", port=proxy.port, at_once=True, timeout="4s"))
        content = customers(*(f"C{n}" for n in range(20_000)))
        night.arrive("erp/customers.csv", content)
        proxy.let, proxy.reset = 200_000, reset
        night.look()
        assert night.runs() == [("customers.csv", "arrived", None)]
        assert night.run(1).fault
        proxy.let = None
        night.pass_by()
    assert night.runs() == [("customers.csv", "imported", None)]
    assert night.office.rows("SELECT count(*) FROM ar.customer") == [(20_000,)]
    assert len([path for path in office.settings.archive_folder.rglob("*") if path.is_file()]) == 1


def test_a_server_that_stops_answering_reads_is_given_up(tmp_path: Path) -> None:
    """Case 11: by its time-out; and a trickle by the deadline over the whole fetch."""
    with OddSftp() as server:
        (server.root / "a.csv").write_bytes(os.urandom(2 << 20))
        server.files.stall_after = 1 << 20
        for limits in ({"timeout": "4s"}, {"timeout": "60s", "deadline": "4s"}):
            with opened(tmp_path, server.drop(tmp_path, **limits)) as drop:
                (seen,) = drop.list().files
                began = time.monotonic()
                with pytest.raises(TryLater):
                    fetch(drop, seen, "a.csv", tmp_path / "archive", 1)
                assert time.monotonic() - began < 30


def test_short_answers_are_put_together(tmp_path: Path) -> None:
    """A server that gives less than it is asked for is asked for the rest; the bytes are whole and in order."""
    with OddSftp() as server:
        (server.root / "a.csv").write_bytes(os.urandom(3 << 20))
        server.files.longest_read = 10_001
        with opened(tmp_path, server.drop(tmp_path)) as drop, drop.read(drop.list().files[0]) as chunks:
            assert b"".join(chunks) == (server.root / "a.csv").read_bytes()


def test_a_server_that_speaks_no_ssh_is_said_to(tmp_path: Path, sshd: Sshd) -> None:
    """Case 13: a garbage banner, and a server of the days of SHA-1, are a clear error for that drop."""
    with talking(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)) as (port, _):
        assert "protocol version" in fault(tmp_path, sshd_drop(sshd, tmp_path, port=port, timeout="4s"))
    with OddSftp(kex_algs=["diffie-hellman-group14-sha1"]) as server:
        assert "not safe any more" in fault(tmp_path, server.drop(tmp_path))


def test_a_foreign_address_for_data_is_not_followed(tmp_path: Path) -> None:
    """Case 14: a PASV reply that names another host is answered by a connection to the one we know."""
    with Ftpd(type("Foreign", (WithoutMlsd,), {"masquerade_address": "10.255.255.1"})) as server:
        (server.root / "drop").mkdir()
        (server.root / "drop" / "a.csv").write_text("x")
        with opened(tmp_path, ftp_drop(server, tmp_path, timeout="20s")) as drop:
            assert [file.name for file in drop.list().files] == ["a.csv"]


NAMES = [b"customers\n.csv", b"customers-caf\xe9.csv", b"customers" + b"x" * 242 + b".csv", b"-customers.csv", b"customers %s {name} '\".csv",
         b"customers\\xe9.csv", b" customers.csv ", b"customers\r.csv", b"customers;rm -rf.csv"]  # fmt: skip


@pytest.mark.parametrize("kind", ["local", "sftp"])
def test_names_are_names(office: Office, sshd: Sshd, kind: str) -> None:
    """Case 18: whatever bytes a file name has, the file is imported under a safe id, told, and moved under its own name."""
    drop = sshd_drop(sshd, office.home / "erp", at_once=True) if kind == "sftp" else {}
    night = Night(office, erp=drop)
    night.office.profile(
        "customers",
        (night.office.settings.profiles / "customers.toml").read_text().replace('"customers*.csv"', '"*customers*.csv*"'),
    )
    for number, name in enumerate(NAMES):
        (office.home / "erp" / os.fsdecode(name)).write_text(customers(f"C{number}"))
    night.look()
    night.pass_by()
    assert {(state, code) for _, state, code in night.runs()} == {("imported", None)}
    assert len(night.runs()) == len(NAMES)
    processed = {os.fsencode(path.name) for path in (office.home / "erp" / "processed").iterdir()}
    assert processed == set(NAMES)
    assert "\n" not in night.run(1).title


def test_names_in_another_encoding_are_read_as_the_drop_says(office: Office) -> None:
    """An FTP server that writes names in cp1252."""
    with Ftpd(encoding="cp1252") as server:
        night = Night(office, erp=ftp_drop(server, office.home, at_once=True, name_encoding="cp1252"))
        (server.root / "drop" / "customers-é.csv").write_text(customers("C1"))
        night.pass_by()
        assert night.runs() == [("customers-é.csv", "imported", None)]


def test_one_look_at_a_time(office: Office) -> None:
    """Case 27: a look that lasts longer than its interval is not joined by another, and none that was missed is made up for."""
    with talking(lambda connection: None) as (port, connections):
        (office.home / "p").write_text("secret")
        settings = Settings.model_validate({"home": office.home, "drops": {"d": {
            "kind": "sftp", "host": "127.0.0.1", "port": port, "username": "erp", "password_file": "p", "poll": "100ms", "timeout": "1s",
        }}})  # fmt: skip
        schedule = Schedule(office.engine, settings, office.profiles)
        schedule.start()
        time.sleep(0.9)
        for _ in range(5):
            schedule.look_soon("d")
        assert len(connections) == 1
        schedule.stop()
        with connections[0] as silent:
            silent.shutdown(socket.SHUT_RDWR)


def test_a_restart_only_moves(office: Office) -> None:
    """Case 20: what was committed before the crash is put away after it, and not imported again."""
    night = Night(office, erp={})
    night.arrive("erp/customers.csv", customers("C1"))
    night.look()
    night.work()
    later = Night.__new__(Night)
    later.__dict__ |= night.__dict__ | {
        "visitors": {n: type(t)(office.engine, office.settings, office.profiles, n) for n, t in night.visitors.items()}
    }
    later.pass_by()
    assert later.runs() == [("customers.csv", "imported", None)]
    assert later.files() == {"processed/customers.csv"}

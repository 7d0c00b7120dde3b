"""Servers as they are found in the wild: what they refuse, leave out, or answer late costs a file at most, and is told."""

import gc
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import FTPHandler

from daemon.drops import fetch, open_drop
from daemon.errors import LoginRefused, NotAllowed, TryLater, Vanished
from tests.support.drop_kinds import fault, ftp_drop, opened, settings_with, sshd_drop
from tests.support.ftp_servers import Ftpd, Vsftpd, WithoutMlsd
from tests.support.night import Night, customers
from tests.support.odd_servers import OddSftp, talking
from tests.support.office import Office
from tests.support.servers import Sshd


def test_a_lost_connection_is_no_refused_password(tmp_path: Path) -> None:
    """A server that hangs up during the login, or has no room, is tried again; only a real refusal counts against the login."""
    with OddSftp(login_timeout=1) as server:
        server.slow_login = True
        with pytest.raises(TryLater) as caught, opened(tmp_path, server.drop(tmp_path, timeout="5s")):
            pass
        assert not isinstance(caught.value, LoginRefused)

    class Full(FTPHandler):
        def ftp_PASS(self, line: str) -> None:  # noqa: N802
            self.respond("530 Sorry, the maximum number of clients (5) has been reached.")

    with Ftpd(Full) as ftp:
        with pytest.raises(TryLater) as caught, opened(tmp_path, ftp_drop(ftp, tmp_path)):
            pass
        assert not isinstance(caught.value, LoginRefused)


@pytest.mark.parametrize(
    "how", [["-t", "ed25519"], ["-t", "ecdsa"], ["-t", "rsa"], ["-t", "rsa", "-m", "PEM"], ["-t", "ecdsa", "-m", "PKCS8"]]
)
@pytest.mark.parametrize("passphrase", ["", "open sésame"])
def test_keys_of_every_kind_open_a_drop(
    tmp_path: Path, sshd: Sshd, how: list[str], passphrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ed25519, ECDSA and RSA, in OpenSSH's and the older formats, with a passphrase and without."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", *how, "-N", passphrase, "-f", key], check=True)
    authorized = sshd.folder / "authorized_keys"
    before = authorized.read_text()
    authorized.write_text(before + key.with_suffix(".pub").read_text())
    monkeypatch.setenv("NIGHTPORTER_D_PASSPHRASE", passphrase)
    with opened(tmp_path, sshd_drop(sshd, tmp_path, key_file=key)) as drop:
        assert "key" in {file.name for file in drop.list().files}
    authorized.write_text(before)


def test_a_wrong_passphrase_is_said(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the set-up's fault, not the server's."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "right", "-f", tmp_path / "key"], check=True)
    monkeypatch.setenv("NIGHTPORTER_D_PASSPHRASE", "wrong")
    assert "cannot be used" in fault(tmp_path, sshd_drop(sshd, tmp_path, key_file=tmp_path / "key"))


def test_an_agents_keys_open_a_drop(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Login by the running ssh-agent."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as agent:
        while not path.exists():
            time.sleep(0.02)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", sshd.key_file], check=True)
        drop = sshd_drop(sshd, tmp_path, agent=True)
        del drop["key_file"]
        with opened(tmp_path, drop) as entered:
            assert entered.list().files is not None
        agent.terminate()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_agent_that_does_not_answer_costs_the_time_out(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be asking somebody who is not there."""
    drop = sshd_drop(sshd, tmp_path, agent=True, timeout="4s")
    del drop["key_file"]
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "silent"))
        assert "agent does not answer" in fault(tmp_path, drop)
    time.sleep(0.1)
    gc.collect()  # paramiko's agent leaves its socket to that


def test_a_password_after_a_refused_key(tmp_path: Path, sshd: Sshd) -> None:
    """A drop may have both; the server decides, also one that takes a login request only once."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    with OddSftp(key=sshd.key_file.with_suffix(".pub")) as server:
        with opened(tmp_path, server.drop(tmp_path, key_file=tmp_path / "other")) as drop:
            assert drop.list().files == []
        assert server.passwords == ["secret"]


@pytest.mark.parametrize("say", [b"220", b"220 hello\r\n331 go on\r\n2"])
def test_a_trickle_is_cut_off(tmp_path: Path, say: bytes) -> None:
    """A server that sends a byte now and then passes every time-out; the drop is given up all the same."""

    def trickle(connection: socket.socket) -> None:
        connection.sendall(say)
        while True:
            connection.sendall(b"-")
            time.sleep(0.1)

    with talking(trickle) as (port, _):
        (tmp_path / "p").write_text("x")
        drop = {
            "kind": "ftp",
            "insecure": True,
            "host": "127.0.0.1",
            "port": port,
            "username": "erp",
            "password_file": "p",
            "timeout": "500ms",
        }
        assert fault(tmp_path, drop)


def test_two_folders_with_files_of_one_name_and_size(office: Office) -> None:
    """On a server without MLSD each file has its own exact time, and a file replaced within the minute is noticed."""
    with Vsftpd() as server:
        night = Night(office, erp=ftp_drop(server, office.home, username="anonymous", depth=1, at_once=True, imported="leave"))
        for second, folder in enumerate(("DE", "FR")):
            (server.root / "drop" / folder).mkdir()
            file = server.root / "drop" / folder / "customers.csv"
            file.write_text(customers(f"C{second}"))
            os.utime(file, (1763620205 + second,) * 2)
        for _ in range(3):
            night.pass_by()
        assert night.runs() == [("DE/customers.csv", "imported", None), ("FR/customers.csv", "imported", None)]
        file.write_text(customers("C9"))
        os.utime(file, (1763620220,) * 2)
        night.do("UPDATE nightporter.arrival SET left_at = left_at - interval '25 hours'")
        for _ in range(3):
            night.pass_by()
        assert ("FR/customers.csv", "imported", None) in night.runs()[2:]


class Empty(WithoutMlsd):
    """A server that says 550 of a folder with nothing in it."""

    def ftp_LIST(self, path: str) -> Any:  # noqa: N802
        names = [name for name in os.listdir(path) if (Path(path) / name).is_file()]
        return super().ftp_LIST(path) if names else self.respond("550 No files found.")


def test_an_empty_folder_may_be_an_error(office: Office) -> None:
    """It is no fault of the drop; and what was set aside is fetched as it is, byte by byte."""
    with Ftpd(Empty) as server:
        night = Night(office, erp=ftp_drop(server, office.home, at_once=True))
        (server.root / "drop" / "customers.csv").write_bytes(customers("C1").replace("\n", "\r\n").encode())
        night.pass_by()
        night.look()
        assert night.runs() == [("customers.csv", "imported", None)]
        assert night.office.rows("SELECT faults FROM nightporter.drop_state") == [(0,)]


class PhantomFiles(AbstractedFS):
    """Lists a file that is not there."""

    def format_mlsx(self, *arguments: Any, **more: Any) -> Iterator[bytes]:
        yield from super().format_mlsx(*arguments, **more)
        yield b"type=file;size=3;modify=20261120063000; customers-phantom.csv\r\n"


def test_a_file_that_is_listed_and_not_there_is_told_once(office: Office) -> None:
    """Not at every look."""
    with Ftpd(type("Phantom", (FTPHandler,), {"abstracted_fs": PhantomFiles})) as server:
        night = Night(office, erp=ftp_drop(server, office.home, at_once=True))
        for _ in range(4):
            night.look()
        assert night.runs() == [("customers-phantom.csv", "vanished", None)]
        night.do("UPDATE nightporter.arrival SET disposed_at = disposed_at - interval '1 hour'")
        night.look()
        assert len(night.mails()) == 1


def test_a_file_that_cannot_be_put_away_holds_up_no_other(office: Office) -> None:
    """What came in the meantime is imported; the one is tried again."""
    night = Night(office, erp={})
    night.arrive("erp/customers.csv", customers("C1"))
    night.arrive("erp/processed", "a file where the folder should be")
    night.pass_by()
    night.arrive("erp/customers-2.csv", customers("C2"))
    night.pass_by()
    assert night.runs() == [("customers.csv", "imported", None), ("customers-2.csv", "imported", None)]
    assert night.run(1).fault


def test_a_folder_that_is_denied_costs_only_itself(office: Office) -> None:
    """Of several subfolders one may not be read; the others are."""
    with OddSftp() as server:
        server.files.denied = b"/secret"
        night = Night(office, erp=server.drop(office.home, at_once=True, depth=1))
        for folder in ("secret", "open"):
            (server.root / folder).mkdir()
            (server.root / folder / "customers.csv").write_text(customers("C1"))
        night.pass_by()
        assert night.runs() == [("open/customers.csv", "imported", None)]


def test_a_rename_refused_without_a_reason_leaves_the_file_where_it_is(office: Office) -> None:
    """The file is imported in place, once, and the admins hear that it cannot be moved."""
    with OddSftp() as server:
        server.files.no_rename = True
        night = Night(office, erp=server.drop(office.home, at_once=True))
        (server.root / "customers.csv").write_text(customers("C1"))
        for _ in range(7):
            night.pass_by()
        assert night.runs() == [("customers.csv", "imported", None)]
        assert [mail for mail in night.mails() if mail[0] == "file_fault"] == [("file_fault", "it@example.com")]


def test_a_file_that_grows_for_ever_fills_no_archive(tmp_path: Path) -> None:
    """Not more is fetched than was listed."""
    (tmp_path / "drop").mkdir()
    file = tmp_path / "drop" / "a.csv"
    file.write_bytes(b"x" * 100)
    done = threading.Event()

    def grow() -> None:
        with file.open("ab", buffering=0) as out:
            while not done.is_set():
                out.write(b"x" * 100_000)

    with opened(tmp_path, {"kind": "local", "path": tmp_path / "drop"}) as drop:
        (seen,) = drop.list().files
        writer = threading.Thread(target=grow)
        writer.start()
        with pytest.raises(Vanished):
            fetch(drop, seen, "a.csv", tmp_path / "archive", 1)
        done.set()
        writer.join()


def test_a_planted_link_leads_nowhere(tmp_path: Path) -> None:
    """Security 4: a folder of ours that somebody made a link is not followed."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "victim").mkdir()
    (tmp_path / "drop" / "processed").symlink_to(tmp_path / "victim")
    (tmp_path / "drop" / "a.csv").write_text("x")
    with opened(tmp_path, {"kind": "local", "path": tmp_path / "drop"}) as drop, pytest.raises(NotAllowed):
        drop.move("a.csv", "processed/a.csv")
    assert list((tmp_path / "victim").iterdir()) == []


def test_passwords_and_paths_go_out_as_the_server_writes_names(tmp_path: Path, sshd: Sshd) -> None:
    """An é in a password is UTF-8 for a server that speaks it; an é in a path is Latin-1 for one that does."""
    with Ftpd() as server:
        server.add_user("zoé", "sécret")
        (tmp_path / "p").write_text("sécret")
        with opened(tmp_path, ftp_drop(server, tmp_path, username="zoé", password_file="p")) as drop:
            assert drop.list().files == []
    os.mkdir(os.fsencode(tmp_path) + b"/donn\xe9es")
    with opened(tmp_path, sshd_drop(sshd, tmp_path / "données", name_encoding="latin-1")) as drop:
        assert drop.list().files == []


def test_a_fault_nobody_thought_of_is_told_too(office: Office) -> None:
    """A listing that no rule of ours expects is the drop's fault, with its wait and its mail, and not the service's."""
    with OddSftp() as server:
        server.files.broken = True
        night = Night(office, erp=server.drop(office.home))
        for _ in range(3):
            night.look()
        assert night.mails() == [("drop_fault", "it@example.com")]


def test_settings_are_found(tmp_path: Path) -> None:
    """A host name that cannot be one is a fault of the drop."""
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    (tmp_path / "p").write_text("x")
    for host in ("bad..host", "x" * 70 + ".example"):
        given = {"kind": "sftp", "host": host, "username": "erp", "password_file": "p", "host_keys": [key]}
        settings = settings_with(tmp_path, given)
        with pytest.raises(TryLater), open_drop("d", settings.drops["d"], settings):
            pass

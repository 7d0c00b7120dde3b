"""Drops: one contract, over a local folder, OpenSSH's server and a small SFTP server."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pyarrow as pa
import pytest
from pytest_sftpserver.sftp.server import SFTPServer

from daemon.drops import Drop, dispose, fetch, open_drop
from daemon.errors import TryLater, Vanished
from daemon.model import RemoteFile
from daemon.settings import Settings
from tests.servers import Sshd, free_port


def sshd_drop(sshd: Sshd, folder: Path, **more: Any) -> dict[str, Any]:
    import getpass

    return {
        "kind": "sftp", "host": "127.0.0.1", "port": sshd.port, "path": str(folder), "username": getpass.getuser(),
        "key_file": sshd.key_file, "host_keys": [sshd.host_key], **more,
    }  # fmt: skip


@pytest.fixture(params=["local", "sshd"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, sshd: Sshd) -> Settings:
    """Settings with one drop, `d`, on the folder `drop`."""
    folder = tmp_path / "drop"
    folder.mkdir()
    drop = {"kind": "local", "path": folder} if request.param == "local" else sshd_drop(sshd, folder)
    return Settings.model_validate({"home": tmp_path, "drops": {"d": drop}})


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The drop's folder, seen from the ERP's side."""
    return settings.home / "drop"


@pytest.fixture
def drop(settings: Settings) -> Iterator[Drop]:
    """The drop, connected to."""
    with open_drop("d", settings.drops["d"], settings) as opened:
        yield opened


def seen(drop: Drop, name: str) -> RemoteFile:
    (found,) = [file for file in drop.list() if file.name == name]
    return found


def test_a_drop_lists_its_files_and_nothing_else(drop: Drop, folder: Path) -> None:
    """Folders, links and pipes are no files; names with spaces, accents and quotes are."""
    names = {"a b.csv", "é'\".csv", "-x;rm.csv"}
    for name in names:
        (folder / name).write_text("x")
    (folder / "sub").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    assert {file.name for file in drop.list()} == names


def test_a_fetched_file_is_in_the_archive_byte_by_byte(drop: Drop, folder: Path, settings: Settings) -> None:
    """The bytes of a file of several megabytes are kept, compressed, under a name of ours."""
    content = os.urandom(3_000_000)
    (folder / "a.bin").write_bytes(content)
    fetched = fetch(drop, seen(drop, "a.bin"), settings.archive, 42)
    assert pa.input_stream(str(fetched.path), compression="zstd").read() == content
    assert (fetched.size, fetched.path.name) == (3_000_000, "42.zst")
    assert fetched.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in fetched.path.parent.iterdir()] == ["42.zst"]


def test_a_file_that_changed_is_not_taken(drop: Drop, folder: Path, settings: Settings) -> None:
    """A file replaced between listing and fetch, or gone, has vanished: what is there now is another arrival."""
    (folder / "a").write_text("old")
    file = seen(drop, "a")
    (folder / "a").write_text("new and longer")
    with pytest.raises(Vanished):
        fetch(drop, file, settings.archive, 1)
    (folder / "a").unlink()
    with pytest.raises(Vanished):
        fetch(drop, file, settings.archive, 1)


def test_disposal_moves_the_file_that_was_imported(drop: Drop, folder: Path) -> None:
    """An imported file goes to its folder, with the run's id in its name when the name is taken, its marker with it."""
    for run in (1, 2):
        (folder / "a.csv").write_text(f"run {run}")
        (folder / "a.csv.ok").touch()
        dispose(drop, seen(drop, "a.csv"), "processed", run, "{name}.ok")
    assert {path.name: path.read_text() for path in (folder / "processed").iterdir()} == {
        "a.csv": "run 1",
        "a.run-2.csv": "run 2",
    }
    assert list(drop.list()) == []


def test_disposal_finds_what_an_attempt_before_it_had_moved(drop: Drop, folder: Path) -> None:
    """After a crash between move and record, the record says where the file went; a file that somebody took is said to be gone."""
    (folder / "a.csv").write_text("imported")
    file = seen(drop, "a.csv")
    assert dispose(drop, file, "processed", 1, None) == "processed/a.csv"
    assert dispose(drop, file, "processed", 1, None) == "processed/a.csv"
    (folder / "processed" / "a.csv").unlink()
    assert dispose(drop, file, "processed", 1, None) == "gone"


def test_disposal_leaves_a_file_that_was_replaced(drop: Drop, folder: Path) -> None:
    """A new file under the old name stays where it is."""
    (folder / "a.csv").write_text("imported")
    file = seen(drop, "a.csv")
    (folder / "a.csv").write_text("tomorrow's file")
    assert dispose(drop, file, "processed", 1, None) == "replaced"
    assert (folder / "a.csv").read_text() == "tomorrow's file"


def test_a_name_that_leaves_the_folder_is_no_file(drop: Drop, folder: Path) -> None:
    """Nothing outside the folder is ever moved over: the target of a move that exists is left alone."""
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    assert drop.move("a", "b") is False
    assert (folder / "b").read_text() == "b"


def broken(tmp_path: Path, drop: dict[str, Any]) -> str:
    settings = Settings.model_validate({"home": tmp_path, "drops": {"d": drop}})
    with pytest.raises(TryLater) as caught:
        open_drop("d", settings.drops["d"], settings).list()
    return str(caught.value)


def test_a_changed_host_key_stops_before_any_credential(tmp_path: Path, sshd: Sshd) -> None:
    """A server that does not show the pinned key is not logged in to, and the message shows the key it has."""
    other = f"ssh-ed25519 {paramiko.Ed25519Key(filename=str(sshd.key_file)).get_base64()}"
    message = broken(tmp_path, sshd_drop(sshd, tmp_path, host_keys=[other], key_file=tmp_path / "no such key"))
    assert "host key is not the one pinned" in message
    assert sshd.host_key in message


def test_what_is_wrong_with_a_server_is_told(tmp_path: Path, sshd: Sshd) -> None:
    """No server, a missing folder, a user not let in: each is a message that names the drop's address."""
    assert f"sftp://127.0.0.1:{sshd.port}" in broken(tmp_path, sshd_drop(sshd, tmp_path / "none"))
    assert "not let in" in broken(tmp_path, sshd_drop(sshd, tmp_path, username="nobody-we-know"))
    assert "Unable to connect" in broken(tmp_path, sshd_drop(sshd, tmp_path, port=free_port()))
    assert "No such file" in broken(tmp_path, {"kind": "local", "path": "missing"})


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path, sshd: Sshd) -> None:
    """A server that accepts and then is silent costs the drop's time-out, not the night."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        drop = sshd_drop(sshd, tmp_path, port=silent.getsockname()[1], timeout=1)
        assert "sftp://" in broken(tmp_path, drop)


@pytest.fixture
def small_server() -> Iterator[SFTPServer]:
    """The small SFTP server of pytest-sftpserver, closed properly at the end."""
    server = SFTPServer()
    server.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_password_opens_a_small_server_too(tmp_path: Path, small_server: SFTPServer) -> None:
    """A login by password, from its file, against a server that is not OpenSSH."""
    (tmp_path / "password").write_text("secret\n")
    with small_server.serve_content({"out": {"a.csv": "x;y\n1;2\n"}}):
        transport = paramiko.Transport((small_server.host, small_server.port))
        transport.connect()
        host_key = transport.get_remote_server_key()
        transport.close()
        drop = {
            "kind": "sftp", "host": small_server.host, "port": small_server.port, "path": "/out", "username": "user",
            "password_file": "password", "host_keys": [f"{host_key.get_name()} {host_key.get_base64()}"],
        }  # fmt: skip
        settings = Settings.model_validate({"home": tmp_path, "drops": {"d": drop}})
        with open_drop("d", settings.drops["d"], settings) as opened:
            (file,) = opened.list()
            with opened.read(file) as chunks:
                assert b"".join(chunks) == b"x;y\n1;2\n"

"""Drops: one contract, over local folders, posts, OpenSSH's server, vsftpd and pyftpdlib's; and what each does on its own."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pyarrow as pa
import pytest
from pytest_sftpserver.sftp.server import SFTPServer

from daemon.drops import Drop, fetch, give_back, open_drop, put_away, set_aside, walk
from daemon.errors import LoginRefused, TryLater, Vanished, WrongServer
from daemon.model import Fetched, RemoteFile
from daemon.settings import Settings
from tests.support.drop_kinds import KINDS, settings_with, sshd_drop
from tests.support.servers import Sshd, free_port


class Place:
    """A drop that is connected to, with its folder as the ERP sees it."""

    def __init__(self, drop: Drop, folder: Path, settings: Settings) -> None:
        self.drop, self.folder, self.settings = drop, folder, settings

    def seen(self, name: str) -> RemoteFile:
        (found,) = [file for file in walk(self.drop, self.settings.drops["d"]) if file.name == name]
        return found

    def fetch(self, file: RemoteFile, path: str, arrival: int = 42) -> Fetched:
        return fetch(self.drop, file, path, self.settings.archive_folder, arrival)

    def put_away(self, file: RemoteFile, path: str, sha256: str, run: int = 1, how: Any = "move") -> str:
        return put_away(self.drop, file, path, run, how, "processed", sha256, [f"{file.name}.ok"])


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, sshd: Sshd) -> Iterator[Place]:
    """A drop of each kind."""
    with KINDS[request.param](tmp_path, sshd) as (drop, folder):
        settings = settings_with(tmp_path, drop)
        with open_drop("d", settings.drops["d"], settings) as opened:
            yield Place(opened, folder, settings)


def test_a_drop_lists_its_files_and_folders(place: Place) -> None:
    """Names with spaces, accents and quotes are files, and what is asked of one alone is what the listing says."""
    names = {"a b.csv", "é'\".csv", "-x;rm.csv"}
    for name in names:
        (place.folder / name).write_text("x")
    (place.folder / "sub").mkdir()
    listing = place.drop.list()
    assert {file.name for file in listing.files} == names
    assert listing.folders == ["sub"]
    assert {file.name: place.drop.stat(file.name) for file in listing.files} == {file.name: file for file in listing.files}


def test_a_fetched_file_is_in_the_archive_byte_by_byte(place: Place) -> None:
    """The bytes of a file of several megabytes are kept, compressed, under a name of ours that nobody else can read."""
    content = os.urandom(3_000_000)
    (place.folder / "a.bin").write_bytes(content)
    fetched = place.fetch(place.seen("a.bin"), "a.bin")
    assert pa.input_stream(str(fetched.path), compression="zstd").read() == content
    assert fetched.size == 3_000_000
    assert fetched.path.name.startswith("42-")
    assert fetched.path.stat().st_mode & 0o777 == 0o600
    assert list(fetched.path.parent.iterdir()) == [fetched.path]


def test_an_empty_file_is_fetched_too(place: Place) -> None:
    """No bytes are bytes."""
    (place.folder / "empty.csv").touch()
    assert place.fetch(place.seen("empty.csv"), "empty.csv").size == 0


def test_a_file_that_changed_is_not_taken(place: Place) -> None:
    """A file replaced between listing and fetch, or gone, has vanished: what is there now is another arrival."""
    (place.folder / "a").write_text("old")
    file = place.seen("a")
    (place.folder / "a").write_text("new and longer")
    for look in (lambda: set_aside(place.drop, file, 1), lambda: place.fetch(file, "a")):
        with pytest.raises(Vanished):
            look()
    (place.folder / "a").unlink()
    for look in (lambda: set_aside(place.drop, file, 1), lambda: place.fetch(file, "a")):
        with pytest.raises(Vanished):
            look()


def test_a_file_is_set_aside(place: Place) -> None:
    """While a file is imported, its name is free for the ERP's next one; asked again, the same file is found."""
    (place.folder / "a.csv").write_text("first")
    file = place.seen("a.csv")
    aside = set_aside(place.drop, file, 7)
    (place.folder / "a.csv").write_text("the second")
    assert set_aside(place.drop, file, 7) == aside == "processing/7~a.csv"
    fetched = place.fetch(file, aside)
    assert place.put_away(file, aside, fetched.sha256) == "processed/a.csv"
    assert (place.folder / "processed" / "a.csv").read_text() == "first"
    assert (place.folder / "a.csv").read_text() == "the second"


def test_a_file_given_back_is_a_new_arrival(place: Place) -> None:
    """A file that changed while it was set aside gets its name back, or one beside it when that is taken."""
    (place.folder / "a.csv").write_text("first")
    file = place.seen("a.csv")
    aside = set_aside(place.drop, file, 7)
    give_back(place.drop, file, aside, 3)
    assert (place.folder / "a.csv").read_text() == "first"
    aside = set_aside(place.drop, file, 7)
    (place.folder / "a.csv").write_text("the second")
    give_back(place.drop, file, aside, 3)
    assert (place.folder / "a.run-3.csv").read_text() == "first"


def test_an_imported_file_goes_to_its_folder(place: Place) -> None:
    """With the run's id in its name when the name is taken, and its marker gone."""
    for run in (1, 2):
        (place.folder / "a.csv").write_text(f"run {run}" * run)
        (place.folder / "a.csv.ok").touch()
        file = place.seen("a.csv")
        place.put_away(file, "a.csv", place.fetch(file, "a.csv").sha256, run)
    assert {path.name: path.read_text() for path in (place.folder / "processed").iterdir()} == {
        "a.csv": "run 1",
        "a.run-2.csv": "run 2run 2",
    }
    assert place.drop.list().files == []


def test_an_imported_file_is_left_or_deleted_as_the_drop_says(place: Place) -> None:
    """Left: nothing changes. Deleted: it is gone, and its marker with it."""
    (place.folder / "a.csv").write_text("x")
    file = place.seen("a.csv")
    sha256 = place.fetch(file, "a.csv").sha256
    assert place.put_away(file, "a.csv", sha256, how="leave") == "left"
    assert place.seen("a.csv") == file
    assert place.put_away(file, "a.csv", sha256, how="delete") == "deleted"
    assert place.drop.stat("a.csv") is None


def test_what_an_attempt_before_had_moved_is_found(place: Place) -> None:
    """After a crash between move and record, the record says where the file went; a file that somebody took is said to be gone."""
    (place.folder / "a.csv").write_text("imported")
    file = place.seen("a.csv")
    sha256 = place.fetch(file, "a.csv").sha256
    assert place.put_away(file, "a.csv", sha256) == "processed/a.csv"
    assert place.put_away(file, "a.csv", sha256) == "processed/a.csv"
    (place.folder / "processed" / "a.csv").unlink()
    assert place.put_away(file, "a.csv", sha256) == "gone"


def test_a_file_that_was_replaced_stays(place: Place) -> None:
    """A new file under the old name stays where it is, even one of the same size written in the same second."""
    (place.folder / "a.csv").write_text("imported")
    file = place.seen("a.csv")
    sha256 = place.fetch(file, "a.csv").sha256
    times = (place.folder / "a.csv").stat()
    (place.folder / "a.csv").write_text("tomorrow")
    os.utime(place.folder / "a.csv", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert place.put_away(file, "a.csv", sha256) == "replaced"
    assert (place.folder / "a.csv").read_text() == "tomorrow"


def test_nothing_is_ever_moved_over(place: Place) -> None:
    """The target of a move that exists is left alone."""
    (place.folder / "a").write_text("a")
    (place.folder / "b").write_text("b")
    assert place.drop.move("a", "b") is False
    assert (place.folder / "b").read_text() == "b"


def test_a_file_can_be_made_and_deleted(place: Place) -> None:
    """What `check` does to see that it may."""
    place.drop.write("probe", [b"one ", b"two"])
    assert (place.folder / "probe").read_text() == "one two"
    place.drop.remove("probe")
    place.drop.remove("probe")
    assert place.drop.list().files == []


def test_subfolders_are_walked_as_deep_as_the_drop_says(place: Place) -> None:
    """Files keep their paths; our own folders are never walked."""
    for path in ("a.csv", "fr/b.csv", "fr/2026/c.csv", "processed/d.csv", "processing/e.csv", "fr/processed/f.csv"):
        (place.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (place.folder / path).write_text("x")
    deep = {
        depth: sorted(file.name for file in walk(place.drop, place.settings.drops["d"].model_copy(update={"depth": depth})))
        for depth in (0, 1, 2)
    }
    assert deep == {
        0: ["a.csv"],
        1: ["a.csv", "fr/b.csv"],
        2: ["a.csv", "fr/2026/c.csv", "fr/b.csv", "fr/processed/f.csv"],
    }
    assert place.fetch(place.drop.list("fr/2026").files[0], "fr/2026/c.csv").size == 1


def test_links_and_pipes_are_no_files(tmp_path: Path, sshd: Sshd) -> None:
    """A pipe is never opened, a link, wherever it leads; servers that follow links themselves are their admins' choice."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "link").symlink_to("/etc/passwd")
    (tmp_path / "drop" / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "drop" / "pipe")
    for drop in ({"kind": "local", "path": tmp_path / "drop"}, sshd_drop(sshd, tmp_path / "drop")):
        settings = settings_with(tmp_path, drop)
        with open_drop("d", settings.drops["d"], settings) as opened:
            assert opened.list() == ([], [])
            assert opened.stat("link") is None


def broken(tmp_path: Path, drop: dict[str, Any], kind: type[TryLater] = TryLater) -> str:
    settings = settings_with(tmp_path, drop)
    with pytest.raises(kind) as caught, open_drop("d", settings.drops["d"], settings) as opened:
        opened.list()
    return str(caught.value)


def test_a_changed_host_key_stops_before_any_credential(tmp_path: Path, sshd: Sshd) -> None:
    """A server that does not show the pinned key is not logged in to, and the message shows the key it has."""
    other = f"ssh-ed25519 {paramiko.Ed25519Key(filename=str(sshd.key_file)).get_base64()}"
    message = broken(tmp_path, sshd_drop(sshd, tmp_path, host_keys=[other], key_file=tmp_path / "no such key"), WrongServer)
    assert "host key is not the one pinned" in message
    assert sshd.host_key in message


def test_what_is_wrong_with_a_server_is_told(tmp_path: Path, sshd: Sshd) -> None:
    """No server, a missing folder, a user not let in: each is a message that names the drop's address."""
    assert f"sftp://127.0.0.1:{sshd.port}" in broken(tmp_path, sshd_drop(sshd, tmp_path / "none"))
    assert "not let in" in broken(tmp_path, sshd_drop(sshd, tmp_path, username="nobody-we-know"), LoginRefused)
    assert "Connection refused" in broken(tmp_path, sshd_drop(sshd, tmp_path, port=free_port()))
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
        settings = settings_with(tmp_path, drop)
        with open_drop("d", settings.drops["d"], settings) as opened:
            (file,) = opened.list().files
            with opened.read(file) as chunks:
                assert b"".join(chunks) == b"x;y\n1;2\n"

"""What a drop trusts: no name, no link, no certificate and no host key but those that the settings vouch for."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from pyftpdlib.handlers import TLS_FTPHandler

from daemon.drops import open_drop, walk
from daemon.errors import Vanished, WrongServer
from tests.support.drop_kinds import fault, ftp_drop, opened, settings_with
from tests.support.ftp_servers import Ftpd
from tests.support.odd_servers import OddSftp


def test_a_name_that_is_a_path_is_left_alone(tmp_path: Path) -> None:
    """Security 2: a server that lists what is no plain name gets nothing fetched, renamed or deleted for it."""
    with OddSftp() as server:
        (server.root / "good.csv").write_text("x")
        server.files.names = (b"../evil.csv", b"..", b"/etc/passwd", b"a/b.csv", b"nul\0.csv", b"")
        settings = settings_with(tmp_path, server.drop(tmp_path, depth=2))
        with open_drop("d", settings.drops["d"], settings) as drop:
            assert [file.name for file in walk(drop, settings.drops["d"])] == ["good.csv"]


def test_a_swap_for_a_link_is_caught(tmp_path: Path) -> None:
    """Security 4: a local file that becomes a link, or another file, between the look and the opening is not read."""
    (tmp_path / "drop").mkdir()
    file = tmp_path / "drop" / "a.csv"
    file.write_text("x")
    with opened(tmp_path, {"kind": "local", "path": tmp_path / "drop"}) as drop:
        (seen,) = drop.list().files
        file.unlink()
        file.symlink_to("/etc/passwd")
        with pytest.raises(Vanished), drop.read(seen):
            pass
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(Vanished), drop.read(seen):
            pass


def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    """Security 6: of FTPS, explicit or implicit; no password is sent before."""
    with Ftpd(TLS_FTPHandler) as server:
        given = ftp_drop(server, tmp_path)
        del given["ca_file"]
        assert "certificate is not trusted" in fault(tmp_path, given, WrongServer)
        assert "certificate is not trusted" in fault(
            tmp_path, given | {"ca_file": server.ca_file, "host": "localhost"}, WrongServer
        )


def test_plain_ftp_must_be_insisted_on(tmp_path: Path) -> None:
    """Security 6: without `insecure = true` there is no such drop, and a server without TLS is none for FTPS."""
    with Ftpd() as server:
        given = ftp_drop(server, tmp_path)
        del given["insecure"]
        with pytest.raises(ValidationError):
            settings_with(tmp_path, given)
        assert "502" in fault(tmp_path, {**given, "kind": "ftps"}) or "500" in fault(tmp_path, {**given, "kind": "ftps"})


def test_the_host_is_known_before_anything_secret_is_sent(tmp_path: Path) -> None:
    """Case 12, security 5: a server with another key sees no password."""
    with OddSftp() as server, OddSftp() as impostor:
        for keys in ([server.host_key], []):
            fault(tmp_path, server.drop(tmp_path, port=impostor.port, host_keys=keys), WrongServer)
        assert impostor.passwords == []
        with opened(tmp_path, server.drop(tmp_path, host_keys=[impostor.host_key, server.host_key])) as drop:
            assert drop.list().files == []


def test_a_wrong_password_is_no_secret_of_the_log(tmp_path: Path) -> None:
    """Security 13: what is said of a refused login does not show what was tried."""
    with OddSftp(password="another") as server, Ftpd() as ftp:
        (tmp_path / "wrong").write_text("hunter2hunter2")
        for drop in (server.drop(tmp_path, password_file="wrong"), ftp_drop(ftp, tmp_path, password_file="wrong")):
            assert "hunter2" not in fault(tmp_path, drop)

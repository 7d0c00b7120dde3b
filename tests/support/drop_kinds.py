"""Every kind of drop on a real server, for the contract that all of them keep."""

import getpass
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.handlers import TLS_FTPHandler

from daemon.drops import open_drop
from daemon.drops.base import Drop
from daemon.errors import TryLater
from daemon.settings import Settings
from tests.support.ftp_servers import Ftpd, Implicit, Vsftpd, WithoutMlsd
from tests.support.servers import Sshd

Given = tuple[dict[str, Any], Path]
"""A drop's settings, and its folder as the ERP sees it."""


def sshd_drop(sshd: Sshd, folder: Path, **more: Any) -> dict[str, Any]:
    """Settings for a drop on OpenSSH's server."""
    return {
        "kind": "sftp", "host": "127.0.0.1", "port": sshd.port, "path": str(folder), "username": getpass.getuser(),
        "key_file": sshd.key_file, "host_keys": [sshd.host_key], **more,
    }  # fmt: skip


def ftp_drop(server: Ftpd | Vsftpd, home: Path, **more: Any) -> dict[str, Any]:
    """Settings for the folder `drop` on an FTP server."""
    (server.root / "drop").mkdir(exist_ok=True)
    (home / "ftp.password").write_text("secret\n")
    secure = {"kind": "ftps", "ca_file": server.ca_file} if hasattr(server, "ca_file") else {"kind": "ftp", "insecure": True}
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "path": "drop",
        "username": "erp",
        "password_file": "ftp.password",
        **secure,
        **more,
    }


@contextmanager
def local(home: Path, sshd: Sshd) -> Iterator[Given]:
    (home / "drop").mkdir()
    yield {"kind": "local", "path": home / "drop"}, home / "drop"


@contextmanager
def posted(home: Path, sshd: Sshd) -> Iterator[Given]:
    folder = home / "uploads" / "d"
    folder.mkdir(parents=True)
    yield {"kind": "http", "token_file": home / "token"}, folder


@contextmanager
def openssh(home: Path, sshd: Sshd) -> Iterator[Given]:
    (home / "drop").mkdir()
    yield sshd_drop(sshd, home / "drop"), home / "drop"


@contextmanager
def vsftpd(home: Path, sshd: Sshd) -> Iterator[Given]:
    with Vsftpd() as server:
        yield ftp_drop(server, home, username="anonymous"), server.root / "drop"


def pyftpdlib(handler: Any, **more: Any) -> Callable[[Path, Sshd], Any]:
    @contextmanager
    def started(home: Path, sshd: Sshd) -> Iterator[Given]:
        with Ftpd(handler) as server:
            yield ftp_drop(server, home, **more), server.root / "drop"

    return started


KINDS: dict[str, Callable[[Path, Sshd], Any]] = {
    "local": local,
    "posted": posted,
    "sftp": openssh,
    "ftps by vsftpd": vsftpd,
    "ftps": pyftpdlib(TLS_FTPHandler),
    "ftps implicit": pyftpdlib(Implicit, implicit=True),
    "ftp without MLSD": pyftpdlib(WithoutMlsd),
}


def settings_with(home: Path, drop: dict[str, Any], **more: Any) -> Settings:
    """Settings with one drop, `d`."""
    return Settings.model_validate({"home": home, "drops": {"d": drop}, **more})


@contextmanager
def opened(home: Path, drop: dict[str, Any]) -> Iterator[Drop]:
    """A drop, connected to."""
    settings = settings_with(home, drop)
    with open_drop("d", settings.drops["d"], settings) as entered:
        yield entered


def fault(home: Path, drop: dict[str, Any], kind: type[TryLater] = TryLater) -> str:
    """What is wrong with a drop, and that it is told within its time-out."""
    began = time.monotonic()
    with pytest.raises(kind) as caught, opened(home, drop) as entered:
        entered.list()
    assert time.monotonic() - began < 10
    return str(caught.value)

"""Strangers at the web server: whatever they do to it, files are imported meanwhile, and the pages answer again."""

import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.office import ITEMS_HEADER
from tests.support.servers import MailServer
from tests.support.service import Service

TOKEN = "0123456789abcdef0123456789abcdef"
POSTS = '[drops.api]\nkind = "http"\ntoken_file = "token"\n'
REJECTED = 20_000


@pytest.fixture
def service(tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]) -> Iterator[Service]:
    """The service, with a drop that is posted to, a customer, and a run with many rejected rows."""
    (tmp_path / "token").write_text(TOKEN)
    with Service(tmp_path, database, mail_server, eventually, POSTS) as made:
        made.arrive("customers.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
        made.wait_for("imported")
        yield made


def test_an_endless_form_without_a_link_of_ours_fills_nothing(service: Service) -> None:
    """A body that never ends, posted to an address that opens nothing, is answered before it is read."""
    with meeting(service) as stranger:
        stranger.sendall(b"POST /d/forged HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n")
        stranger.sendall(b"Content-Type: multipart/form-data; boundary=b\r\n\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                stranger.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        assert sent < 16 << 20
        imports_go_on(service)


def test_idle_connections_keep_nobody_out(service: Service) -> None:
    """1,100 connections that ask for nothing: no import notices, and they are cut, so that the pages answer again."""
    with contextlib.ExitStack() as opened:
        for _ in range(1100):
            with contextlib.suppress(OSError):
                opened.enter_context(meeting(service))
        imports_go_on(service)
        service.eventually(service.serves, 20)


def test_stalled_downloads_hold_no_connection_to_the_database(service: Service) -> None:
    """130 readers who ask for all rejected rows and take none: no import notices, and another reader gets the page."""
    rows = "".join(f"C1;R{n};31/02/2024;02/03/2024;{'x' * 200}\n" for n in range(REJECTED))
    service.arrive("items-bad.csv", ITEMS_HEADER + rows)
    service.wait_for("imported", 2)
    address = rejected_rows(service)
    with contextlib.ExitStack() as opened:
        for _ in range(130):
            with contextlib.suppress(OSError):
                stranger = opened.enter_context(meeting(service, receive=4096))
                stranger.sendall(f"GET {address}/rejects.csv HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        imports_go_on(service)
        service.eventually(lambda: status(service, address) == 200, 30)


def test_a_monstrous_header_costs_no_time(service: Service) -> None:
    """A name in 3,300 parts is refused at once, also to who has the token."""
    parts = "; ".join(f"filename*{number}=a" for number in range(3300))
    began = time.monotonic()
    with meeting(service) as stranger:
        stranger.sendall(f"POST /api/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode())
        with contextlib.suppress(OSError):
            stranger.sendall(f"Content-Disposition: attachment; {parts}\r\nContent-Length: 0\r\n\r\n".encode())
        assert service.serves()
        assert time.monotonic() - began < 5
        imports_go_on(service)


def test_wrong_tokens_are_noticed_and_slowed(service: Service) -> None:
    """After twenty wrong ones in a minute whoever shows them waits, and the log says who; the right one is taken as ever."""
    answers = [status(service, "/api/imports/1", f"wrong-{number}") for number in range(23)]
    assert answers == [401] * 20 + [429] * 3
    assert status(service, "/api/imports/1", TOKEN) == 404
    assert "refused_often" in (service.home / "service.log").read_text()
    imports_go_on(service)


@contextlib.contextmanager
def meeting(service: Service, receive: int = 0) -> Iterator[socket.socket]:
    """A stranger's connection to the pages, with a small window if so wished."""
    with socket.socket() as stranger:
        if receive:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        stranger.settimeout(5)
        stranger.connect(("127.0.0.1", service.port))
        yield stranger


def imports_go_on(service: Service) -> None:
    """A file that comes now is imported within ten seconds."""
    before = len(service.runs())
    service.arrive(f"customers-{before}.csv", f"Code;Name;City;Limit\nN{before};Dupont;Lyon;\n")
    service.eventually(lambda: [run[1] for run in service.runs()][before:] == ["imported"], 10)


def rejected_rows(service: Service) -> str:
    """The path of the page with the rejected rows of the second run."""
    shown = subprocess.run(
        [*service.command[:-1], "imports", "show", "2", "--json"], env=service.environment, capture_output=True, check=True
    )
    url: str = json.loads(shown.stdout)["rejects_url"]
    return url.removeprefix(f"http://127.0.0.1:{service.port}")


def status(service: Service, path: str, token: str = "") -> int | None:
    """What an address answers; None when it does not."""
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None

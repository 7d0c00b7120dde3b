"""What is done with paramiko's private names: a new version that does otherwise is noticed here, not at night."""

import time
from pathlib import Path
from typing import Any

import paramiko
import pytest
from paramiko.auth_handler import AuthOnlyHandler

from daemon.errors import TryLater
from tests.support.drop_kinds import opened, sshd_drop
from tests.support.servers import Sshd


def test_paramiko_insides_are_as_we_use_them(tmp_path: Path, sshd: Sshd) -> None:
    """A folder is listed and a file read by requests of our own, against a real server."""
    (tmp_path / "ä.csv").write_bytes(b"x" * 300_000)
    with opened(tmp_path, sshd_drop(sshd, tmp_path)) as drop:
        file = next(file for file in drop.list().files if file.name == "ä.csv")
        with drop.read(file) as chunks:
            assert b"".join(chunks) == b"x" * 300_000
    assert {"send_auth_request", "wait_for_response"} <= set(dir(AuthOnlyHandler))


def test_an_answer_that_is_quicker_than_we_are_lets_us_in(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login succeeds at once though the server has answered before paramiko makes ready to hear it, as on a busy machine."""
    send = paramiko.Transport._send_message

    def dawdle(transport: paramiko.Transport, message: Any) -> None:
        send(transport, message)
        time.sleep(0.3)

    monkeypatch.setattr(paramiko.Transport, "_send_message", dawdle)
    began = time.monotonic()
    with opened(tmp_path, sshd_drop(sshd, tmp_path, timeout="20s")) as drop:
        drop.list()
    assert time.monotonic() - began < 15


def test_a_server_that_never_answers_a_login_is_given_up(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request to log in is waited for as long as the drop's time-out, and then the drop is in fault."""
    monkeypatch.setattr(paramiko.ServiceRequestingTransport, "_parse_service_accept", lambda transport, message: None)
    with pytest.raises(TryLater, match="no answer"), opened(tmp_path, sshd_drop(sshd, tmp_path, timeout="2s")):
        pass

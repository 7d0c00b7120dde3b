"""Sending mail through the admin's server."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from daemon.errors import TryLater
from daemon.results.smtp import send
from daemon.settings import Mail, Settings
from tests.support.servers import MailServer, free_port


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "np@example.com", "credit@example.com", "Échéances"
    message.set_content("importées")
    return message


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_mail_leaves_by_any_kind_of_server(tmp_path: Path, security: str) -> None:
    """Plain, STARTTLS and TLS, with a login, and the server's certificate verified."""
    (tmp_path / "password").write_text("secret")
    with MailServer(security, ("np", "secret")) as server:
        mail = Mail.model_validate({"host": "127.0.0.1", "port": server.port, "security": security, "username": "np",
                                    "password_file": "password", "ca_file": getattr(server, "ca_file", None)})  # fmt: skip
        send(Settings(home=tmp_path), mail, letter())
    assert [message["Subject"] for message in server.messages] == ["Échéances"]


def test_a_server_with_an_unknown_certificate_gets_nothing(tmp_path: Path) -> None:
    """A certificate that nobody vouches for stops the mail before the login."""
    with MailServer("starttls") as server, pytest.raises(TryLater, match="certificate"):
        send(Settings(home=tmp_path), Mail(host="127.0.0.1", port=server.port), letter())
    assert server.messages == []


def test_whatever_the_server_says_no_to_is_tried_later(tmp_path: Path) -> None:
    """A refusal for now, and a server that is not there, are the world's fault."""
    with MailServer() as server:
        server.refuse = 1
        with pytest.raises(TryLater, match="451"):
            send(Settings(home=tmp_path), Mail(host="127.0.0.1", port=server.port, security="none"), letter())
    with pytest.raises(TryLater, match="the mail server"):
        send(Settings(home=tmp_path), Mail(host="127.0.0.1", port=free_port(), security="none"), letter())


def test_many_mails_go_by_one_session(tmp_path: Path) -> None:
    """Also after one that was not taken; a server that hangs up between two mails gets the next one by a new session."""
    settings = Settings(home=tmp_path)
    with MailServer() as server:
        mail = Mail(host="127.0.0.1", port=server.port, security="none")
        for _ in range(5):
            send(settings, mail, letter())
        assert (len(server.messages), len(server.sessions)) == (5, 1)
        server.refuse = 1
        with pytest.raises(TryLater, match="451"):
            send(settings, mail, letter())
        server.drop = 1
        with pytest.raises(TryLater):
            send(settings, mail, letter())
        send(settings, mail, letter())
        assert len(server.messages) == 7

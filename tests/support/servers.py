"""Real servers on loopback: OpenSSH's, and a mail server that keeps what it gets."""

import asyncio
import atexit
import email
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sshd:
    """OpenSSH's server with its own SFTP subsystem, for the user who runs the tests, who logs in by key."""

    def __init__(self, rekey: str = "1M") -> None:
        self._rekey = rekey

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="nightporter-sshd-"))
        self.port = free_port()
        self.key_file = self._keygen("user_key")
        host_key = self._keygen("host_key")
        self.host_key = " ".join(host_key.with_suffix(".pub").read_text().split()[:2])
        authorized = self.folder / "authorized_keys"
        shutil.copy(self.key_file.with_suffix(".pub"), authorized)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # OpenSSH's privilege separation wants it
        config = self.folder / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {host_key}\nAuthorizedKeysFile {authorized}\n"
            f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"
            f"Subsystem sftp internal-sftp\nRekeyLimit {self._rekey}\n"
        )
        self._process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        wait_for(self.port)
        return self

    def _keygen(self, name: str) -> Path:
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.folder)


class _Controller(Controller):
    """One that knows its connections, and ends them before its loop ends."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._made: list[SMTP] = []
        super().__init__(*arguments, **options)

    def factory(self) -> SMTP:
        """What speaks with the next client."""
        self._made.append(SMTP(self.handler, **self.SMTP_kwargs))
        return self._made[-1]

    async def hang_up(self) -> None:
        """End every connection, and let the loop see to that."""
        for each in self._made:
            if isinstance(each.transport, asyncio.WriteTransport):
                each.transport.abort()
        await asyncio.sleep(0.01)


class MailServer:
    """An SMTP server; `messages` is what it took, `refuse` makes it say not now to the next ones, `drop` makes it hang up after
    the next ones without a word; `nobody` are addresses that it does not know, `sessions` those by which messages came.
    """

    def __init__(self, tls: str = "none", login: tuple[str, str] | None = None) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse = 0
        self.nobody: set[str] = set()
        self.drop = 0
        self.sessions: dict[object, Any] = {}
        self.port = free_port()
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": self.port}
        if tls != "none":
            self.ca_file, key = certificate()
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.ca_file, key)
            options |= {"ssl_context": context} if tls == "tls" else {"tls_context": context, "require_starttls": True}
        if login:
            options |= {
                "auth_required": True,
                "auth_require_tls": False,
                "authenticator": lambda *a: AuthResult(success=(a[-1].login.decode(), a[-1].password.decode()) == login),
            }
        self._controller = _Controller(self, **options)

    async def handle_RCPT(self, server: Any, session: object, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if address in self.nobody:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: object, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse:
            self.refuse -= 1
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        self.sessions[session] = server.transport
        self.messages.append(message)
        if self.drop:
            self.drop -= 1
            server.transport.close()
        return "250 kept"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._controller.hang_up(), self._controller.loop).result(10)
        self._controller.stop()


def certificate() -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody but itself has signed, and its key."""
    folder = Path(tempfile.mkdtemp(prefix="nightporter-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=nightporter", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


def wait_for(port: int) -> None:
    """Wait until somebody listens on a port."""
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end
            threading.Event().wait(0.05)

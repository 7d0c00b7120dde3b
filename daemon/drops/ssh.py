"""The way into an SFTP server: connect, know the host by its pinned key, log in."""

import contextlib
import io
import queue
import re
import socket
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from daemon.drops.paramiko_insides import Transport
from daemon.errors import LoginRefused, SetupFault, TryLater, WrongServer
from daemon.settings import Settings, SftpDrop

_LARGEST_PACKET = 1 << 17
"""Bytes. Each packet costs paramiko the same, whatever is in it (measured)."""


@dataclass(frozen=True)
class HostKey:
    """A server's key, as known_hosts has it: its type and its base64."""

    kind: str
    base64: str

    def __str__(self) -> str:
        return f"{self.kind} {self.base64}"

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it."""
        return "SHA256:" + b64encode(sha256(b64decode(self.base64)).digest()).decode().rstrip("=")


def pinned(drop: SftpDrop) -> list[HostKey]:
    """The keys that the settings pin. Raises SetupFault for a line that is none."""
    keys = []
    for line in drop.host_keys:
        try:
            entry = paramiko.hostkeys.HostKeyEntry.from_line(f"host {line}")
        except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey, ValueError):
            entry = None
        if entry is None or entry.key is None:
            raise SetupFault(f'this is no host key: "{line}"; it looks like "ssh-ed25519 AAAA…"')
        keys.append(HostKey(entry.key.get_name(), entry.key.get_base64()))
    return keys


def connect(drop: SftpDrop, prefer: list[HostKey]) -> paramiko.Transport:
    """A connection whose host key is agreed on, though not judged yet; keys of the types of `prefer` are asked for first."""
    connected = socket.create_connection((drop.host, drop.port), drop.timeout)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # requests are small, and waited for
    transport = Transport(connected, default_max_packet_size=_LARGEST_PACKET)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = drop.timeout
    transport.channel_timeout = drop.timeout
    options = transport.get_security_options()
    options.ciphers = sorted(options.ciphers, key=lambda cipher: "gcm" not in cipher)  # one pass over the bytes, not two
    if not drop.legacy:
        options.ciphers = [each for each in options.ciphers if not re.search("3des|cbc|arcfour|blowfish", each)]
        options.digests = [each for each in options.digests if not re.match("hmac-(sha1|md5)", each)]
        options.kex = [each for each in options.kex if not each.endswith("sha1")]
    wanted = {key.kind for key in prefer}
    options.key_types = sorted(options.key_types, key=lambda kind: _family(kind) not in wanted)
    try:
        transport.start_client(timeout=drop.timeout)
        if not transport.initial_kex_done:
            raise TryLater("the server did not agree on keys in time")
    except BaseException:
        transport.close()
        raise
    return transport


def _family(kind: str) -> str:
    return "ssh-rsa" if kind.startswith("rsa-sha2") else kind


def host_key(transport: paramiko.Transport) -> HostKey:
    """The key that the server has proven to hold."""
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.get_base64())


def served_key(drop: SftpDrop) -> HostKey:
    """The key that a drop's server shows now, whatever is pinned. Raises TryLater."""
    try:
        transport = connect(drop, pinned(drop))
    except (paramiko.SSHException, OSError, EOFError, UnicodeError, SetupFault) as error:
        raise TryLater(f"{drop.host}:{drop.port}: {error}") from error
    try:
        return host_key(transport)
    finally:
        transport.close()


def judge(transport: paramiko.Transport, keys: list[HostKey]) -> None:
    """Raise WrongServer unless the server's key is one of `keys`. Nothing secret has been sent yet."""
    shown = host_key(transport)
    if not keys:
        raise WrongServer(f"no host key is pinned; the server shows {shown}")
    if shown not in keys:
        raise WrongServer(f"the server's host key is not the one pinned; it shows {shown}")


def log_in(transport: paramiko.Transport, name: str, drop: SftpDrop, settings: Settings) -> None:
    """Log in by the drop's key, its agent's keys, or its password, or by what the server wants of these one after the other."""
    password = settings.secret(drop.password_file, f"{name}_password")
    why = "there is no key and no password to show"
    with contextlib.ExitStack() as opened:
        keys: list[paramiko.PKey] = []
        if drop.key_file:
            keys.append(_private_key(settings.path(drop.key_file), settings.secret(None, f"{name}_passphrase")))
        if drop.agent:
            keys += opened.enter_context(contextlib.closing(_agent(drop.timeout))).get_keys()
        for key in keys:
            why = _refusal(transport, partial(transport.auth_publickey, drop.username, key))
            if transport.is_authenticated():
                return
    if password is not None:
        why = _refusal(transport, partial(transport.auth_password, drop.username, password))
    if not transport.is_authenticated():
        raise LoginRefused(f"{drop.username} was not let in: {why}")


def _refusal(transport: paramiko.Transport, show: Callable[[], list[str]]) -> str:
    """What a server says to one way of logging in; '' when it takes it. Raises TryLater for what is no refusal."""
    try:
        still = show()
    except paramiko.AuthenticationException as error:
        if not transport.is_active() or "timeout" in str(error):
            raise TryLater(f"the connection was lost during the login: {error}") from error
        return str(error)
    return f"the server wants more: {', '.join(still)}" if still else ""


def _private_key(path: Path, passphrase: str | None) -> paramiko.PKey:
    """A private key of any kind and format. paramiko itself reads OpenSSH's own formats only. Raises SetupFault."""
    try:
        data = path.read_bytes()
        load: Any = serialization.load_ssh_private_key if b"OPENSSH" in data else serialization.load_pem_private_key
        try:
            loaded = load(data, None)
        except TypeError:
            loaded = load(data, (passphrase or "").encode())
        plain = loaded.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ).decode()
        for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
            with contextlib.suppress(paramiko.SSHException):
                return kind.from_private_key(io.StringIO(plain))
        raise ValueError("no Ed25519, ECDSA or RSA key")
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm, paramiko.SSHException) as error:
        raise SetupFault(f"the key in {path} cannot be used: {error}") from error


def agent_fingerprints(drop: SftpDrop) -> list[str]:
    """What the running ssh-agent would show for a drop. Raises TryLater when it does not answer."""
    if not drop.agent:
        return []
    with contextlib.closing(_agent(drop.timeout)) as agent:
        return [key.fingerprint for key in agent.get_keys()]


def _agent(seconds: float) -> paramiko.Agent:
    """The running ssh-agent, with its keys. Raises TryLater when it does not answer in time: it may be asking a person."""
    answer: queue.Queue[paramiko.Agent] = queue.Queue()

    def ask() -> None:
        with contextlib.suppress(paramiko.SSHException, OSError):
            answer.put(paramiko.Agent())

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.get(timeout=seconds)
    except queue.Empty:
        raise TryLater("the ssh-agent does not answer") from None

"""The way into an SFTP server: connect, know the host by its pinned key, log in."""

import socket
from dataclasses import dataclass

import paramiko

from daemon.drop_settings import SftpDrop
from daemon.errors import LoginRefused, SetupFault, TryLater, WrongServer
from daemon.settings import Settings


@dataclass(frozen=True)
class HostKey:
    """A server's key, as known_hosts has it: its type and its base64."""

    kind: str
    base64: str

    def __str__(self) -> str:
        return f"{self.kind} {self.base64}"


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
    transport = paramiko.Transport(connected)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = drop.timeout
    transport.channel_timeout = drop.timeout
    options = transport.get_security_options()
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
    except (paramiko.SSHException, OSError, EOFError, SetupFault) as error:
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
    keys: list[paramiko.PKey] = []
    if drop.key_file:
        passphrase = settings.secret(None, f"{name}_passphrase")
        try:
            keys.append(paramiko.PKey.from_path(settings.path(drop.key_file), passphrase))
        except (OSError, ValueError, TypeError, paramiko.SSHException) as error:
            raise SetupFault(f"the key in {settings.path(drop.key_file)} cannot be used: {error}") from error
    if drop.agent:
        keys += paramiko.Agent().get_keys()
    password = settings.secret(drop.password_file, f"{name}_password")
    still: list[str] = []
    refused: paramiko.AuthenticationException | None = None
    for key in keys:
        try:
            still = transport.auth_publickey(drop.username, key)
            break
        except paramiko.AuthenticationException as error:
            refused = error
    if (
        not transport.is_authenticated()
        and password is not None
        and (refused is None or not drop.key_file or "password" in still)
    ):
        try:
            still = transport.auth_password(drop.username, password)
        except paramiko.AuthenticationException as error:
            refused = error
    if not transport.is_authenticated():
        why = refused or (f"the server wants more: {', '.join(still)}" if still else "there is no key and no password to show")
        raise LoginRefused(f"{drop.username} was not let in: {why}")

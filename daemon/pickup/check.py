"""Examining a drop: every step of the way to its files, each with what was found and, where it does not work, what to do."""

import base64
import hashlib
import secrets
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from daemon import ledger, queue
from daemon.drops import Drop, Ftp, chosen, open_drop, served_key, walk
from daemon.errors import FileRefused, LoginRefused, SetupFault, TryLater, WrongServer
from daemon.model import basename, shown
from daemon.profiles import Profiles
from daemon.settings import CLAIMED, DropSettings, FtpDrop, FtpsDrop, HttpDrop, LocalDrop, Settings, SftpDrop


class Finding(NamedTuple):
    """What was found of one thing: whether it works, what there is to say, and what to do if it does not."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""


def examine_drop(settings: Settings, profiles: Profiles, name: str) -> Iterator[Finding]:
    """Try one drop, step by step, as far as it goes. A file is written, renamed and deleted where the drop moves files."""
    here, what = settings.drops[name], f"drop {name}"
    table = f"[drops.{name}] in the settings"
    if isinstance(here, HttpDrop):
        yield _token(settings, name, here, what)
        return
    if not isinstance(here, LocalDrop):
        reached = list(_reached(here, what))
        yield from reached
        if not reached[-1].ok:
            return
    drop = open_drop(name, here, settings)
    try:
        with drop:
            yield from _let_in(here, drop, what)
            files = [file for file in walk(drop, here) if chosen(file.name, here)]
            yield Finding(what, True, f"can be listed; {len(files)} files wait")
            yield from _rights(here, drop, what)
            yield from _skills(drop, what)
    except WrongServer as fault:
        yield Finding(
            what, False, str(fault), f"nightporter check --pin shows what the server has; compare, then correct {table}"
        )
        return
    except LoginRefused as fault:
        yield Finding(what, False, shown(str(fault)), f"ask the server's admin, then correct user, key or password in {table}")
        return
    except TryLater as fault:
        yield Finding(what, False, shown(str(fault)), f"see {table}: is the path right, and may {_user(here)} read it?")
        return
    for file in sorted(files, key=lambda file: file.name):
        yield _match(profiles, name, what, file.name)


def _token(settings: Settings, name: str, here: HttpDrop, what: str) -> Finding:
    try:
        token = settings.secret(here.token_file, f"{name}_token") or ""
    except SetupFault as fault:
        return Finding(what, False, str(fault), "make one: openssl rand -hex 32")
    if len(token) < here.shortest_token:
        return Finding(
            what, False, f"its token has fewer than {here.shortest_token} characters", "make one: openssl rand -hex 32"
        )
    return Finding(what, True, f"files may be posted to {settings.web.public_url}/api/imports with its token")


def _reached(here: SftpDrop | FtpsDrop | FtpDrop, what: str) -> Iterator[Finding]:
    """Name resolution and port."""
    port = here.port or (990 if isinstance(here, FtpsDrop) and here.implicit else 21)
    try:
        found = socket.getaddrinfo(here.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        yield Finding(
            what,
            False,
            f"{here.host} has no address: {getattr(error, 'strerror', None) or error}",
            "is the host's name right, and the DNS reachable?",
        )
        return
    yield Finding(what, True, f"{here.host} is {found[0][4][0]}")
    try:
        socket.create_connection((here.host, port), here.timeout).close()
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        yield Finding(
            what, False, f"port {port} does not answer: {said}", "is the port right, and open in every firewall between?"
        )
        return
    yield Finding(what, True, f"port {port} answers")


def _let_in(here: DropSettings, drop: Drop, what: str) -> Iterator[Finding]:
    """What connecting has shown already."""
    if isinstance(here, LocalDrop):
        return
    yield Finding(what, True, f"says {shown(drop.greeting)}")
    if isinstance(here, SftpDrop):
        yield Finding(what, True, "shows a host key that is pinned")
    elif isinstance(here, FtpsDrop):
        yield Finding(what, True, "shows a certificate that is trusted, for its name")
    else:
        yield Finding(what, True, "speaks in the clear, as the settings insist: password and files can be read on the way")
    yield Finding(what, True, f"lets {_user(here)} in")


def _rights(here: DropSettings, drop: Drop, what: str) -> Iterator[Finding]:
    """May files be written, renamed and deleted; and what does the server's clock say."""
    if {here.imported, here.refused} == {"leave"}:
        yield Finding(what, True, "files are left where they are, so no rights to rename are needed")
        return
    probe = f".nightporter-probe-{secrets.token_hex(4)}"
    aside = f"{CLAIMED}/{probe}"
    try:
        try:
            drop.write(probe, [b"nightporter check\n"])
            made = drop.stat(probe)
            drop.move(probe, aside)
        finally:
            for path in (probe, aside):
                drop.remove(path)
    except TryLater as fault:
        remedy = f'let {_user(here)} write, rename and delete there, or say imported = "leave" and refused = "leave"'
        yield Finding(what, False, f"files cannot be moved out of the way: {shown(str(fault))}", remedy)
        return
    yield Finding(what, True, "files may be written, renamed and deleted")
    if made:
        seconds = made.mtime / (1e9 if isinstance(here, LocalDrop) else 1) - time.time()
        told = "agrees with ours" if abs(seconds) < 90 else f"is {_span(seconds)} ours, which has no effect"
        yield Finding(what, True, f"its clock {told}")


def _skills(drop: Drop, what: str) -> Iterator[Finding]:
    """What an FTP server can and cannot."""
    if not isinstance(drop, Ftp):
        return
    exact = (
        "MLSD"
        if "MLST" in drop.session.features
        else "LIST and MDTM"
        if "MDTM" in drop.session.features
        else "LIST alone, times to the minute"
    )
    yield Finding(what, True, f"lists by {exact}")
    if drop.session.resumes_sessions is not None:
        yield Finding(
            what, True, f"data connections {'resume' if drop.session.resumes_sessions else 'do not resume'} the TLS session"
        )


def _match(profiles: Profiles, name: str, what: str, path: str) -> Finding:
    try:
        profile = profiles.match(basename(path), name)
    except FileRefused as refused:
        return Finding(what, False, f"{path!a} is claimed by {refused.detail}", "change a pattern, so that one of them claims it")
    return Finding(what, True, f"{path!a} is for {f'profile {profile.name}' if profile else 'no profile'}")


def state_of(conn: Connection, name: str) -> Iterator[Finding]:
    """How the service finds a drop: what fails, since when, and when it looks again."""
    state = ledger.drops.drop_state(conn, name, queue.this_host())
    if state is None or not state.fault:
        return
    since = f"since {state.since:%Y-%m-%d %H:%M} UTC" if state.since else ""
    next_look = f"next look {state.next_look:%H:%M:%S} UTC" if state.next_look else ""
    if state.refusals >= ledger.drops.REFUSALS:
        next_look = "tried once a day until its credentials or settings change"
    yield Finding(
        f"service: drop {name}", False, f"{state.faults} looks failed {since}: {state.fault}; {next_look}", "see the drop above"
    )


def served_host_keys(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """For each SFTP drop its name, the host key that its server shows now, and that key's fingerprint, or what is wrong."""
    for name, drop in settings.drops.items():
        if isinstance(drop, SftpDrop):
            try:
                key = served_key(drop)
            except TryLater as fault:
                yield name, "", shown(str(fault))
                continue
            digest = hashlib.sha256(base64.b64decode(key.base64)).digest()
            yield name, str(key), "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _span(seconds: float) -> str:
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    return f"{hours} h {minutes} min {'ahead of' if seconds > 0 else 'behind'}"


def _user(here: DropSettings) -> str:
    return getattr(here, "username", "this user")

"""Examining a drop: every step of the way to its files, each with what was found and, where it does not work, what to do."""

import secrets
import time
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from daemon import ledger, queue
from daemon.drops import Drop, Proof, chosen, open_drop, walk
from daemon.errors import FileRefused, LoginRefused, TryLater, WrongServer
from daemon.model import basename, shown
from daemon.profiles import Profiles
from daemon.settings import ASIDE, DropSettings, Settings


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
    drop = open_drop(name, here, settings)
    for step in drop.way():
        yield Finding(what, *step)
        if not step.ok:
            return
    if drop.is_ours:
        return
    try:
        with drop:
            if drop.greeting:
                yield Finding(what, True, f"says {shown(drop.greeting)}")
            for step in drop.door():
                yield Finding(what, *step)
            if drop.greeting:
                yield Finding(what, True, f"lets {_user(here)} in")
            files = [file for file in walk(drop, here) if chosen(file.name, here)]
            yield Finding(what, True, f"can be listed; {len(files)} files wait")
            yield from _rights(here, drop, what)
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


def _rights(here: DropSettings, drop: Drop, what: str) -> Iterator[Finding]:
    """May files be written, renamed and deleted; and what does the server's clock say."""
    if {here.imported, here.refused} == {"leave"}:
        yield Finding(what, True, "files are left where they are, so no rights to rename are needed")
        return
    probe = f".nightporter-probe-{secrets.token_hex(4)}"
    aside = f"{ASIDE}/{probe}"
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
        seconds = made.mtime / drop.ticks - time.time()
        told = "agrees with ours" if abs(seconds) < 90 else f"is {_span(seconds)} ours, which has no effect"
        yield Finding(what, True, f"its clock {told}")


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


def served_proofs(settings: Settings) -> Iterator[tuple[str, Proof | str]]:
    """For each drop whose server has to prove itself its name, and what it shows now, or else what is wrong."""
    for name, drop in settings.drops.items():
        try:
            proof: Proof | str | None = open_drop(name, drop, settings).served_proof()
        except TryLater as fault:
            proof = shown(str(fault))
        if proof:
            yield name, proof


def _span(seconds: float) -> str:
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    return f"{hours} h {minutes} min {'ahead of' if seconds > 0 else 'behind'}"


def _user(here: DropSettings) -> str:
    return getattr(here, "username", "this user")

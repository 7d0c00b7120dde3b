"""`check`: does everything that the settings name work, and what to do where it does not."""

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import typer

from daemon.cli.files import Json

if TYPE_CHECKING:
    from daemon.settings import Settings


class Finding(NamedTuple):
    """What was found of one thing: whether it works, and what to say of it."""

    what: str
    ok: bool
    detail: str


def check(context: typer.Context, as_json: Json = False) -> None:
    """Try every drop, every profile, the database and the mail server; exit 1 if any does not work."""
    from daemon import settings
    from daemon.cli.show import print_json

    loaded = settings.load(context.obj)
    findings = [*_database(loaded), *_profiles(loaded), *_drops(loaded), *_mail(loaded)]
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            print(f"{'ok   ' if finding.ok else 'FAULT'} {finding.what}: {finding.detail}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _database(settings: "Settings") -> Iterator[Finding]:
    from daemon import postgres
    from daemon.errors import SetupFault, TryLater

    what = "database" if settings.database.url or "NIGHTPORTER_DATABASE_URL" in os.environ else "embedded database"
    try:
        with postgres.opened(settings):
            yield Finding(what, True, "answers, schemas up to date")
    except (TryLater, SetupFault) as error:
        yield Finding(what, False, f"{error}; see [database] in the settings")


def _profiles(settings: "Settings") -> Iterator[Finding]:
    from daemon.profiles import Profiles

    profiles = Profiles(settings.profiles)
    for profile in profiles:
        if profile.drop and profile.drop not in settings.drops:
            yield Finding(f"profile {profile.name}", False, f'there is no drop "{profile.drop}" in the settings')
        else:
            yield Finding(f"profile {profile.name}", True, f"takes {profile.pattern or profile.regex} into {profile.dataset}")
    for fault in profiles.faults:
        yield Finding(f"profile {fault.file.stem}", False, str(fault))
    if not list(profiles):
        yield Finding(
            "profiles",
            False,
            f"there are none in {settings.profiles}; nightporter profile list shows ready-made ones to copy",
        )


def _drops(settings: "Settings") -> Iterator[Finding]:
    from daemon.drops import open_drop, walk
    from daemon.drops.choice import chosen
    from daemon.errors import FileRefused, TryLater
    from daemon.profiles import Profiles

    profiles = Profiles(settings.profiles)
    for name, drop in settings.drops.items():
        what = f"drop {name}"
        try:
            with open_drop(name, drop, settings) as opened:
                files = [file.name for file in walk(opened, drop) if chosen(file.name, drop)]
        except TryLater as error:
            yield Finding(what, False, f"{error}; see [drops.{name}] in the settings")
            continue
        yield Finding(what, True, f"can be listed; {len(files)} files wait")
        for file in files:
            try:
                profile = profiles.match(file, name)
                yield Finding(what, True, f"{file!a} is for {f'profile {profile.name}' if profile else 'no profile'}")
            except FileRefused as error:
                yield Finding(what, False, f"{file!a} is claimed by {error.detail}; change a pattern")
    if not settings.drops:
        yield Finding("drops", False, "the settings name none; add a [drops.<name>] table")


def _mail(settings: "Settings") -> Iterator[Finding]:
    from daemon.errors import TryLater
    from daemon.results.smtp import session

    if settings.mail is None:
        yield Finding("mail", False, "nobody will be told of anything: add a [mail] table to the settings")
        return
    if not settings.mail.admins:
        yield Finding("mail", False, "nobody is told of what no profile names anybody for: name admins in [mail]")
    try:
        with session(settings, settings.mail) as smtp:
            smtp.noop()
        yield Finding("mail", True, f"{settings.mail.host} answers" + (" and lets us in" if settings.mail.username else ""))
    except TryLater as error:
        yield Finding("mail", False, f"{error}; see [mail] in the settings")

"""`check`: does everything that the settings name work, and what to do where it does not."""

import contextlib
import os
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.files import Json

if TYPE_CHECKING:
    from daemon.pickup import Finding
    from daemon.settings import Settings


def check(
    context: typer.Context,
    pin: Annotated[
        bool,
        typer.Option(
            "--pin", help="Only show the host keys and certificates that the servers of the drops have, and where to put them."
        ),
    ] = False,
    mail_to: Annotated[str | None, typer.Option("--mail-to", help="Only send a test mail to this address.")] = None,
    language: Annotated[str, typer.Option(help="The language of the test mail.")] = "en",
    as_json: Json = False,
) -> None:
    """Try every drop, every profile, the database and the mail server; exit 1 if any does not work."""
    from daemon import settings
    from daemon.cli.show import print_json

    loaded = settings.load(context.obj)
    if pin:
        _pin(loaded, as_json)
        return
    if mail_to:
        _send_test(loaded, mail_to, language)
        return
    findings = []
    for finding in chain(
        _database(loaded),
        _sandbox(loaded),
        _secrets(loaded),
        _profiles(loaded),
        _drops(loaded),
        _states(loaded),
        _ledger(loaded),
        _mail(loaded),
        _people(loaded),
    ):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json([finding._asdict() for finding in findings])
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _print(finding: "Finding") -> None:
    mark = typer.style("ok   ", fg="green") if finding.ok else typer.style("FAULT", fg="red", bold=True)
    typer.echo(f"{mark} {finding.what}: {finding.detail}" + (f"\n      → {finding.remedy}" if finding.remedy else ""))


def _database(settings: "Settings") -> Iterator["Finding"]:
    from daemon import db
    from daemon.errors import SetupFault, TryLater
    from daemon.pickup import Finding

    what = "database" if settings.database.url or "NIGHTPORTER_DATABASE_URL" in os.environ else "embedded database"
    try:
        with db.opened(settings):
            yield Finding(what, True, "answers, schemas up to date")
    except (TryLater, SetupFault) as error:
        yield Finding(what, False, str(error), "see [database] in the settings")


def _sandbox(settings: "Settings") -> Iterator["Finding"]:
    from daemon import reading
    from daemon.pickup import Finding

    yield Finding("sandbox", True, f"in force: {reading.confinement(settings.sandbox) or 'its limits only'}")


def _secrets(settings: "Settings") -> Iterator["Finding"]:
    from daemon.pickup import Finding

    for path in settings.secret_files:
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding(f"secret {path}", False, "others may read it", f"chmod 600 {path}")


def _profiles(settings: "Settings") -> Iterator["Finding"]:
    from daemon.importing import circle
    from daemon.pickup import Finding
    from daemon.profiles import Profiles

    profiles = Profiles(settings.profiles)
    for profile in profiles:
        if profile.drop and profile.drop not in settings.drops:
            yield Finding(f"profile {profile.name}", False, f'there is no drop "{profile.drop}" in the settings')
        else:
            yield Finding(f"profile {profile.name}", True, f"takes {profile.pattern or profile.regex} into {profile.dataset}")
    for mistake in profiles.mistakes:
        yield Finding(f"profile {mistake.file.stem}", False, str(mistake))
    for names in profiles.sharing_a_scope():
        detail = f"{' and '.join(names)} hold all of the same items, and each would clear what only the other has"
        yield Finding("profiles", False, detail, "give each its own [import] scope, or make one of them a delta")
    for names in profiles.waiting_for_names():
        unnamed = ", ".join(names)
        detail = f"snapshots of several profiles speak for one entity, and {unnamed} do not name their scope: none of them runs"
        yield Finding("profiles", False, detail, 'give each its own [import] scope, "ledger-a" and "ledger-b", say')
    if waiting := circle(profiles):
        detail = f"{' waits for '.join(reversed(waiting))}: all of them would wait until their deadlines"
        yield Finding("profiles", False, detail, "take one of them out of the other's [import] after")
    if not list(profiles):
        yield Finding(
            "profiles",
            False,
            f"there are none in {settings.profiles}",
            "nightporter profile list shows ready-made ones to copy; nightporter profile suggest makes one from a file",
        )


def _drops(settings: "Settings") -> Iterator["Finding"]:
    from daemon.pickup import Finding, examine_drop
    from daemon.profiles import Profiles

    profiles = Profiles(settings.profiles)
    for name in settings.drops:
        yield from examine_drop(settings, profiles, name)
    if not settings.drops:
        yield Finding("drops", False, "the settings name none", "add a [drops.<name>] table")


def _states(settings: "Settings") -> Iterator["Finding"]:
    """How a running service finds the drops."""
    from daemon import db, ledger
    from daemon.errors import SetupFault, TryLater
    from daemon.pickup import Finding, state_of

    with contextlib.suppress(TryLater, SetupFault), db.opened(settings) as engine, db.transaction(engine) as conn:
        for name in settings.drops:
            yield from state_of(conn, name)
        for name, files in ledger.arrivals.strays(conn, settings.drops.keys()):
            remedy = f"put [drops.{name}] back until they are put away"
            yield Finding(f"drop {name}", False, f"is not in the settings any more; {files} of its files lie there", remedy)


def _ledger(settings: "Settings") -> Iterator["Finding"]:
    """What the ledger has that no profile speaks for, and what the settings want otherwise than it is."""
    from daemon import db, loading
    from daemon.errors import SetupFault, TryLater
    from daemon.model import shown
    from daemon.pickup import Finding
    from daemon.profiles import Profiles

    with contextlib.suppress(TryLater, SetupFault), db.opened(settings) as engine, db.transaction(engine) as conn:
        for each in loading.orphans(conn, *Profiles(settings.profiles).scopes()):
            detail = f"{each.rows:,} open rows of {each.dataset}, {each.amount:,.2f} {each.currency}: no profile speaks for them"
            where = f'entity "{shown(each.entity)}", scope "{shown(each.scope)}"'
            remedy = f'nightporter ledger adopt --from "{shown(each.scope)}" --to SCOPE --dataset {each.dataset} gives them away'
            yield Finding(where, False, detail, remedy)
        declared = loading.declared(conn)
        for name, entity in settings.entities.items():
            now = declared[name].numbering if name in declared else entity.numbering
            if now != entity.numbering:
                detail = f"its items are numbered {now or 'as nobody said'}, and the settings say {entity.numbering or 'nothing'}"
                yield Finding(
                    f"entity {name}", False, detail, f'nightporter ledger renumber "{name}" --dry-run shows what that changes'
                )


def _pin(settings: "Settings", as_json: bool) -> None:
    """Show what the servers of the drops prove themselves by, and where each goes."""
    from daemon.cli.show import print_json
    from daemon.pickup import served_proofs

    proofs = list(served_proofs(settings))
    if as_json:
        failed = {"host_key": "", "certificate": ""}
        told = [
            failed | ({"fault": p} if isinstance(p, str) else {p.kind: p.text, "fingerprint": p.fingerprint}) for _, p in proofs
        ]
        print_json([{"drop": name} | each for (name, _), each in zip(proofs, told, strict=True)])
        return
    for name, proof in proofs:
        if isinstance(proof, str):
            print(f"# drop {name}: {proof}\n")
        elif proof.kind == "host_key":
            print(f'[drops.{name}]\nhost_keys = ["{proof.text}"]   # {proof.fingerprint}\n')
        else:
            print(f'[drops.{name}]\nca_file = "{name}.pem"   # a file with the lines below; {proof.fingerprint}\n{proof.text}')
    print(
        "Compare each fingerprint with what the server's admin tells you; then put the lines into nightporter.toml.\n"
        "A certificate that a known authority has signed needs no pin.",
        file=sys.stderr,
    )


def _mail(settings: "Settings") -> Iterator["Finding"]:
    from daemon.errors import TryLater
    from daemon.pickup import Finding
    from daemon.results import session

    if settings.mail is None:
        yield Finding("mail", False, "nobody will be told of anything", "add a [mail] table to the settings")
        return
    if not settings.mail.admins:
        yield Finding("mail", False, "nobody is told of what no profile names anybody for", "name admins in [mail]")
    try:
        with session(settings, settings.mail) as smtp:
            smtp.noop()
        yield Finding("mail", True, f"{settings.mail.host} answers" + (" and lets us in" if settings.mail.username else ""))
    except TryLater as error:
        yield Finding("mail", False, str(error), "see [mail] in the settings")


def _people(settings: "Settings") -> Iterator["Finding"]:
    """Who is written to in a language that there is not; and templates of the home folder that are none."""
    from daemon import results
    from daemon.languages import LANGUAGES, faults_of_words, nearest_language
    from daemon.pickup import Finding
    from daemon.profiles import Profiles

    everybody = [*settings.admins, *(person for profile in Profiles(settings.profiles) for person in profile.notify.to)]
    for person in {each.email: each for each in everybody}.values():
        if (given := nearest_language(person.language)) != person.language.replace("_", "-"):
            detail = f'there is no language "{person.language}": they are written to in {LANGUAGES[given]}'
            yield Finding(f"mails to {person.email}", True, detail, f"there are: {', '.join(LANGUAGES)}")
    for fault in [*results.template_faults(settings), *faults_of_words(settings.home / "words")]:
        yield Finding("mails", False, fault, "correct it, or take it away: then ours is used")


def _send_test(settings: "Settings", address: str, language: str) -> None:
    from pydantic import ValidationError

    from daemon import results
    from daemon.errors import MailRefused
    from daemon.settings import Person

    try:
        results.send_test(settings, Person(email=address, language=language))
    except ValidationError:
        raise typer.BadParameter(f"{address}: not an address", param_hint="--mail-to") from None
    except MailRefused as error:
        print(f"the mail was refused: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"sent to {address}")

"""`imports`: the import runs and what came of them."""

import getpass
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from daemon.cli.files import Json, Tongue

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from daemon.loading import Undone
    from daemon.model import ImportRun

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_SUPPRESSED = 100
"""How many of the values that were not taken are shown."""
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
Id = Annotated[int, typer.Argument(help="The import run's number.")]


@app.command("list")
def list_runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 30,
    as_json: Json = False,
) -> None:
    """The latest import runs, and the files that should have come and did not."""
    from daemon import db, ledger, settings
    from daemon.cli.show import missing_json, print_json, print_runs
    from daemon.profiles import Profiles
    from daemon.results import run_json

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        runs = ledger.runs.latest_runs(conn, limit)
        expected = {profile.name for profile in Profiles(loaded.profiles) if profile.expect}
        missing = [each for each in ledger.arrivals.missing_files(conn) if each.profile in expected]
    if as_json:
        print_json([*map(missing_json, missing), *(run_json(run, loaded) for run in runs)])
        return
    print_runs(runs)
    for each in missing:
        print(f"missing: the file of profile {each.profile}, due {each.due_at:%Y-%m-%d %H:%M} UTC")


@app.command()
def show(context: typer.Context, id: Id, as_json: Json = False) -> None:
    """Everything about one run: how its file was read, its tally, its mails."""
    from daemon import db, ledger, results, settings
    from daemon.cli.run_page import print_run
    from daemon.cli.show import print_json

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        run = _run(conn, id)
        mails = results.mails_of(conn, id)
        suppressed = ledger.runs.suppressed_values(conn, id, _SUPPRESSED)
    facts = results.run_json(run, loaded) | {
        "drop": run.drop,
        "arrived_at": run.arrived_at,
        "finished_at": run.finished_at,
        "attempts": run.attempt,
        "sha256": run.sha256,
        "source": run.disposed_as,
        "source_fault": run.fault,
        "follows_run": run.follows,
        "corrects_run": run.corrects,
        "read_as": run.read_as and asdict(run.read_as),
        "header": run.header,
        "business_date": run.business_date,
        "notes": [note.as_json() for note in run.notes],
        "effect": run.effect and run.effect.as_json(),
        "decided_by": run.decided_by,
        "undone_at": run.undone_at,
        "undone_by": run.undone_by,
        "suppressed": suppressed,
        "mails": [
            {
                "to": mail.recipient,
                "sent_at": mail.sent_at,
                "undelivered": mail.given_up_at is not None,
                "fault": mail.fault,
            }
            for mail in mails
        ],
    }
    if as_json:
        print_json(facts)
    else:
        print_run(run, mails, suppressed, facts["rejects_url"])


@app.command()
def rejects(
    context: typer.Context,
    id: Id,
    to: Annotated[Literal["csv", "xlsx", "json"], typer.Option(help="What to print.")] = "csv",
    language: Tongue = "en",
) -> None:
    """The rejected rows of a run with their reasons, on stdout."""
    from daemon import db, ledger, results, settings
    from daemon.cli.show import print_json, rejection_json
    from daemon.words import Words

    if to == "xlsx" and sys.stdout.isatty():
        raise typer.BadParameter(f"this is a workbook, send it to a file: … > nightporter-rejected-rows-{id}.xlsx")
    words = Words(language)
    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        run = _run(conn, id)
        rejections = ledger.runs.rejections(conn, id, unresolved=to == "xlsx")
        if to == "csv":
            for chunk in results.as_csv(run, rejections, words):
                sys.stdout.buffer.write(chunk)
        elif to == "xlsx":
            results.as_xlsx(run, rejections, words, sys.stdout.buffer, results.Links.of(loaded).mark(id))
        else:
            print_json([rejection_json(rejection, words, run.dataset) for rejection in rejections])


@app.command()
def approve(context: typer.Context, id: Id, yes: Yes = False, as_json: Json = False) -> None:
    """Import a held file all the same, if its effect is still the one it was held for."""
    _decide(context, id, as_json, approved=True, yes=yes)


@app.command()
def decline(context: typer.Context, id: Id, as_json: Json = False) -> None:
    """Refuse a held file; nothing of it is imported."""
    _decide(context, id, as_json, approved=False, yes=True)


def _decide(context: typer.Context, id: int, as_json: bool, *, approved: bool, yes: bool) -> None:
    from daemon import db, ledger, results, settings
    from daemon.cli.show import exit_code, print_json, print_runs
    from daemon.importing import attempt, decisions
    from daemon.profiles import Profiles
    from daemon.words import Words

    loaded = settings.load(context.obj)
    profiles = Profiles(loaded.profiles)
    with db.opened(loaded) as engine:
        with db.transaction(engine) as conn:
            run, by = _run(conn, id), getpass.getuser()
        _ask(yes, "Import it all the same?", Words("en").effect(run.effect))
        with db.transaction(engine) as conn:
            done = decisions.approve(conn, run, by) if approved else decisions.decline(conn, loaded, profiles, run, by)
            ledger.people.record_act(conn, by, "approve" if approved else "decline", run=id)
            if not done:
                raise typer.BadParameter(f"run {id} is not held: it is {run.state}")
        if approved:
            attempt(engine, loaded, profiles, id)
        with db.transaction(engine) as conn:
            run = _run(conn, id)
    if as_json:
        print_json(results.run_json(run, loaded))
    else:
        print_runs([run])
    sys.exit(exit_code(run) if approved else 0)


@app.command()
def undo(
    context: typer.Context,
    id: Id,
    with_corrections: Annotated[
        bool, typer.Option("--with-corrections", help="Undo with it what corrected its rejected rows.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make every row that a run created, changed, cleared or reopened what it was, if nothing that came later forbids it."""
    from daemon import db, ledger, settings
    from daemon.cli.show import print_json
    from daemon.importing import decisions
    from daemon.profiles import Profiles
    from daemon.words import Words

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine:

        def undo_it(conn: "Connection") -> "Undone":
            by = getpass.getuser()
            return decisions.undo(conn, loaded, Profiles(loaded.profiles), _run(conn, id), by, with_corrections=with_corrections)

        if not yes and sys.stdin.isatty():
            with db.transaction(engine) as conn:
                would = undo_it(conn)
                conn.rollback()
            told = f"{would.restored:,} rows would be what they were before it, and {would.deleted:,} would be gone."
            _ask(bool(would.obstacles), f"Undo run {id}?", [told])
        with db.transaction(engine) as conn:
            undone = undo_it(conn)
            if not undone.obstacles:
                ledger.people.record_act(conn, getpass.getuser(), "undo", run=id)
    obstacles = [Words("en").detail(obstacle) for obstacle in undone.obstacles]
    if as_json:
        print_json({"run_id": id, "undone": not obstacles} | asdict(undone) | {"obstacles": obstacles})
    elif obstacles:
        print(f"run {id} is not undone:", *obstacles, sep="\n  ", file=sys.stderr)
    else:
        print(f"run {id} is undone: {undone.restored:,} rows are what they were, {undone.deleted:,} are gone")
    sys.exit(3 if undone.obstacles else 0)


@app.command()
def retry(context: typer.Context, id: Id, as_json: Json = False) -> None:
    """Import a run's file once more, from the archive: after its profile was mended, or its customers came."""
    from daemon import db, ledger, results, settings
    from daemon.cli.show import exit_code, print_json, print_runs
    from daemon.importing import attempt_file
    from daemon.model import FINAL
    from daemon.profiles import Profiles
    from daemon.words import Words

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine:
        with db.transaction(engine) as conn:
            run = _run(conn, id)
            if run.archive is None:
                raise typer.BadParameter(f"the bytes of run {id} were never fetched")
            if run.state not in FINAL:
                raise typer.BadParameter(f"run {id} has not ended: it is {run.state}, and tried again by itself")
            child = ledger.runs.retry_run(conn, run)
            ledger.people.record_act(conn, getpass.getuser(), "retry", run=id, made=child)
        run = attempt_file(engine, loaded, Profiles(loaded.profiles), child)[0]
    if as_json:
        print_json(results.run_json(run, loaded))
    else:
        print_runs([run])
        if run.code:
            print(f"run {run.id}: {Words('en').refusal(run.code, run.detail)}", file=sys.stderr)
    sys.exit(exit_code(run))


@app.command()
def original(
    context: typer.Context,
    id: Id,
    to: Annotated[Path | None, typer.Option("--to", help="A file to write; else the bytes go to stdout.")] = None,
) -> None:
    """The file of a run, byte by byte as it came, from the archive."""
    from daemon import db, settings
    from daemon.reading import open_bytes

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        run = _run(conn, id)
    if run.archive is None:
        kept = f"for {loaded.archive.keep / 86400:.0f} days, and are gone" if run.sha256 else "from the moment they are fetched"
        raise typer.BadParameter(f"the bytes of run {id} are kept {kept}")
    if to is None and sys.stdout.isatty():
        raise typer.BadParameter("the bytes would fill the terminal; name a file with --to, or send stdout to one")
    with open_bytes(Path(run.archive)) as kept_bytes, to.open("xb") if to else sys.stdout.buffer as out:
        shutil.copyfileobj(kept_bytes, out)


def _ask(yes: bool, question: str, told: list[str]) -> None:
    """On a terminal, say what would happen and ask; whoever does not want it, ends here."""
    if not yes and sys.stdin.isatty():
        print(*told, sep="\n")
        typer.confirm(question, abort=True)


def _run(conn: "Connection", id: int) -> "ImportRun":
    from daemon import ledger

    run = ledger.runs.run_by_id(conn, id)
    if run is None:
        raise typer.BadParameter(f"there is no import run {id}")
    return run

"""The commands, gathered; the errors that end one; the options all share."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from daemon.cli import check, demo, files, imports, ledger, people, profile, serve, setup
from daemon.errors import FileRefused, SetupFault, TryLater

_HOME = Path("/var/lib/nightporter" if os.geteuid() == 0 else "nightporter")
"""Root's own folder is closed to the user that Postgres runs as."""

app = typer.Typer(
    name="nightporter",
    help="Takes in the ERP's nightly exports, checks every row, loads the good ones and hands the bad ones back with a reason.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(setup.init)
app.command("run")(serve.run)
app.command("worker")(serve.worker)
app.command("pages", hidden=True)(serve.pages)
app.command("migrate")(serve.migrate)
app.command("check")(check.check)
app.command("demo")(demo.demo)
app.command("import")(files.import_file)
app.command("read")(files.read)
app.command("template")(files.template)
app.add_typer(imports.app, name="imports", help="The import runs.")
app.add_typer(ledger.app, name="ledger", help="What a person does to the ledger: adopt a scope, renumber, undo.")
app.add_typer(ledger.customers, name="customer", help="Customers that are merged.")
app.add_typer(setup.settings_app, name="settings", help="What nightporter.toml may say.")
app.add_typer(setup.datasets_app, name="datasets", help="What a file can be imported into.")
app.add_typer(people.app, name="user", help="Who may come into the console.")
app.add_typer(profile.app, name="profile", help="The saved mapping profiles.")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"nightporter {version('nightporter')}")
        raise typer.Exit


@app.callback()
def _settings(
    context: typer.Context,
    home: Annotated[
        Path,
        typer.Option(
            envvar="NIGHTPORTER_HOME", help="The folder with the settings, profiles and the archive.", show_default=True
        ),
    ] = _HOME,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which version this is.")
    ] = False,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        typer.Option(case_sensitive=False, help="What is logged; if not said, info of what serves, error of other commands."),
    ] = None,
) -> None:
    from daemon import log

    os.umask(0o077)
    serves = context.invoked_subcommand in ("run", "worker", "pages")
    log.configure((log_level or ("info" if serves else "error")).upper())
    context.obj = home


def main() -> None:
    """Run a command. Exit codes: 0 done, 1 a fault, 2 wrong usage or settings, 3 file refused, 4 file held, 5 no row
    of it taken.
    """
    try:
        app()
    except SetupFault as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except FileRefused as error:
        from daemon.words import Words

        print(f"refused: {error.code}: {Words('en').detail(error.detail)}", file=sys.stderr)
        sys.exit(3)
    except TryLater as error:
        print(f"nightporter: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # whoever reads what we print has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""`user`: who may come into the console."""

import secrets
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from daemon.cli.files import Json
from daemon.languages import LANGUAGES, nearest_language

if TYPE_CHECKING:
    from daemon.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(help="The name to log in with.")]
_SHORTEST = 10


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        Literal["admin", "manager"], typer.Option(help="An admin sees and does everything; a manager, what is of their entities.")
    ] = "manager",
    entity: Annotated[list[str] | None, typer.Option(help="An entity that a manager may see; may be given again.")] = None,
    language: Annotated[str | None, typer.Option(help=f"One of {', '.join(LANGUAGES)}; else what the browser asks for.")] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only by the login provider of [web.oidc].")] = False,
) -> None:
    """Let somebody in, or give somebody a new password and new rights. The password is asked for, or read from stdin."""
    from daemon import settings

    if role == "manager" and not entity:
        raise typer.BadParameter("a manager sees nothing without an entity", param_hint="--entity")
    password = secrets.token_urlsafe() if no_password else None
    let_in(settings.load(context.obj), name, role, entity or [], language, password=password)


def let_in(
    loaded: "Settings",
    name: str,
    role: str,
    entities: list[str],
    language: str | None = None,
    *,
    password: str | None = None,
    anew: bool = True,
) -> None:
    """Make an account, or give one that is there new rights and a new password, if it is to be `anew`; say which.

    Raises BadParameter.
    """
    from daemon import db, ledger
    from daemon.web import hashed

    if not name or not name.isprintable() or name != name.strip():
        raise typer.BadParameter("a name has printable characters, and no spaces around it")
    if password is None and sys.stdin.isatty():
        password = str(typer.prompt(f"A password for {name}", hide_input=True, confirmation_prompt=True))
    password = sys.stdin.readline().rstrip("\n") if password is None else password
    if len(password) < _SHORTEST:
        raise typer.BadParameter(f"a password has at least {_SHORTEST} characters")
    told = nearest_language(language) if language else None
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        if not anew and ledger.people.account_named(conn, name):
            print(f"{name} may come in already, and keeps the password")
            return
        new = ledger.people.add_account(conn, name, hashed(password), role, entities, told)
        ledger.people.record_act(conn, "command line", "user add", name=name, role=role, entities=entities)
    print(f"{name} may come in" if new else f"{name} has a new password, and has to log in again")


@app.command("list")
def list_people(context: typer.Context, as_json: Json = False) -> None:
    """Who may come in."""
    from daemon import db, ledger, settings
    from daemon.cli.show import print_json, print_rows

    with db.opened(settings.load(context.obj)) as engine, db.transaction(engine) as conn:
        people = ledger.people.accounts(conn)
    rows = [[each.name, each.role, ", ".join(each.entities), f"{each.made_at:%Y-%m-%d}"] for each in people]
    if as_json:
        print_json([{"name": each.name, "role": each.role, "entities": each.entities} for each in people])
    else:
        print_rows(["name", "role", "entities", "since"], rows)


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Let somebody in no more; their logins end at once."""
    from daemon import db, ledger, settings

    with db.opened(settings.load(context.obj)) as engine, db.transaction(engine) as conn:
        if not ledger.people.end_account(conn, name):
            raise typer.BadParameter(f"there is nobody called {name}")
        ledger.people.record_act(conn, "command line", "user remove", name=name)
    print(f"{name} may not come in any more")

"""`ledger` and `customer`: what a person does to the ledger that no file does; each act can be undone."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.files import Json

if TYPE_CHECKING:
    from daemon.loading import Act

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
customers = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and leave everything as it is.")]


@customers.command()
def merge(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The code that is no customer's own any more.")],
    new: Annotated[str, typer.Argument(help="The code of the customer that it means from now on.")],
    entity: Annotated[str, typer.Option(help="The entity that the customers are under.")] = "",
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Move everything of one customer to another, and have files with the old code mean the new one."""
    from daemon import loading

    _act(context, lambda conn: loading.merge_customers(conn, entity, old, new, getpass.getuser()), dry_run, as_json)


@app.command()
def adopt(
    context: typer.Context,
    source: Annotated[str, typer.Option("--from", help="The scope that nobody speaks for; '' is the entity's ledger.")],
    to: Annotated[str, typer.Option("--to", help="The scope that its rows are to belong to.")],
    dataset: Annotated[str, typer.Option(help="The dataset.")] = "receivables",
    entity: Annotated[str | None, typer.Option(help="Only of this entity.")] = None,
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Give the rows of one scope to another, whose snapshots then speak for them."""
    from daemon import loading, settings
    from daemon.datasets import datasets
    from daemon.profiles import Profiles

    if dataset not in datasets() or datasets()[dataset].presence is None:
        raise typer.BadParameter(f"{dataset} has no scopes", param_hint="--dataset")
    spoken, _ = Profiles(settings.load(context.obj).profiles).scopes()
    known = sorted(
        {scope for (name, of), scopes in spoken.items() if name == dataset and entity in (None, of) for scope in scopes}
    )
    if to not in known:
        told = ", ".join(f'"{scope}"' for scope in known) or "none"
        raise typer.BadParameter(f'no snapshot speaks for the scope "{to}"; there are: {told}', param_hint="--to")
    _act(context, lambda conn: loading.adopt(conn, dataset, entity, source, to, getpass.getuser()), dry_run, as_json)


@app.command()
def renumber(
    context: typer.Context,
    entity: Annotated[str, typer.Argument(help="The entity whose [entities] numbering was changed in the settings.")],
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Key an entity's items as the settings say: with the year in their key, or without."""
    from daemon import loading, settings

    loaded = settings.load(context.obj)
    if entity not in loaded.entities:
        raise typer.BadParameter(f'the settings have no [entities."{entity}"]')
    numbering = loaded.entities[entity].numbering
    _act(context, lambda conn: loading.renumber(conn, entity, numbering, getpass.getuser()), dry_run, as_json)


@app.command()
def undo(
    context: typer.Context,
    id: Annotated[int, typer.Argument(help="The act's number.")],
    dry_run: Dry = False,
    as_json: Json = False,
) -> None:
    """Make what an act changed what it was, of the rows that are still there."""
    from daemon import loading

    _act(context, lambda conn: loading.undo_act(conn, id, getpass.getuser()), dry_run, as_json, undoes=True)


@app.command("list")
def list_acts(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 30,
    as_json: Json = False,
) -> None:
    """The latest acts: merges, adoptions, renumberings."""
    from daemon import db, loading, settings
    from daemon.cli.show import print_json, print_rows

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        acts = loading.acts(conn, limit)
    if as_json:
        print_json(acts)
        return
    names = ("id", "kind", "given", "rows", "done_at", "done_by", "undone_by")
    print_rows(names, [[_plainly(act[name]) for name in names] for act in acts])


def _plainly(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {text}" for name, text in value.items() if text not in (None, []))
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else "" if value is None else str(value)


def _act(context: typer.Context, do: Any, dry_run: bool, as_json: bool, *, undoes: bool = False) -> None:
    """Do an act, or rehearse it, and say what came of it; exit 3 where something forbids it."""
    from daemon import db, settings
    from daemon.cli.show import print_json
    from daemon.words import Words

    loaded = settings.load(context.obj)
    with db.opened(loaded) as engine, db.transaction(engine) as conn:
        act: Act = do(conn)
        if dry_run:
            conn.rollback()
    obstacles = [Words("en").detail(obstacle) for obstacle in act.obstacles]
    if as_json:
        print_json({"act_id": None if dry_run else act.id, "rows": act.rows, "obstacles": obstacles, "dry_run": dry_run})
    elif obstacles:
        print("nothing is changed:", *obstacles, sep="\n  ", file=sys.stderr)
    else:
        told = ", ".join(f"{count:,} of {name}" for name, count in act.rows.items()) or "no rows"
        done = (
            f"act {act.id} is undone: changed {told}"
            if undoes
            else f"act {act.id}: changed {told}; `ledger undo {act.id}` takes it back"
        )
        print(f"would change {told}" if dry_run else done)
    sys.exit(3 if obstacles else 0)

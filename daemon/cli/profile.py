"""`profile`: the saved mapping profiles."""

from typing import Annotated

import typer

from daemon.cli.files import Json

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_profiles(context: typer.Context, as_json: Json = False) -> None:
    """The profiles in force, and the ready-made ones to copy from."""
    from daemon import settings
    from daemon.cli.show import print_json
    from daemon.profiles import Profiles, ready_made

    folder = settings.load(context.obj).profiles
    rows = [
        {
            "name": p.name,
            "files": p.pattern or p.regex,
            "drop": p.drop,
            "datasets": [section.dataset for section in p.sections],
        }
        for p in Profiles(folder)
    ]
    if as_json:
        print_json({"profiles": rows, "ready_made": [path.stem for path in ready_made()]})
        return
    for row in rows:
        print(f"{row['name']:24} {row['files']:32} {row['drop'] or 'any drop':16} {', '.join(row['datasets'] or [])}")
    print(f"ready-made, to copy into {folder}: {', '.join(path.stem for path in ready_made())}")


@app.command()
def show(context: typer.Context, name: Annotated[str, typer.Argument(help="A saved or a ready-made profile.")]) -> None:
    """Print a profile's TOML."""
    from daemon import settings
    from daemon.profiles import ready_made

    saved = sorted(settings.load(context.obj).profiles.glob("*.toml"))
    for path in [*saved, *ready_made()]:
        if path.stem == name:
            print(path.read_text(encoding="utf-8"), end="")
            return
    raise typer.BadParameter(f"there is no profile {name}; there are: {', '.join(p.stem for p in [*saved, *ready_made()])}")

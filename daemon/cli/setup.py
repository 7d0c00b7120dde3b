"""`init`, `settings` and `datasets`: what a new installation begins with, and what there is to write about."""

import json
from typing import Annotated

import typer

from daemon.cli.files import Json

settings_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
datasets_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_BEGINNING = """\
# Nightporter's settings. Every key is in docs/settings.md; `nightporter check` tries all that stands here.

# Where the ERP leaves its files. Also "sftp", "ftps", "http" (posts), "ftp" with insecure = true.
[drops.erp]
kind = "local"
path = "drop"                          # in this folder

# [drops.bank]
# kind = "sftp"
# host = "sftp.example.com"
# username = "erp"
# key_file = "id_ed25519"
# host_keys = ["ssh-ed25519 AAAA…"]    # nightporter check --pin shows it
# path = "out"

# Who sends the mails in the morning. Without it nobody is told.
# [mail]
# host = "smtp.example.com"
# username = "nightporter"
# password_file = "mail.password"
# sender = "nightporter@example.com"
# admins = [{ email = "it@example.com" }]

[web]
listen = "127.0.0.1:8080"              # behind your TLS proxy
public_url = "http://127.0.0.1:8080"   # how the readers of the mails reach the pages

# A Postgres of your own (15 to 18); without it an embedded one is kept in this folder.
# [database]
# url = "postgresql://nightporter@db.example.com/nightporter"
# password_file = "database.password"
"""


def init(
    context: typer.Context,
    admin: Annotated[
        str | None, typer.Option(help="A first user of the pages; the password is asked for, or read from stdin.")
    ] = None,
) -> None:
    """Make the home folder: commented settings, a folder for profiles, a local drop, the secret that signs links. What is there
    already stays as it is.
    """
    from daemon import settings
    from daemon.cli.people import let_in
    from daemon.db import make_enterable

    home = context.obj
    make_enterable(home)
    for folder in (home / "profiles", home / "drop"):
        folder.mkdir(exist_ok=True)
    file = home / settings.FILE
    if not file.exists():
        file.write_text(_BEGINNING, encoding="utf-8")
    loaded = settings.load(home)
    loaded.link_keys  # noqa: B018  # made on first use
    if admin is not None:
        let_in(loaded, admin, "admin", [], anew=False)
    print(f"{file} says what there is so far: read it through.")
    print("Next: `nightporter profile suggest FILE --dataset receivables --save NAME`, then `nightporter check`.")


@settings_app.command("schema")
def settings_schema() -> None:
    """Print the JSON schema of the settings, for editors that check and complete TOML by one."""
    from daemon.settings import Settings

    schema = Settings.model_json_schema(by_alias=True)
    del schema["properties"]["home"]  # the folder's own
    schema["required"].remove("home")
    print(json.dumps(schema, indent=2, ensure_ascii=False))


@datasets_app.command("list")
def list_datasets(context: typer.Context, as_json: Json = False) -> None:
    """What a file can be imported into; those of your own too."""
    from daemon import settings
    from daemon.cli.show import print_json, print_rows
    from daemon.datasets import datasets

    settings.load(context.obj)
    rows = [[name, each.label["en"], each.table, len(each.mappable)] for name, each in datasets().items()]
    if as_json:
        print_json([dict(zip(("name", "label", "table", "fields"), row, strict=True)) for row in rows])
    else:
        print_rows(["name", "what", "table", "fields"], rows, right={3})


@datasets_app.command("show")
def show_dataset(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The dataset.")], as_json: Json = False
) -> None:
    """The fields of a dataset: what each holds, and which are required."""
    from daemon import settings
    from daemon.cli.show import print_json, print_rows
    from daemon.datasets import datasets

    settings.load(context.obj)
    if name not in datasets():
        raise typer.BadParameter(f"there is no dataset {name}; there are: {', '.join(datasets())}")
    dataset = datasets()[name]
    fields = {field: dataset.fields[field] for field in dataset.mappable}
    keys = [*dataset.keys, *dataset.matches]
    if as_json:
        told = {
            name: {"label": field.label["en"], "required": field.required and not field.given_by}
            | field.model_dump(include={"type", "words", "description", "example"})
            for name, field in fields.items()
        }
        print_json({"name": name, "table": dataset.table, "keys": keys, "fields": told})
        return
    rows = [
        [
            name,
            field.type,
            "required" if field.required and not field.given_by else "",
            ", ".join(field.words) or field.description,
        ]
        for name, field in fields.items()
    ]
    same = " or ".join(" and ".join(key) for key in keys)
    print_rows(["field", "type", "", "what"], rows, f"{dataset.table}; two rows are the same by {same}")

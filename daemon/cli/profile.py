"""`profile`: the saved mapping profiles, and the ones that are suggested."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from daemon.cli.files import File, Json

if TYPE_CHECKING:
    from daemon.mapping import Known, Proposal, Suggestion
    from daemon.profiles import Format
    from daemon.reading import Reader
    from daemon.settings import Sandbox, Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_profiles(context: typer.Context, as_json: Json = False) -> None:
    """The profiles in force, and the ready-made ones to copy from."""
    from daemon import settings
    from daemon.cli.show import print_json, print_rows
    from daemon.profiles import Profiles, ready_made

    folder = settings.load(context.obj).profiles
    profiles = Profiles(folder)
    rows = [
        {
            "name": p.name,
            "files": p.pattern or p.regex,
            "drop": p.drop,
            "datasets": [section.dataset for section in p.sections],
        }
        for p in profiles
    ]
    if as_json:
        print_json({"profiles": rows, "ready_made": [path.stem for path in ready_made()]})
        return
    print_rows(
        ["profile", "files", "drop", "into"],
        [[row["name"], row["files"], row["drop"] or "any", ", ".join(row["datasets"] or [])] for row in rows],
    )
    for mistake in profiles.mistakes:
        print(mistake, file=sys.stderr)
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


@app.command()
def schema() -> None:
    """Print the JSON schema of profile files, for editors that check and complete TOML by one."""
    from daemon.profiles import Profile

    schema = Profile.model_json_schema(by_alias=True)
    del schema["properties"]["name"]  # the file's own
    schema["required"].remove("name")
    print(json.dumps(schema, indent=2, ensure_ascii=False))


@app.command("test")
def try_profile(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A saved or a ready-made profile.")],
    file: File,
    as_json: Json = False,
) -> None:
    """Show what a profile would make of a file: the first rows as they would be imported, and what would be rejected.

    Needs no database; whether customers are known and what is stored already is what `import --dry-run` says.
    """
    from daemon import settings
    from daemon.cli.show import print_json
    from daemon.cli.trial import print_trial, trial
    from daemon.profiles import Profiles

    loaded = settings.load(context.obj)
    profile = Profiles(loaded.profiles).get(name)
    found = [trial(profile, section, file, loaded.sandbox) for section in profile.sections]
    if as_json:
        print_json([each.as_dict() for each in found])
    else:
        for each in found:
            print_trial(each)


@app.command()
def suggest(
    context: typer.Context,
    file: File,
    dataset: Annotated[str, typer.Option(help="What the file is to be imported into.")],
    save: Annotated[str | None, typer.Option(help="Save it as a profile of this name.")] = None,
    mode: Annotated[
        Literal["snapshot", "delta"] | None, typer.Option(help="Is the file all that is open, or changes only?")
    ] = None,
    as_json: Json = False,
) -> None:
    """Propose a profile for a file: its format, and which column is which field, with the reasons."""
    from daemon import settings
    from daemon.cli.show import print_json
    from daemon.datasets import datasets
    from daemon.mapping import Wishes, asks_mode, draft, evidence_of, suggest
    from daemon.profiles import fitting
    from daemon.words import Words

    loaded = settings.load(context.obj)
    if dataset not in datasets():
        raise typer.BadParameter(f"there is no dataset {dataset}; there are: {', '.join(datasets())}")
    if save is not None and not save.replace("-", "").replace("_", "").isalnum():
        raise typer.BadParameter(f"{save}: a name of letters, digits, - and _, please")
    if save is not None and (loaded.profiles / f"{save}.toml").exists():
        raise typer.BadParameter(f"there is a profile {save} already; choose another name, or take that file away")
    reader, unsure = _read_likeliest(file, loaded.sandbox)
    held = evidence_of(reader.header, reader)
    with _known_customers(loaded) as known:
        found = suggest(datasets()[dataset], held, known)
    fits, unclear = fitting(reader.header, dataset), [*unsure, *_unclear(found)]
    if save is not None and mode is None and asks_mode(datasets()[dataset]) and sys.stdin.isatty():
        mode = "snapshot" if typer.confirm("Is the file all that is open, so that what it leaves out was paid?") else "delta"
    if save is not None:
        loaded.profiles.mkdir(parents=True, exist_ok=True)
        path = loaded.profiles / f"{save}.toml"
        text = draft(file.name, datasets()[dataset], reader.format, found, unclear, Wishes(mode, said=Words("en").detail))
        path.write_text(text, encoding="utf-8")
        open_ = found.missing or (mode is None and asks_mode(datasets()[dataset]))
        incomplete = "; to be completed before it can be used: see its comments" if open_ else ""
        print(f"saved as {path}{incomplete}", file=sys.stderr)
    if as_json:
        print_json(_as_json(reader.format, found) | {"unclear": unclear, "ready_made": fits})
    else:
        for name in fits:
            print(f"the ready-made profile {name} fits this file: nightporter profile show {name}")
        _print_suggestion(reader.format, found, unclear)


def _read_likeliest(file: File, limits: "Sandbox") -> "tuple[Reader, list[str]]":
    """A file opened, and what is not clear of its letters: then the likeliest reading, or the one chosen on a terminal."""
    from daemon import reading
    from daemon.errors import FileRefused
    from daemon.profiles import Format
    from daemon.words import Words

    try:
        return reading.read(file, None, limits), []
    except FileRefused as refused:
        if refused.detail.code != "encoding_unclear":
            raise
        sentence = Words("en").detail(refused.detail)
        choices = str(refused.detail.values["encodings"]).split(", ")
        chosen = choices[0]
        if sys.stdin.isatty():
            print(sentence, file=sys.stderr)
            chosen = typer.prompt("Which encoding?", default=choices[0])
        return reading.read(file, Format(encoding=chosen), limits), [sentence]


@contextmanager
def _known_customers(loaded: "Settings") -> "Iterator[Known]":
    """Counts how many codes are those of customers, where there is a database to ask."""
    from daemon import db, loading

    with ExitStack() as stack:
        if not db.is_there(loaded):
            yield lambda codes: 0
            return
        engine = stack.enter_context(db.opened(loaded))

        def known(codes: list[str]) -> int:
            with db.transaction(engine) as conn:
                return loading.known_customers(conn, codes)

        yield known


def _unclear(found: "Suggestion") -> list[str]:
    from daemon.words import Words

    return [Words("en").detail(detail) for detail in found.unclear]


def _as_json(format: "Format", found: "Suggestion") -> dict[str, Any]:
    conventions = found.conventions
    shape = format.model_dump(exclude={"ignore"}) | {
        "decimal": conventions.decimal,
        "thousands": conventions.thousands,
        "date_order": conventions.date,
    }
    return {
        "format": shape,
        "unclear": _unclear(found),
        "columns": {field: _column_json(proposal) for field, proposal in found.columns.items()},
        "unused": found.unused,
        "missing": found.missing,
    }


def _why(proposal: "Proposal") -> str:
    from daemon.words import Words

    return "; ".join(map(Words("en").detail, proposal.why))


def _column_json(proposal: "Proposal") -> dict[str, Any]:
    sides = {"debit": proposal.header, "credit": proposal.credit} if proposal.credit else {}
    more = {"flag": proposal.flag} if proposal.flag else {}
    words = {"map": proposal.words} if proposal.words else {}
    return {"from": proposal.header, **sides, **more, **words, "confidence": proposal.confidence, "why": _why(proposal)}


def _print_suggestion(format: "Format", found: "Suggestion", unclear: list[str]) -> None:
    from daemon.cli.show import print_rows
    from daemon.model import shown

    shape = format.model_dump(exclude_defaults=True) | found.conventions.model_dump(exclude_defaults=True)
    rows = [
        [field, " / ".join(filter(None, (p.header, p.credit or p.flag))), f"{p.confidence:.0%}", _why(p)]
        for field, p in found.columns.items()
    ]
    print_rows(["field", "column", "sure", "why"], rows, ", ".join(f"{key} {value!r}" for key, value in shape.items()))
    for field in found.missing:
        print(f"missing: {field} is required, and no column was found that holds it")
    for sentence in unclear:
        print(f"not clear: {sentence}")
    if found.unused:
        print(f"not imported: {shown(', '.join(found.unused))}")

"""`import` and `read`: what is done with one file by hand."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from daemon.languages import LANGUAGES, nearest_language

if TYPE_CHECKING:
    from daemon.importing import Progress, Rehearsed
    from daemon.profiles import Profile
    from daemon.reading import Reader

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, resolve_path=True, help="The file.")]
Tongue = Annotated[
    str, typer.Option("--language", callback=lambda tag: nearest_language(tag), help=f"One of {', '.join(LANGUAGES)}.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN = 10
T = TypeVar("T")


def import_file(
    context: typer.Context,
    file: File,
    profile: Annotated[
        str | None, typer.Option(help="The profile to import it with; without, the one that claims its name.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and leave everything as it is.")] = False,
    as_json: Json = False,
) -> None:
    """Import one file: the same journey as a file that came to a drop. The file itself stays where it is."""
    from daemon import db, ledger, settings
    from daemon.cli.show import exit_code, print_json, print_runs
    from daemon.errors import FileRefused
    from daemon.importing import Rehearsed, attempt_file, rehearse
    from daemon.model import Refused, RemoteFile
    from daemon.profiles import Profiles
    from daemon.reading import mark_of
    from daemon.results import run_json
    from daemon.words import Words

    loaded = settings.load(context.obj)
    profiles = Profiles(loaded.profiles)
    chosen = profiles.get(profile) if profile else profiles.match(file.name, "")
    sections = profiles.sections(file.name, chosen)
    if not sections and mark_of(file, loaded.sandbox):
        sections = [("", "")]  # rejected rows that come back, whatever their workbook is called now
    if not sections:
        raise typer.BadParameter(f"no profile claims {file.name}; name one with --profile, or make one with `profile suggest`")
    entry = RemoteFile(str(file), file.stat().st_size, file.stat().st_mtime_ns)
    with db.opened(loaded) as engine, _progress_bar(file) as progress:
        if dry_run:
            try:
                came_of = rehearse(engine, loaded, profiles, chosen, entry, progress)
            except FileRefused as refused:
                came_of = [Rehearsed(sections[0][1], Refused(refused.code, refused.detail), [], [])]
            _print_rehearsal(came_of, chosen, as_json)
            sys.exit(max(_rehearsed_exit(each) for each in came_of))
        with db.transaction(engine) as conn:
            first = ledger.arrivals.record_inline(conn, entry, sections)
        runs = attempt_file(engine, loaded, profiles, first, progress)
    if as_json:
        (_, first_run), *others = _own_first([(run.dataset, run) for run in runs], chosen)
        also = [run_json(run, loaded) for _, run in others]
        print_json(run_json(first_run, loaded) | ({"also": also} if also else {}))
    else:
        print_runs(runs)
        for run in runs:
            if run.code:
                print(f"run {run.id}: {Words('en').refusal(run.code, run.detail)}", file=sys.stderr)
            if run.code == "duplicate":
                print(f"`nightporter imports retry {run.id}` imports it all the same", file=sys.stderr)
    sys.exit(max(exit_code(run) for run in runs))


def _print_rehearsal(came_of: "list[Rehearsed]", chosen: "Profile | None", as_json: bool) -> None:
    from daemon.cli.show import print_changes, print_json
    from daemon.model import Held, Imported
    from daemon.words import Words

    if as_json:
        nothing = {"run_id": None, "status": "rehearsed", "code": None, "detail": None, "rejects_url": None}
        ordered = _own_first([(each.dataset, each) for each in came_of], chosen)
        first, *others = [nothing | {"dataset": dataset} | _came_to(rehearsed) for dataset, rehearsed in ordered]
        print_json(first | ({"also": others} if others else {}))
        return
    for each in came_of:
        if isinstance(each.outcome, Imported):
            counts = {name: count for name, count in each.outcome.tally.as_json().items() if count and name != "money"}
            print(f"would import into {each.dataset}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
            print_changes(each.changes)
        else:
            told = _came_to(each)
            print(f"would be {told['status']}: {told.get('code', '')} {told['detail']}")
            for sentence in Words("en").effect(each.outcome.effect) if isinstance(each.outcome, Held) else []:
                print(f"  {sentence}")


def _rehearsed_exit(rehearsed: "Rehearsed") -> int:
    """How the import itself would end, see `exit_code`."""
    from daemon.model import Held, Imported

    if isinstance(rehearsed.outcome, Imported):
        return 5 if rehearsed.outcome.tally.took_nothing else 0
    return 4 if isinstance(rehearsed.outcome, Held) else 3


def _came_to(rehearsed: "Rehearsed") -> dict[str, object]:
    from daemon.model import Held, Imported, Refused
    from daemon.words import Words

    match rehearsed.outcome:
        case Imported(tally):
            return {"tally": tally.as_json(), "changes": [asdict(change) for change in rehearsed.changes]}
        case Held(effect):
            return {"status": "held", "detail": effect.why, "effect": effect.as_json()}
        case Refused(code, detail):
            return {"status": "refused", "code": code, "detail": Words("en").detail(detail)}
    raise AssertionError(rehearsed)


def _own_first(each: list[tuple[str, T]], chosen: "Profile | None") -> list[tuple[str, T]]:
    """What came of each dataset, that of the profile's own before those of its further sections."""
    return sorted(each, key=lambda pair: chosen is not None and pair[0] != chosen.dataset)


def read(
    context: typer.Context,
    file: File,
    profile: Annotated[
        str | None, typer.Option(help="Read it in this profile's format; without, its shape is found out.")
    ] = None,
    to: Annotated[Literal["csv", "json"] | None, typer.Option(help="Print all rows as CSV or JSON.")] = None,
) -> None:
    """Show a file's table exactly as the importer sees it, before any mapping; lines that are no rows go to stderr."""
    from daemon import reading, settings
    from daemon.cli.show import print_json
    from daemon.profiles import Profiles

    loaded = settings.load(context.obj)
    format = Profiles(loaded.profiles).get(profile).format if profile else None
    reader = reading.read(file, format, loaded.sandbox)
    if to == "csv":
        with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as out:  # line breaks as they are
            writer = csv.writer(out, quoting=csv.QUOTE_ALL)
            writer.writerow(reader.header)
            for row in _rows(reader):
                writer.writerow(row[1:])
    elif to == "json":
        print_json([dict(zip(["line", *reader.header], row, strict=True)) for row in _rows(reader)])
    else:
        _print_table(reader)
        for sentence in _decided(reading.read(file, format, loaded.sandbox)):
            print(sentence)


def template(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="customers, receivables, contacts, open_credits, or one of your own.")],
    to: Annotated[Literal["xlsx", "csv"], typer.Option(help="What kind of file.")] = "xlsx",
    language: Tongue = "en",
) -> None:
    """Print a template with every field, to be filled in and imported under the name it is given: it needs no profile."""
    from daemon import settings
    from daemon.datasets import datasets, template

    settings.load(context.obj)
    if dataset not in datasets():
        raise typer.BadParameter(f"there is no dataset {dataset}; there are: {', '.join(datasets())}")
    chosen = datasets()[dataset]
    if to == "csv":
        print(template.as_csv(chosen, language), end="")
        return
    if sys.stdout.isatty():
        name = template.file_name(chosen, to)
        raise typer.BadParameter(f"this is a workbook, send it to a file: nightporter template {dataset} > {name}")
    template.as_xlsx(chosen, language, sys.stdout.buffer)


def _rows(reader: "Reader") -> Iterator[list[object]]:
    """The line and the cells of each row; what is no row is told on stderr."""
    from daemon.model import Rejection
    from daemon.words import Words

    words = Words("en")
    for item in reader:
        if isinstance(item, Rejection):
            print(f"line {item.line}: {'; '.join(words.reason(reason, '') for reason in item.reasons)}", file=sys.stderr)
        else:
            yield from ([line, *cells] for line, cells in item.rows())


def _print_table(reader: "Reader") -> None:
    from daemon.cli.show import print_rows

    shown, count = [], 0
    for row in _rows(reader):
        count += 1
        if count <= _SHOWN:
            shown.append(row)
    found = ", ".join(f"{key} {value!r}" for key, value in reader.format.model_dump(exclude_defaults=True).items())
    print_rows(["line", *reader.header], shown, found)
    more = f", the first {_SHOWN} shown; --to csv prints all" if count > _SHOWN else ""
    print(f"{count:,} rows{more}; {reader.ignored:,} lines that are no records; {reader.above:,} above the headers")


def _decided(reader: "Reader") -> Iterator[str]:
    """What the columns that hold dates and amounts prove, each on a line."""
    from daemon.errors import FileRefused
    from daemon.mapping import Amounts, Dates, decided, evidence_of
    from daemon.model import shown
    from daemon.profiles import Conventions
    from daemon.words import Words

    for name, held in evidence_of(reader.header, reader).items():
        if not held.filled or (held.holds("code") and held.holds("digits")):
            continue
        seen = (held.days, Amounts()) if held.holds("date") else (Dates(), held.amounts) if held.holds("amount") else None
        if seen is None:
            continue
        try:
            found = decided(*seen, Conventions()).model_dump(exclude_defaults=True)
            said = ", ".join(f"{key} {value!r}" for key, value in found.items()) or "nothing to decide"
        except FileRefused as refused:
            said = f"not clear: {Words('en').detail(refused.detail)}"
        yield f"{shown(name)}: {'dates' if held.holds('date') else 'amounts'}, {shown(said)}"


@contextmanager
def _progress_bar(file: Path) -> Iterator["Progress"]:
    """What is told how many rows are read; on a terminal it shows that, and which share of the file's lines it is."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    lines = _lines(file)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=lines)
        yield lambda rows: bar.update(task, completed=rows)


def _lines(file: Path) -> int | None:
    """How many lines a file of text has; None for what is no plain text, a workbook or a zip."""
    lines = 0
    with file.open("rb") as content:
        if b"\0\0" in (head := content.read(1 << 12)) or head.startswith((b"PK", b"\x1f\x8b", b"\xd0\xcf")):
            return None
        content.seek(0)
        while chunk := content.read(1 << 20):
            lines += chunk.count(b"\n")
    return lines or None

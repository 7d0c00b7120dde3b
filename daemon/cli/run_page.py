"""`imports show`: a run as a page for people."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.cli.show import STATE_STYLES, terminal
from daemon.model import ImportRun, shown
from daemon.results import of_the_file, of_the_ledger
from daemon.words import Words

if TYPE_CHECKING:
    from daemon.results import Owed


def print_run(run: ImportRun, mails: "Sequence[Owed]", suppressed: Sequence[dict[str, Any]], rejects_url: str | None) -> None:
    """Everything about a run: what came of it, its journey, how it was read, its rows and its money, its mails."""
    console, words = terminal(), Words("en")
    console.print(Text.assemble((run.title, "bold"), "  ", (run.state, STATE_STYLES[run.state])))
    if run.code:
        console.print(f"{words.refusal(run.code, run.detail)}.", markup=False)
    for sentence in words.effect(run.effect):
        console.print(sentence, markup=False)
    for note in run.notes:
        console.print(words.note(note), style="yellow", markup=False)
    _print_pairs(console, "", _journey(run))
    _print_pairs(console, "Read as", _shape(run))
    if run.tally:
        counts = {name: f"{count:,}" for name, count in run.tally.as_json().items() if count and name != "money"}
        _print_pairs(console, "Rows", counts.items(), right=True)
        for currency, money in sorted(run.tally.money.items()):
            for title, lines in (("of_the_file", of_the_file(money)), ("of_the_ledger", of_the_ledger(money))):
                told = [(words.amount(line.name), words.money(line.amount)) for line in lines]
                _print_pairs(console, f"{words(f'mail.{title}')}, {currency}", told, right=True)
    if rejects_url:
        console.print("\nRejected rows", style="bold")
        console.print(rejects_url, soft_wrap=True, markup=False, highlight=False)
    _print_pairs(console, "Values not taken", _suppressed(suppressed))
    _print_pairs(console, "Mails", ((mail.recipient, _fate(mail)) for mail in mails))


def _print_pairs(console: Console, title: str, pairs: Any, *, right: bool = False) -> None:
    """Names and values in two columns, below a heading; nothing at all where there are none. No value is cut."""
    rows = [(name, value) for name, value in pairs if value not in (None, "", [])]
    if not rows:
        return
    console.print()
    if title:
        console.print(Text(title, style="bold"))
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", min_width=24, overflow="fold")
    table.add_column(justify="right" if right else "left", overflow="fold")
    for name, value in rows:
        table.add_row(Text(shown(str(name))), Text(shown(str(value))))
    console.print(table)


def _journey(run: ImportRun) -> Iterator[tuple[str, object]]:
    yield "run", run.id
    yield "profile", run.profile
    yield "into", run.dataset
    yield "came by", f"drop {run.drop}" if run.drop else "the command line"
    yield "name there", run.name
    yield "arrived", _time(run.arrived_at)
    yield "ended", _time(run.finished_at)
    yield "attempts", run.attempt
    yield "business date", run.business_date
    yield "decided by", run.decided_by
    yield "undone", f"{_time(run.undone_at)} by {run.undone_by}" if run.undone_at else None
    yield "corrects run", run.corrects
    yield "follows run", run.follows
    yield "the file now", run.disposed_as
    yield "not fetched or moved", run.fault
    yield "sha256", run.sha256


def _shape(run: ImportRun) -> Iterator[tuple[str, object]]:
    if run.read_as:
        for name, value in vars(run.read_as).items():
            if value not in (None, (), ""):
                yield name.replace("_", " "), ", ".join(value) if isinstance(value, tuple) else value
    if run.header:
        yield "headers", ", ".join(run.header)


def _suppressed(values: Sequence[dict[str, Any]]) -> Iterator[tuple[str, object]]:
    for value in values:
        name, *rest = value.items()
        yield str(name[1]), ", ".join(f"{key} {held}" for key, held in rest)


def _fate(mail: "Owed") -> str:
    if mail.sent_at:
        return f"sent {_time(mail.sent_at)}"
    return f"undelivered: {mail.fault}" if mail.given_up_at else f"not sent yet{f': {mail.fault}' if mail.fault else ''}"


def _time(when: datetime | None) -> str | None:
    return f"{when:%Y-%m-%d %H:%M} UTC" if when else None

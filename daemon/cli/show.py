"""How results are printed: as JSON for scripts, as tables for people."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from daemon.model import ImportRun, Rejection, shown

if TYPE_CHECKING:
    from daemon.ledger.arrivals import Missing
    from daemon.loading import Change
    from daemon.results import Words

_NARROWEST = 9
"""Characters that a column of a table needs, or nothing of it is readable."""
_WIDTH = 110
"""A table of runs is readable from here on; a narrower terminal wraps it."""

STATE_STYLES = {
    "imported": "green",
    "refused": "red",
    "held": "yellow",
    "vanished": "yellow",
    "importing": "cyan",
    "arrived": "cyan",
}


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def rejection_json(rejection: Rejection, words: "Words", dataset: str) -> dict[str, Any]:
    """A rejected row as scripts see it."""
    reasons = [
        {"code": r.code, "field": r.field, "value": r.value, "message": words.reason(r, dataset)} for r in rejection.reasons
    ]
    return {"line": rejection.line, "cells": list(rejection.cells), "reasons": reasons, "resolved_by": rejection.resolved_by}


def missing_json(missing: "Missing") -> dict[str, Any]:
    """A file that did not come, as scripts see it: a run without a number."""
    return {"run_id": None, "status": "missing", "profile": missing.profile, "due_at": missing.due_at}


_SHOWN = 20


def print_changes(changes: "Sequence[Change]") -> None:
    """What became of rows, field by field: the first few."""
    marks = {"created": "+", "changed": "~", "cleared": "-", "reopened": "~"}
    for change in changes[:_SHOWN]:
        print(shown(f"  {marks[change.kind]} {change.kind} {change.row}: {_told(change)}"))
    if len(changes) > _SHOWN:
        print(f"  … {len(changes) - _SHOWN} more of the first {len(changes)}: --json lists them")


def _told(change: "Change") -> str:
    if change.kind == "created":
        return ", ".join(f"{name} {new}" for name, (_, new) in change.fields.items())
    blank = {None: "nothing"}
    return ", ".join(f"{name} {blank.get(old, old)} → {blank.get(new, new)}" for name, (old, new) in change.fields.items())


def print_runs(runs: Iterable[ImportRun], title: str | None = None) -> None:
    """Runs as a table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for heading in ("run", "file", "into", "state"):
        table.add_column(heading, overflow="fold")
    for heading in ("read", "new", "changed", "same", "skipped", "parked", "rejected"):
        table.add_column(heading, justify="right")
    for run in runs:
        state = f"[{STATE_STYLES[run.state]}]{run.state}[/]" + (f" ({run.code})" if run.code else "")
        counts = [
            f"{getattr(run.tally, name):,}" if run.tally else ""
            for name in ("read", "created", "updated", "unchanged", "skipped", "parked", "rejected")
        ]
        if run.tally and run.tally.rejected:
            counts[-1] = f"[red]{counts[-1]}[/]"
        table.add_row(str(run.id), escape(run.title), run.dataset, state, *counts)
    console = Console()
    (console if console.width >= _WIDTH else Console(width=_WIDTH)).print(table)


def print_tally(run: ImportRun) -> None:
    """What a run counted, and its money by currency in two statements."""
    from rich.console import Console
    from rich.table import Table

    from daemon.results import Words, of_the_file, of_the_ledger

    words = Words("en")
    for sentence in words.effect(run.effect):
        print(f"{'held:':14}{sentence}")
    if run.tally is None:
        return
    counts = {name: count for name, count in run.tally.as_json().items() if count and name != "money"}
    print(f"{'rows:':14}" + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    for note in run.notes:
        print(f"{'note:':14}{words.note(note)}")
    for currency, money in sorted(run.tally.money.items()):
        for title, lines in (("of_the_file", of_the_file(money)), ("of_the_ledger", of_the_ledger(money))):
            table = Table(title=f"{words(f'mail.{title}')}, {currency}", title_justify="left", show_header=False, box=None)
            table.add_column(min_width=46)
            table.add_column(justify="right", no_wrap=True)
            for line in lines:
                table.add_row(words.amount(line.name), words.money(line.amount), style="bold" if line.is_sum else None)
            Console().print(table)


def exit_code(run: ImportRun) -> int:
    """How a command that imported a file ends: 0 imported, 5 though no row of it was taken, 3 refused, 4 held, 1 a fault."""
    if run.code == "gave_up":
        return 1
    if run.tally and run.tally.took_nothing:
        return 5
    return {"imported": 0, "refused": 3, "held": 4}.get(run.state, 1)


def print_rows(names: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table on the terminal; one that is too wide for it is turned round, and its first rows stand side by side."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    if len(names) * _NARROWEST > console.width:
        turned = [*zip(names, *rows[: max(console.width // 30 - 1, 1)], strict=True)]
        names, rows = [str(name) for name in turned[0]], turned[1:]
    for name in names:
        table.add_column(escape(shown(name)))
    for row in rows:
        table.add_row(*(escape(shown(str(cell))) for cell in row))
    console.print(table)

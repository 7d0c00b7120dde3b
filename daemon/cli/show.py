"""How results are printed: as JSON for scripts, as tables for people."""

import json
import sys
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from daemon.model import ImportRun, Rejection, shown

if TYPE_CHECKING:
    from rich.console import Console

    from daemon.ledger.arrivals import Missing
    from daemon.model import Change
    from daemon.words import Words

_WIDE = 100_000
"""Columns of a terminal on which nothing is too wide."""

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


def print_runs(runs: Iterable[ImportRun], title: str = "") -> None:
    """Runs as a table."""
    counted = {"read": "read", "created": "new", "updated": "changed", "unchanged": "same"}
    counted |= {name: name for name in ("skipped", "parked", "rejected")}
    rows = []
    for run in runs:
        counts = [f"{getattr(run.tally, name):,}" if run.tally else "" for name in counted]
        why = f" ({run.code})" if run.code else " (undone)" if run.undone_at else ""
        rows.append([run.id, run.title, run.dataset, f"{run.state}{why}", *counts])
    print_rows(["run", "file", "into", "state", *counted.values()], rows, title, styled=_styled_run, right=range(4, 11))


def _styled_run(column: int, text: str) -> str:
    """How a cell of a run is shown: its state in its colour, what was rejected in red."""
    if column == 3:
        return STATE_STYLES.get(text.split()[0], "")
    return "red" if column == 10 and text not in ("", "0") else ""


def exit_code(run: ImportRun) -> int:
    """How a command that imported a file ends: 0 imported, 5 though no row of it was taken, 3 refused, 4 held, 1 a fault."""
    if run.code == "gave_up":
        return 1
    if run.tally and run.tally.took_nothing:
        return 5
    return {"imported": 0, "refused": 3, "held": 4}.get(run.state, 1)


def terminal() -> "Console":
    """What is printed on: the terminal; or, for what goes to a file or a pipe, one that is never too narrow."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=_WIDE)


def print_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    title: str = "",
    styled: Callable[[int, str], str] = lambda column, text: "",
    right: Container[int] = (),
) -> None:
    """A table. Nothing of it is ever cut: where it is too wide for the terminal each row is a card, a line for each of its cells
    that holds anything; what goes to a file or a pipe is as wide as it is.
    """
    from rich.table import Table
    from rich.text import Text

    console = terminal()
    cells = [[Text(text := shown(str(cell)), style=styled(column, text)) for column, cell in enumerate(row)] for row in rows]
    if title:
        console.print(Text(title, style="italic"), soft_wrap=True)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column, name in enumerate(names):
        table.add_column(Text(shown(name)), justify="right" if column in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    if console.measure(table, options=console.options.update(width=_WIDE)).maximum <= console.width:
        console.print(table)
        return
    for row in cells:
        card = Table(show_header=False, box=None, pad_edge=False)
        card.add_column(style="dim", overflow="fold", max_width=console.width // 3)
        card.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            if cell.plain:
                card.add_row(Text(shown(name)), cell)
        console.print(card)
        console.print()

"""Corrections: the rejected rows of a run, put right in their workbook and sent again; known by what that carries, whatever its
name and wherever it comes.
"""

from sqlalchemy import Connection

from daemon import ledger, reading
from daemon.errors import FileRefused, Refusal
from daemon.model import Batch, ImportRun, State
from daemon.profiles import Format
from daemon.results import OURS, Links
from daemon.settings import Settings

FORMAT = Format(kind="excel", header_row=1)
"""How the workbook is made; what a person does to it beyond its cells is found out as with any other."""


def corrected(conn: Connection, settings: Settings, run: ImportRun, mark: str) -> ImportRun | None:
    """The run whose rejected rows carry a mark that was found in the file of `run`; None where it is not one of ours.

    Raises FileRefused when those rows cannot go in apart from the rest.
    """
    number = Links.of(settings).marked(mark)
    original = ledger.runs.run_by_id(conn, number) if number is not None else None
    if original is None:
        return None
    _check(original)
    if run.section:
        raise FileRefused(Refusal.CORRECTS_NOTHING, "corrected_by_first_run", run=original.id)
    return original


def root(conn: Connection, run: ImportRun) -> ImportRun:
    """The run of the export that a correction goes back to in the end. Raises FileRefused when one on the way was undone."""
    while run.corrects and (original := ledger.runs.run_by_id(conn, run.corrects)):
        _check(original)
        run = original
    return run


def _check(original: ImportRun) -> None:
    if original.state is not State.IMPORTED or original.undone_at:
        state = "undone" if original.undone_at else original.state
        raise FileRefused(Refusal.CORRECTS_NOTHING, "run_is", run=original.id, state=str(state))


def resolve(conn: Connection, run: ImportRun, rows: reading.Reader) -> None:
    """Record which rejections went in by a correction, as far as its rows still say which those are; those of the run that it
    corrects, and, where that was a correction itself, those that it had brought.
    """
    lines: dict[int, int] = {}
    title = next((title for title in reversed(rows.header) if title.startswith(OURS)), None)
    for batch in rows if title else ():
        if isinstance(batch, Batch):
            told = zip(batch.frame.index.tolist(), batch.frame[title].tolist(), strict=True)
            lines |= {line: int(old) for line, old in told if old.isdecimal() and len(old) < 10}
    ledger.runs.resolve_rejections(conn, run, lines)
    original = ledger.runs.run_by_id(conn, run.corrects) if run.corrects else None
    while original and original.corrects and (place := _line_column(original)) is not None:
        lines_before = [str(row.cells[place]) for row in ledger.runs.rejections(conn, original.id) if row.resolved_by == run.id]
        ledger.runs.mark_resolved(conn, run, original.corrects, [int(line) for line in lines_before if line.isdecimal()])
        original = ledger.runs.run_by_id(conn, original.corrects)


def _line_column(run: ImportRun) -> int | None:
    """Where a correction's rows have the lines of those that they were, from 0."""
    return max((place for place, title in enumerate(run.header or []) if title.startswith(OURS)), default=None)

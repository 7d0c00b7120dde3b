"""Rejected rows, put right in their workbook and sent again."""

import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from daemon import db, ledger
from daemon.importing import attempt
from daemon.model import ImportRun, RemoteFile
from daemon.results import Links, as_xlsx
from daemon.words import Words
from tests.support.office import ITEMS, Office

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n    max_rejected = "70%"\n'
GOOD, BAD, WORSE = "C1;F1;01/02/2026;01/03/2026;100,00\n", "C1;F2;01/02/2026;31/31/2026;1 000,50\n", "C1;F3;x;01/03/2026;7,00\n"


def corrected(office: Office, run: ImportRun, change: Callable[[Worksheet], None]) -> Path:
    """The workbook of a run's rejected rows, as the page gives it, changed and saved by hand."""
    out = io.BytesIO()
    with db.transaction(office.engine) as conn:
        as_xlsx(
            run, ledger.runs.rejections(conn, run.id, unresolved=True), Words("en"), out, Links.of(office.settings).mark(run.id)
        )
    book = openpyxl.load_workbook(out)
    change(book.worksheets[0])
    path = office.home / "put right.xlsx"
    book.save(path)
    return path


def send(office: Office, path: Path) -> ImportRun:
    """Import a file that no profile claims."""
    with db.transaction(office.engine) as conn:
        run = ledger.arrivals.record_inline(conn, RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns), [("", "")])
    attempt(office.engine, office.settings, office.profiles, run)
    return office.run(run)


def due(sheet: Worksheet) -> None:
    """Put the due date of the first row right."""
    sheet["D2"] = "31/03/2026"

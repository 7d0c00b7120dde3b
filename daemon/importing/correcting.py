"""Correcting: rejected rows put right by new values for old ones; they go in by the workbook that people would have sent."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from daemon import ledger, queue, results
from daemon.model import ImportRun, Rejection, RemoteFile
from daemon.profiles import Profiles
from daemon.results import Links, Words
from daemon.settings import Settings

Faulty = tuple[str, str]
"""A column of the file, and a value in it that rows were rejected for."""


def correct(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, values: Mapping[Faulty, str]) -> int | None:
    """Have the rows of a run in which any of the `values` stands imported again, with the new value in its place; returns the run
    that does, or None where no row has any.
    """
    rows = list(_put_right(run, ledger.runs.rejections(conn, run.id, unresolved=True), values))
    if not rows:
        return None
    folder = settings.drafts / "corrections"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    path = folder / f"{Path(results.file_name(run, 'xlsx')).stem}-{secrets.token_hex(4)}.xlsx"
    with path.open("xb") as out:
        results.as_xlsx(run, rows, Words("en"), out, Links.of(settings).mark(run.id))
    file = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    made = ledger.arrivals.record_inline(conn, file, profiles.sections(path.name, profiles.saved(run.profile)))
    queue.enqueue(conn, "import_run", queue.this_host(), run_id=made)
    return made


def as_sent(value: str) -> str:
    """A cell's value as it comes back from a browser, which has its own line ends."""
    return value.strip().replace("\r\n", "\n")


def _put_right(run: ImportRun, rejections: Iterable[Rejection], values: Mapping[Faulty, str]) -> Iterator[Rejection]:
    header = run.header or []
    for row in rejections:
        cells, changed = list(row.cells), []
        for place, name in enumerate(header[: len(cells)]):
            if (name, as_sent(cells[place])) in values:
                cells[place] = values[name, as_sent(cells[place])]
                changed.append(place)
        if changed:
            yield replace(row, cells=cells, typed=[place for place in row.typed if place not in changed])

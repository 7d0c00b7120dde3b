"""Correcting: rejected rows put right by new values for old ones; they go in by the workbook that people would have sent."""

import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from daemon import ledger, queue, reading, results
from daemon.model import ImportRun, Rejection, RemoteFile
from daemon.profiles import Profiles
from daemon.results import Links
from daemon.settings import Settings
from daemon.words import Words

Faulty = tuple[str, str]
"""A column of the file, and a value in it that rows were rejected for."""
Cell = tuple[int, int]
"""A line of the file, and the place of a column in it, from 0."""


def correct(
    conn: Connection,
    settings: Settings,
    profiles: Profiles,
    run: ImportRun,
    values: Mapping[Faulty, str],
    cells: Mapping[Cell, str],
) -> int | None:
    """Have the rows of a run in which any of the `values` stands imported again, with the new value in its place, and those of
    which single `cells` are to be others; returns the run that does, or None where there are no such rows.
    """
    rows = list(_put_right(run, ledger.runs.rejections(conn, run.id, unresolved=True), values, cells))
    if not rows:
        return None

    def write(out: IO[bytes]) -> None:
        results.as_xlsx(run, rows, Words("en"), out, Links.of(settings).mark(run.id))

    return _brought(conn, settings, profiles, run, write)


def bring_back(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, workbook: IO[bytes]) -> int | None:
    """Have the workbook of a run's rejected rows imported again; returns the run that does, or None where it is not that."""
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as copy:
        shutil.copyfileobj(workbook, copy)
        copy.flush()
        mark = reading.mark_of(Path(copy.name), settings.sandbox)
        if not mark or Links.of(settings).marked(mark) != run.id:
            return None
        copy.seek(0)
        return _brought(conn, settings, profiles, run, lambda out: shutil.copyfileobj(copy, out))


def _brought(conn: Connection, settings: Settings, profiles: Profiles, run: ImportRun, write: Callable[[IO[bytes]], None]) -> int:
    folder = settings.drafts / "corrections"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    path = folder / f"{Path(results.file_name(run, 'xlsx')).stem}-{secrets.token_hex(4)}.xlsx"
    with path.open("xb") as out:
        write(out)
    file = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    made = ledger.arrivals.record_inline(conn, file, profiles.sections(path.name, profiles.saved(run.profile)))
    queue.enqueue(conn, "import_run", queue.this_host(), run_id=made)
    return made


def as_sent(value: str) -> str:
    """A cell's value as it comes back from a browser, which has its own line ends."""
    return value.strip().replace("\r\n", "\n")


def _put_right(
    run: ImportRun, rejections: Iterable[Rejection], values: Mapping[Faulty, str], cells: Mapping[Cell, str]
) -> Iterator[Rejection]:
    header = run.header or []
    for row in rejections:
        put, changed = list(row.cells), []
        for place, name in enumerate(header[: len(put)]):
            stands = as_sent(put[place])
            instead = cells.get((row.line, place), values.get((name, stands)))
            if instead is not None and instead != stands:
                put[place] = instead
                changed.append(place)
        if changed:
            yield replace(row, cells=put, typed=[place for place in row.typed if place not in changed])

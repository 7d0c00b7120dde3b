"""Retention: what the archive keeps no longer, and what a crash left in it."""

import shutil
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from daemon import db, ledger, queue
from daemon.settings import Settings

_DRAFT_DAYS = 14
"""So long a draft waits for somebody to go on with it."""
_ABANDONED_SECONDS = 86400.0
"""Age of a file in the archive that no arrival knows, and none will."""


def prune_archive(engine: Engine, settings: Settings) -> int:
    """Delete from this machine's archive the bytes of files older than it keeps, and what a crash left; returns how many.

    What their runs changed is forgotten with them.
    """
    here = "" if settings.archive.shared else queue.this_host()
    count = 0
    with db.transaction(engine) as conn:
        ledger.runs.prune_history(conn, timedelta(seconds=settings.archive.keep))
    with db.transaction(engine) as conn:
        old = ledger.arrivals.old_archives(conn, settings.archive.keep, here)
    for arrival_id, path in old:
        Path(path).unlink(missing_ok=True)
        with db.transaction(engine) as conn:
            ledger.arrivals.mark_pruned(conn, arrival_id)
        count += 1
    with db.transaction(engine) as conn:
        forgotten = ledger.drafts.old_drafts(conn, queue.this_host(), _DRAFT_DAYS)
    for draft in forgotten:
        shutil.rmtree(Path(draft.path).parent, ignore_errors=True)
    for workbook in (settings.drafts / "corrections").glob("*"):
        if time.time() - workbook.stat().st_mtime > _DRAFT_DAYS * 86400:
            workbook.unlink(missing_ok=True)
    return count + sum(_prune_folder(engine, folder) for folder in settings.archive_folder.glob("[0-9]*"))


def _prune_folder(engine: Engine, folder: Path) -> int:
    """Delete what a process that died left in a folder of the archive: half files, and files that no arrival knows."""
    with db.transaction(engine) as conn:
        kept = ledger.arrivals.archived_paths(conn, int(folder.name))
    count = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if str(path) not in kept and time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
                count += 1
    return count

"""One poll of a drop: list, settle, match, record and enqueue."""

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.drops import Seen, next_look, observe, open_drop
from daemon.errors import FileRefused
from daemon.log import get
from daemon.model import RemoteFile
from daemon.profiles import Profiles
from daemon.settings import LocalDrop, Settings

log = get(__name__)


def poll(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    name: str,
    seen: Seen,
    clock: Callable[[], float] = time.monotonic,
) -> float | None:
    """Look into the drop `name` once and record what is there to import; `seen` is what earlier polls saw.

    Returns in how many seconds to look again for a file that has not settled yet, or None. Raises TryLater.
    """
    drop = settings.drops[name]
    with db.transaction(engine) as conn:
        listed_at = ledger.now(conn)
        known = ledger.waiting(conn, name)
    with open_drop(name, drop, settings) as opened:
        listing = opened.list()
    failpoint.reach("listed")
    for file in observe(seen, listing, drop, clock()):
        if file not in known:
            _record(engine, settings, profiles, name, file, listed_at)
    return next_look(seen, drop, clock())


def _record(engine: Engine, settings: Settings, profiles: Profiles, drop: str, file: RemoteFile, listed_at: datetime) -> None:
    """Enter a settled file in the ledger and owe its import, in one transaction."""
    try:
        sections = profiles.sections(file.name, profiles.match(file.name, drop))
    except FileRefused:
        sections = [("", "")]  # two profiles claim it: the import finds that again, keeps the bytes, refuses and tells
    with db.transaction(engine) as conn:
        if not sections:
            if ledger.first_sight(conn, drop, file):
                log.warning("no_profile", drop=drop, file=file.name)
                results.owe_unmatched(conn, drop, file, settings.mail.admins if settings.mail else [])
            return
        host = queue.this_host() if isinstance(settings.drops[drop], LocalDrop) else ""
        run_id = ledger.arrive(conn, drop, file, sections, listed_at, host)
        if run_id is None:
            return
        queue.enqueue(conn, "import_run", host, run_id=run_id)
    failpoint.reach("arrived")
    log.info("arrived", drop=drop, file=file.name, size=file.size, run=run_id, profile=sections[0][0])

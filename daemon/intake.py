"""Taking in: what a drop lists, what of it has settled, whose it is; entered in the ledger."""

import time
from collections.abc import Callable, Collection
from datetime import date, datetime

from sqlalchemy import Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.drop_settings import DropSettings
from daemon.drops import Drop, Seen, next_look, observe, walk
from daemon.errors import FileRefused
from daemon.log import get
from daemon.model import RemoteFile, basename
from daemon.profiles import Profiles
from daemon.settings import Settings

log = get(__name__)


def look(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    name: str,
    drop: Drop,
    seen: Seen,
    clock: Callable[[], float] = time.monotonic,
) -> float | None:
    """Look into the drop `name`, which is connected to, and record what is there to import; `seen` is what earlier looks saw.

    Returns in how many seconds to look again for a file that has not settled or had no room in this look, or None.
    Raises TryLater.
    """
    here = settings.drops[name]
    with db.transaction(engine) as conn:
        listed_at = ledger.now(conn)
        known = ledger.waiting(conn, name)
        told = ledger.unmatched(conn, name)
    listing = walk(drop, here)
    failpoint.reach("listed")
    new = [file for file in observe(seen, listing, here, clock()) if file not in known]
    taken = 0
    for file in sorted(new, key=lambda file: _place(file, here, profiles, name)):
        if taken == here.batch:
            return 0
        taken += record(engine, settings, profiles, name, file, listed_at, told, many=len(new) >= results.DIGEST_FROM) is not None
    return next_look(seen, here, clock())


def _place(file: RemoteFile, here: DropSettings, profiles: Profiles, name: str) -> tuple[object, ...]:
    """Where a file stands in its drop's order."""
    if here.order == "mtime":
        return file.mtime, file.name
    if here.order == "business_date":
        return profiles.business_date(basename(file.name), name) or date.max, file.name
    return (file.name,)


def record(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    drop: str,
    file: RemoteFile,
    listed_at: datetime,
    told: Collection[RemoteFile] = (),
    *,
    many: bool = False,
) -> int | None:
    """Enter a settled file in the ledger, with a run for each section of its profile; returns the first one's id.

    None for a file that is known, or that no profile claims: that one the admins are told of, once.
    """
    try:
        sections = profiles.sections(file.name, profiles.match(basename(file.name), drop))
    except FileRefused:
        sections = [("", "")]  # two profiles claim it: the import finds that again, keeps the bytes, refuses and tells
    if not sections and file in told:
        return None
    with db.transaction(engine) as conn:
        if not sections:
            if ledger.first_sight(conn, drop, file):
                log.warning("no_profile", drop=drop, file=file.name)
                results.owe_notice(conn, "unmatched", settings.admins, many=many, drop=drop, file=file.name)
            return None
        run_id = ledger.arrive(conn, drop, file, sections, listed_at, queue.this_host())
    if run_id is not None:
        failpoint.reach("arrived")
        log.info("arrived", drop=drop, file=file.name, size=file.size, run=run_id, profile=sections[0][0])
    return run_id

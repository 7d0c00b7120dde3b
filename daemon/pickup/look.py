"""Taking in: what a drop lists, what of it has settled, whose it is; entered in the ledger."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine

from daemon import db, failpoint, ledger, queue, results
from daemon.drops import Drop, Seen, marker_of, next_look, observe, walk
from daemon.errors import FileRefused, NotAllowed, Vanished
from daemon.log import get
from daemon.model import RemoteFile, basename
from daemon.profiles import Profiles
from daemon.settings import DropSettings, Settings

log = get(__name__)

_LONGEST_CONTROL = 1 << 16


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
        listed_at = db.now(conn)
        known = ledger.arrivals.known_files(conn, name)
        told = ledger.drops.unmatched_files(conn, name)
    listing = walk(drop, here)
    failpoint.reach("listed")
    if gone := told - set(listing):
        with db.transaction(engine) as conn:
            ledger.drops.forget_unmatched(conn, name, gone)
    controls = _controls(profiles, name, listing)
    told_by = set(controls.values())
    settled = observe(seen, listing, here, clock(), told_by)
    controlling = {file.name: file for file in (listing if here.marker else settled) if file.name in told_by}
    new = [file for file in settled if file not in known and file.name not in told_by]
    many = len(new) >= results.DIGEST_FROM
    taken = 0
    for file in sorted(new, key=lambda file: _place(file, here, profiles, name)):
        if taken == here.batch:
            return 0
        companions = [marker_of(file.name, here.marker)] if here.marker else []
        control = None
        if file.name in controls:
            if (controlled := controlling.get(controls[file.name])) is None:
                continue  # what it should hold is not told yet
            try:
                control = _text(drop, controlled)
            except (NotAllowed, Vanished) as fault:
                log.warning("control_file_not_read", drop=name, file=controlled.name, reason=str(fault))
                continue
            companions.append(controlled.name)
        arrived = Arriving(file, listed_at, control, companions)
        taken += record(engine, settings, profiles, name, arrived, told, many=many) is not None
    return next_look(seen, here, clock())


def _controls(profiles: Profiles, name: str, listing: list[RemoteFile]) -> dict[str, str]:
    """For each listed file whose profile has control files, the path of its own."""
    controlled = [profile for profile in profiles if profile.control and profile.control.file]
    return {
        file.name: marker_of(file.name, profile.control.file)
        for file in listing
        for profile in controlled
        if profile.control and profile.control.file and profile.matches(basename(file.name), name)
    }


def _text(drop: Drop, file: RemoteFile) -> str:
    """A control file's content, as far as it can be one."""
    with drop.read(file) as chunks:
        content = b""
        for chunk in chunks:  # to its end, though it be longer: a transfer that is broken off breaks the session
            content = (content + chunk)[:_LONGEST_CONTROL]
    return content.decode("utf-8", "replace").replace("\0", "")


def _place(file: RemoteFile, here: DropSettings, profiles: Profiles, name: str) -> tuple[object, ...]:
    """Where a file stands in its drop's order."""
    if here.order == "mtime":
        return file.mtime, file.name
    if here.order == "business_date":
        return profiles.business_date(basename(file.name), name) or date.max, file.name
    return (file.name,)


@dataclass(frozen=True)
class Arriving:
    """A settled file, when it was listed, what its control file says, and the paths of what goes when it goes."""

    file: RemoteFile
    listed_at: datetime
    control: str | None = None
    companions: Sequence[str] = ()


def record(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    drop: str,
    arriving: Arriving,
    told: Collection[RemoteFile] = (),
    *,
    many: bool = False,
) -> int | None:
    """Enter a settled file in the ledger, with a run for each section of its profile; returns the first one's id.

    None for a file that is known, or that no profile claims: that one the admins are told of, once.
    """
    file = arriving.file
    try:
        sections = profiles.sections(file.name, profiles.match(basename(file.name), drop))
    except FileRefused:
        sections = [("", "")]  # two profiles claim it: the import finds that again, keeps the bytes, refuses and tells
    if not sections and file in told:
        return None
    with db.transaction(engine) as conn:
        if not sections:
            if ledger.drops.record_unmatched(conn, drop, file):
                log.warning("no_profile", drop=drop, file=file.name)
                results.owe_notice(conn, "unmatched", settings.admins, many=many, drop=drop, file=file.name)
            return None
        if file in told:
            ledger.drops.forget_unmatched(conn, drop, [file])
        run_id = ledger.arrivals.record_arrival(
            conn, drop, file, sections, arriving.listed_at, queue.this_host(), arriving.control, arriving.companions
        )
    if run_id is not None:
        failpoint.reach("arrived")
        log.info("arrived", drop=drop, file=file.name, size=file.size, run=run_id, profile=sections[0][0])
    return run_id

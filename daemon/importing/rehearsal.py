"""A rehearsal: what importing a file would come to, of which nothing stays."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from daemon import db, ledger, loading
from daemon.importing.contents import as_correction, parts_of
from daemon.importing.load import Progress, load
from daemon.model import Change, Outcome, RemoteFile
from daemon.profiles import Profile, Profiles
from daemon.reading import mark_of, members
from daemon.settings import Settings

_REASONS = 50
CHANGES = 1000
"""How many of the rows that a file touches a rehearsal tells of."""


@dataclass(frozen=True)
class Rehearsed:
    """What importing a file would come to: its dataset, the outcome, and what would become of the first rows it touches."""

    dataset: str
    outcome: Outcome
    changes: list[Change]
    rejections: list[dict[str, Any]]
    """By reason: the first one's reason, how many rows, and what they are about in money."""


def rehearse(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    profile: Profile | None,
    file: RemoteFile,
    progress: Progress,
    *,
    afresh: bool = False,
) -> list[Rehearsed]:
    """What importing a local file would come to, run by run; nothing of it stays. Read `afresh`, it is no duplicate.

    Raises FileRefused, and TryLater when it had to give way to an import, too.
    """
    came_of: list[Rehearsed] = []
    path = Path(file.name)
    with db.transaction(engine) as conn:
        loading.rehearses(conn)
        first = ledger.runs.run_by_id(conn, ledger.arrivals.record_inline(conn, file, profiles.sections(path.name, profile)))
        if first and (mark := mark_of(path, settings.sandbox)):
            first = as_correction(conn, settings, first, mark)
        assert first
        first = replace(first, sha256=None if afresh else _sha256(path))
        if not first.dataset:
            ledger.runs.assign_parts(conn, first, parts_of(profiles, first, members(path, settings.sandbox)))
        for run in [first] if first.corrects else ledger.runs.siblings(conn, first):
            outcome = load(conn, replace(run, sha256=first.sha256), profiles, path, settings.sandbox, progress)
            turned_down = [
                {
                    "reason": asdict(each.reason),
                    "rows": each.rows,
                    "values": each.values,
                    "amounts": {c: f"{a:f}" for c, a in each.amounts.items()},
                }
                for each in ledger.runs.by_reason(conn, run.id, _REASONS)
            ]
            came_of.append(Rehearsed(run.dataset, outcome, loading.changes(conn, run.id, run.dataset, CHANGES), turned_down))
        conn.rollback()
    return came_of


def _sha256(path: Path) -> str:
    """The hash by which the ledger would know the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The dry run of a draft: exactly the profile that its choices make, on its file, and on the last files of the same names."""

import fnmatch
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from daemon import db, ledger, reading
from daemon.errors import FileRefused, TryLater
from daemon.importing.choices import Choices
from daemon.importing.drafting import profile_text, seen
from daemon.importing.editing import as_profile
from daemon.importing.rehearsal import Rehearsed, rehearse
from daemon.ledger.drafts import Draft
from daemon.model import Held, Imported, Refused, RemoteFile
from daemon.profiles import Profile, Profiles
from daemon.settings import Settings
from daemon.toml import ConfigInvalid
from daemon.words import Words

_CHANGES = 100
_EARLIER = 500
_AGAINST = 3
"""Of the latest files so many are tried whose names match."""
_WAITS = (1.0, 5.0, 15.0)
"""Seconds after which it begins again when it had to give way."""


def rehearse_draft(engine: Engine, settings: Settings, profiles: Profiles, draft_id: int) -> None:
    """Do the dry run of a draft as it is now, and record what it came to."""
    with db.transaction(engine) as conn:
        found = ledger.drafts.draft_by_id(conn, draft_id)
    if found is None or found.run_id is not None:
        return
    result = {"version": found.version, **_came_to(engine, settings, profiles, found)}
    with db.transaction(engine) as conn:
        ledger.drafts.record_result(conn, draft_id, result)
        account = ledger.people.account_named(conn, found.made_by)
        earlier = ledger.arrivals.latest_archived(conn, found.host, _EARLIER) if account and account.is_admin else []
    against = [{"file": name, **told} for name, told in _against(engine, settings, profiles, found, earlier)]
    if against:
        with db.transaction(engine) as conn:
            ledger.drafts.record_result(conn, draft_id, result | {"against": against})


def _against(
    engine: Engine, settings: Settings, profiles: Profiles, found: Draft, earlier: list[tuple[str, str]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the draft would make of the last files whose names its pattern matches, the latest first."""
    pattern, told = Choices.of(found).pattern, 0
    for name, archived in earlier:
        if told < _AGAINST and name != found.file and fnmatch.fnmatchcase(name, pattern):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / name
                try:
                    with reading.open_bytes(Path(archived)) as kept, path.open("xb") as copy:
                        shutil.copyfileobj(kept, copy)
                except (OSError, EOFError, FileRefused):  # gone meanwhile, or damaged
                    continue
                yield name, _came_to(engine, settings, profiles, replace(found, path=str(path)))
            told += 1


def _came_to(engine: Engine, settings: Settings, profiles: Profiles, found: Draft) -> Mapping[str, Any]:
    """The outcome of a draft's file, by the profile that its choices make."""
    path, choices = Path(found.path), Choices.of(found)
    try:
        read = seen(path, choices, settings.sandbox, engine)
        profile = as_profile(profile_text(found.file, choices, read, Words("en")), choices.name)
        rehearsed = _rehearsed(engine, settings, profiles.beside(profile), profile, path, found)
    except FileRefused as refused:
        return {"state": "refused", "code": refused.code, "detail": asdict(refused.detail)}
    except ConfigInvalid as error:
        return {"state": "fault", "mistakes": [[each.key, asdict(each.detail)] for each in error.mistakes]}
    except (TryLater, OSError) as error:
        return {"state": "fault", "fault": str(error)}
    match rehearsed.outcome:
        case Imported(tally):
            changes = [asdict(change) for change in rehearsed.changes[:_CHANGES]]
            return {"state": "imported", "tally": tally.as_json(), "changes": changes, "rejections": rehearsed.rejections}
        case Held(effect):
            return {"state": "held", "effect": effect.as_json()}
        case Refused(code, detail):
            return {"state": "refused", "code": code, "detail": asdict(detail)}
    return {"state": "fault", "fault": type(rehearsed.outcome).__name__}


def _rehearsed(engine: Engine, settings: Settings, profiles: Profiles, profile: Profile, path: Path, found: Draft) -> Rehearsed:
    """What the dry run of a draft's profile came to, of its own file or another; begun again when it had to give way."""
    file = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    afresh = bool(Choices.of(found).edited) or path.name != found.file  # its bytes are no news, but what is made of them may be
    tried = partial(rehearse, engine, settings, profiles, profile, file, lambda rows: None, afresh=afresh)
    for wait in _WAITS:
        with suppress(TryLater):
            return tried()[0]
        time.sleep(wait)
    return tried()[0]

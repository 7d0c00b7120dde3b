"""Refusing: what keeps a whole file out of the ledger, or has somebody decide, once it is known whose its rows are."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import Connection

from daemon import ledger, loading
from daemon.errors import Detail, FileRefused, Refusal
from daemon.model import ImportRun
from daemon.profiles import Profile, Profiles, Section


def mark_of_rules(profile: Profile, section: Section, declared: Mapping[str, loading.Declared], entities: Collection[str]) -> str:
    """A mark of what a section's rows are read and judged by: by another one, the same bytes are news."""
    told = [(name, each.credits, each.numbering) for name, each in sorted(declared.items()) if name in entities]
    said = section.model_dump(include=set(Section.model_fields)), profile.format.model_dump(), told
    return hashlib.sha256(repr(said).encode()).hexdigest()


def refuse_duplicate(
    conn: Connection, run: ImportRun, stage: loading.Stage, entities: Collection[str], rules: str, told_day: object = None
) -> Detail | None:
    """Raise FileRefused when the bytes are those of the scope's latest import, whoever brought it, nothing was done to the ledger
    since, and they are judged by the same `rules`. A retry is asked for, so never
    one, nor is what a person corrected; nor a snapshot with the bytes of a delta, which said nothing of what it left out.

    Returns which earlier import has the bytes of a file that is no news of a later day by `told_day`, the day that its name or a
    column says: it may have been sent again by mistake.

    The answer is final under the entities' lock only.
    """
    if run.parent_id is not None or run.corrects is not None:
        return None
    same = ledger.runs.identical_import(conn, run, stage.scope, entities, rules, snapshot=stage.rules.snapshot)
    if same is None or (same.is_latest and same.is_overtaken):
        return None
    if same.is_latest:
        raise FileRefused(Refusal.DUPLICATE, "run_and_file", run=same.run, file=same.file)
    newer = isinstance(told_day, date) and same.latest_day is not None and told_day > same.latest_day
    return None if newer else Detail.of("run_and_file", run=same.run, file=same.file)


def refuse_unnamed(profiles: Profiles, profile: Profile, stage: loading.Stage, entities: Collection[str]) -> None:
    """Raise FileRefused where snapshots of several profiles speak for an entity, and one that fills it does not say its scope."""
    if stage.dataset.presence and (names := profiles.unnamed(profile, stage.dataset.name, entities)):
        raise FileRefused(Refusal.SCOPE_UNNAMED, "unnamed", profiles=", ".join(names))


def refuse_closed(run: ImportRun, stage: loading.Stage, declared: Mapping[str, loading.Declared]) -> None:
    """Raise FileRefused for a file about a day of a closed period. What a person put right or approved is booked today."""
    if run.corrects or run.approved:
        return
    for entity, each in sorted(declared.items()):
        if each.closed_until and stage.as_of <= each.closed_until:
            told = {"day": f"{stage.as_of}", "until": f"{each.closed_until}", "entity": entity or "–"}
            raise FileRefused(Refusal.PERIOD_CLOSED, "period_closed", **told)

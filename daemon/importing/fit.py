"""Fit: a run's file opened, its profile fitted to what is in it, its rows as they come, and the stage on which they wait."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from daemon import ledger, loading, reading, results
from daemon.datasets import CUSTOMERS
from daemon.errors import FileRefused, Refusal
from daemon.importing import corrections
from daemon.importing.counting import Account
from daemon.mapping import Mapped, Mapping, check_pins
from daemon.mapping import fit as fit_section
from daemon.model import Batch, ImportRun, ReadAs, Rejection, basename
from daemon.profiles import Profile, day_of
from daemon.settings import Sandbox

T = TypeVar("T")
Pins = dict[str, str | None]
"""What the first import of a profile decided, by its name in `[format]`."""

_HANDFUL = 5_000


def fit(
    conn: Connection, run: ImportRun, profile: Profile, path: Path, sandbox: Sandbox
) -> tuple[Mapping, reading.Reader, ReadAs, Pins]:
    """The section fitted to the file's header, its conventions declared, or pinned by the first import, or proven; the file
    opened, its shape found once only; how it is read; and what the first import pinned.
    """
    section = profile.section(run.dataset)
    entity = section.entity if section.customer_entity is None else section.customer_entity

    def clues() -> reading.Clues:
        return reading.Clues(loading.countries(conn, entity), ledger.runs.earlier_encodings(conn, run))

    reader = reading.read(path, corrections.FORMAT if run.corrects else profile.format, sandbox, section.headers, clues)
    returned = not run.corrects and any(title.startswith(results.OURS) for title in reader.header)
    if returned and section.import_.mode == "snapshot":  # a few rows, and by no means all that is open
        raise FileRefused(Refusal.CORRECTS_NOTHING, "no_more_the_workbook", file=basename(run.name))

    def again() -> reading.Reader:
        return reading.read(path, reader.format, sandbox, section.headers)

    pinned = ledger.runs.pins(conn, run)
    known = profile.format.conventions.pinned_to(pinned)
    mapping = fit_section(section, reader.header, again, known)
    if known != profile.format.conventions and mapping.conventional:
        check_pins(again(), mapping, profile.format.conventions)
    decided = reader.format.model_dump() | mapping.conventions.model_dump()
    read_as = ReadAs(**decided)
    return mapping, reader, read_as if run.corrects else _drifted(conn, run, reader.header, read_as), pinned


def _drifted(conn: Connection, run: ImportRun, header: list[str], read_as: ReadAs) -> ReadAs:
    """How a file was read, with the columns that have come and gone since the profile's latest import."""
    last = ledger.runs.last_import(conn, run)
    before = last.header if last and last.header else header
    return replace(
        read_as,
        new_columns=tuple(name for name in header if name not in before),
        gone_columns=tuple(name for name in before if name not in header),
    )


def mapped_rows(reader: reading.Reader, mapping: Mapping, *, ahead: bool) -> Iterator[Mapped | list[Rejection]]:
    """A file's batches, mapped, and by the handful the rejections of its reading; the next one made `ahead`, if asked, in
    another thread.
    """
    return _ahead(_mapped(_ahead(iter(reader)), mapping)) if ahead else _mapped(reader, mapping)


def _mapped(reader: Iterable[Batch | Rejection], mapping: Mapping) -> Iterator[Mapped | list[Rejection]]:
    aside: list[Rejection] = []
    for item in reader:
        if isinstance(item, Batch):
            yield mapping.apply(item)
        else:
            aside.append(item)
        if len(aside) == _HANDFUL:
            yield aside
            aside = []
    yield aside


def _ahead(items: Iterator[T]) -> Iterator[T]:
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def stage_of(conn: Connection, run: ImportRun, profile: Profile, mapping: Mapping) -> loading.Stage:
    """The stage on which a file's rows wait, and the rules by which they are merged."""
    section, dataset = mapping.section, mapping.section.target
    rules = section.import_
    own = [name for name, field in dataset.fields.items() if field.owner == "app"]
    snapshot = rules.mode == "snapshot" and run.corrects is None
    return loading.Stage(
        run_id=run.id,
        dataset=dataset,
        fields=tuple(mapping.fields),
        key=tuple(mapping.key),
        fallback=mapping.fallback,
        rules=loading.Rules(
            protected=frozenset(own if rules.protect is None else rules.protect),
            blank_clears=rules.blank == "clear",
            insert_only=rules.on_match == "skip",
            snapshot=snapshot,
            by_type=rules.sign == "by_type",
            rides_along=dataset.name == CUSTOMERS and any(other.target.refers_to for other in profile.sections),
        ),
        own_table=run.id if run.size > loading.SHARED_STAGE_BYTES else 0,
        scope=rules.scope or "",
        entities=tuple(section.speaks_for) if snapshot else (),
        as_of=_day(conn, profile, run),
        arrival=run.arrival_id,
        customer_entity=section.customer_entity,
    )


def _day(conn: Connection, profile: Profile, run: ImportRun) -> date:
    """The day that a file is about: that of the run it corrects or tries again, or by its name, or else the night it came in."""
    original = (
        corrections.root(conn, run) if run.corrects else ledger.runs.run_by_id(conn, run.parent_id) if run.parent_id else None
    )
    return original.business_date if original and original.business_date else day_of(profile, run)


def dated(stage: loading.Stage, account: Account) -> loading.Stage:
    """The stage with the day that a column says. Raises FileRefused for a snapshot of several days."""
    if account.earliest is None:
        return stage
    if stage.rules.snapshot and account.earliest != account.latest:
        raise FileRefused(Refusal.DATE_UNCLEAR, "plain", text=f"{account.earliest}, {account.latest}")
    return replace(stage, as_of=account.earliest)

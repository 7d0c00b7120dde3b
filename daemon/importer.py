"""The import as a straight line: read, map, stage, check, merge. It raises; what then happens is not decided here."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pyarrow.compute as pc
from sqlalchemy import Connection

from daemon import failpoint, ledger, loading, reading
from daemon.control import check_control
from daemon.errors import FileRefused, Refusal
from daemon.mapping import Mapped, Mapping, check_pins, fit
from daemon.model import Batch, ImportRun, Money, Rejection, Tally
from daemon.profile import Profile
from daemon.settings import Sandbox

T = TypeVar("T")
Progress = Callable[[int], None]
"""Told, batch by batch, how many rows have been read."""

_HANDFUL = 5_000


def load(
    conn: Connection,
    run: ImportRun,
    profile: Profile,
    path: Path,
    sandbox: Sandbox,
    progress: Progress = lambda rows: None,
    take_turn: Callable[[], None] = lambda: None,
) -> Tally:
    """Import the bytes at `path` as `run` says, in the caller's transaction, and return what came of every row.

    `take_turn` is called when everything is read and staged, and nothing is merged yet.
    """
    _refuse_duplicate(conn, run)
    with reading.unpacked(path, run.member or profile.format.member, sandbox) as content:
        return _load(conn, run, profile, content, sandbox, progress, take_turn)


def _load(
    conn: Connection,
    run: ImportRun,
    profile: Profile,
    path: Path,
    sandbox: Sandbox,
    progress: Progress,
    take_turn: Callable[[], None],
) -> Tally:
    section = profile.section(run.dataset)
    mapping, reader = _fit(conn, run, profile, path, sandbox)
    stage = loading.open_stage(conn, run.id, section.target, mapping.fields, mapping.key, run.size)
    tally, entities = Tally(), {section.entity}
    items = _mapped(reader, mapping)
    for item in _ahead(items) if stage.own else items:
        if isinstance(item, Mapped):
            loading.copy(conn, stage, item.rows)
            entities |= set(pc.unique(item.rows.column("entity")).to_pylist())
        rejections = item.rejections if isinstance(item, Mapped) else item
        _count(tally, item, ledger.reject(conn, run.id, rejections) if rejections else 0)
        progress(tally.read)
    tally.ignored = reader.ignored
    if profile.control:
        check_control(
            profile.control,
            run.control if profile.control.file else "\n".join(reader.trailers),
            tally,
            mapping,
            typed=reader.format.kind == "excel",
        )
    loading.prepare(conn, stage)
    failpoint.reach("staged")

    take_turn()
    loading.lock_entities(conn, entities)
    _refuse_duplicate(conn, run)
    if _check(conn, stage, tally):
        _tell_turned(conn, stage, mapping, reading.read(path, reader.format, sandbox, section.headers))
    failpoint.reach("checked")

    before = loading.open_totals(conn, stage, sorted(entities))
    loading.merge(conn, stage, tally)
    _tell_totals(tally, before, loading.open_totals(conn, stage, sorted(entities)))
    loading.clear(conn, stage)
    failpoint.reach("merged")
    return tally


def _refuse_duplicate(conn: Connection, run: ImportRun) -> None:
    """Raise FileRefused when the bytes are those of the profile's latest import. A retry is asked for, so never one.

    Asked before the work, to spare it, and again under the entities' lock, where the answer is final.
    """
    if run.parent_id is None and (before := ledger.imported_before(conn, run)):
        raise FileRefused(Refusal.DUPLICATE, "run {}: {}".format(*before))


def _fit(conn: Connection, run: ImportRun, profile: Profile, path: Path, sandbox: Sandbox) -> tuple[Mapping, reading.Reader]:
    """The section fitted to the file's header, its conventions declared, or pinned by the first import, or proven; and the
    file opened, its shape found once only.
    """
    section = profile.section(run.dataset)
    reader = reading.read(path, profile.format, sandbox, section.headers)

    def again() -> reading.Reader:
        return reading.read(path, reader.format, sandbox, section.headers)

    pinned = ledger.pinned(conn, run)
    known = profile.format.conventions.pinned_to(pinned)
    mapping = fit(section, reader.header, again, known)
    if known != profile.format.conventions and mapping.conventional:
        check_pins(again(), mapping, profile.format.conventions)
    decided = reader.format.model_dump() | mapping.conventions.model_dump()
    ledger.read_as(conn, run, reader.header, decided | _drift(conn, run, reader.header))
    return mapping, reader


def _drift(conn: Connection, run: ImportRun, header: list[str]) -> dict[str, list[str]]:
    """The columns that have come and gone since the profile's latest import."""
    last = ledger.last_import(conn, run)
    before = last.header if last and last.header else header
    return {
        "new_columns": [name for name in header if name not in before],
        "gone_columns": [name for name in before if name not in header],
    }


def _mapped(reader: reading.Reader, mapping: Mapping) -> Iterator[Mapped | list[Rejection]]:
    """A file's batches, mapped, and by the handful the rejections of its reading."""
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
    """The same items, the next one always made in another thread while this one is on its way to the database."""
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _count(tally: Tally, item: Mapped | list[Rejection], rejected: int) -> None:
    tally.rejected += rejected
    tally.read += rejected
    if isinstance(item, Mapped):
        tally.read += item.rows.num_rows + item.skipped
        tally.skipped += item.skipped
        _add(tally, "file_total", item.money)
        _add(tally, "rejected", item.rejected_money)


def _check(conn: Connection, stage: loading.Stage, tally: Tally) -> int:
    """Take off the stage what the table or the other rows forbid; returns how many rows were rejected for it."""
    before = tally.rejected
    for check in (loading.settle_twins, loading.reject_unknown):
        turned = check(conn, stage)
        tally.rejected += turned.rejected
        tally.skipped += turned.skipped
        _add(tally, "rejected", turned.money)
    return tally.rejected - before


def _tell_turned(conn: Connection, stage: loading.Stage, mapping: Mapping, again: reading.Reader) -> None:
    """Store the rows that the checks turned down, their cells read once more from the file."""
    for item in again:
        if isinstance(item, Batch):
            reasons = loading.turned_down(conn, stage, int(item.frame.index[0]), int(item.frame.index[-1]))
            turned = Batch(item.frame[item.frame.index.isin(list(reasons))])
            rejections = (
                Rejection(line, cells, tuple(replace(r, column=mapping.header_of(r.field)) for r in reasons[line]))
                for line, cells in turned.rows()
            )
            ledger.reject(conn, stage.run_id, rejections)


def _tell_totals(tally: Tally, before: dict[str, Decimal], after: dict[str, Decimal]) -> None:
    """Enter what was and is open, for the currencies that the file speaks of or changed."""
    told = tally.money.keys() | {
        currency for currency in before.keys() | after.keys() if before.get(currency) != after.get(currency)
    }
    for name, totals in (("open_before", before), ("open_after", after)):
        _add(tally, name, {currency: totals[currency] for currency in told & totals.keys()})


def _add(tally: Tally, what: str, sums: dict[str, Decimal]) -> None:
    for currency, amount in sums.items():
        money = tally.money.setdefault(currency, Money())
        setattr(money, what, getattr(money, what) + amount)

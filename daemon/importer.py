"""The import as a straight line: read, map, stage, check, merge. It says what came of it, and decides nothing about it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.compute as pc
from sqlalchemy import Connection

from daemon import failpoint, ledger, loading, reading
from daemon.control import contradiction
from daemon.errors import FileRefused, Refusal
from daemon.mapping import AS_OF, Mapped, Mapping, check_pins, fit
from daemon.model import Batch, Held, Imported, ImportRun, Money, Refused, Rejection, Tally, basename
from daemon.profile import Profile
from daemon.settings import Sandbox

T = TypeVar("T")
Progress = Callable[[int], None]
"""Told, batch by batch, how many rows have been read."""

CUSTOMERS = "customers"
"""The dataset whose rows others wait for."""
_HANDFUL = 5_000


def load(
    conn: Connection,
    run: ImportRun,
    profile: Profile,
    path: Path,
    sandbox: Sandbox,
    progress: Progress = lambda rows: None,
    take_turn: Callable[[], None] = lambda: None,
) -> Imported | Refused | Held:
    """Import the bytes at `path` as `run` says, in the caller's transaction, and return what came of it.

    `take_turn` is called when everything is read and staged, and nothing is merged yet. What is refused or held for what its
    rows are leaves its rejections, and nothing else; what cannot be read raises FileRefused.
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
) -> Imported | Refused | Held:
    section = profile.section(run.dataset)
    mapping, reader = _fit(conn, run, profile, path, sandbox)
    stage = _stage(run, profile, mapping)
    loading.open_stage(conn, stage)
    if run.approved:
        ledger.forget_rejections(conn, run.id)  # those it was held with
    tally, seen = Tally(), _Seen({section.entity, *stage.entities})
    items = _mapped(reader, mapping)
    for item in _ahead(items) if stage.own else items:
        seen.see(item)
        if isinstance(item, Mapped):
            loading.copy(conn, stage, item.rows)
        if stage.rules.snapshot and isinstance(item, Mapped):
            loading.protect(conn, stage, item.protects.drop_null())
        rejections = item.rejections if isinstance(item, Mapped) else item
        _count(tally, item, ledger.reject(conn, run.id, rejections) if rejections else 0)
        progress(tally.read)
    tally.ignored = reader.ignored
    stage = _dated(stage, seen)
    contradicted = None
    if profile.control:
        told = run.control if profile.control.file else "\n".join(reader.trailers)
        contradicted = contradiction(profile.control, told, tally, mapping, typed=reader.format.kind == "excel")
    loading.resolve_aliases(conn, stage)
    turned = loading.settle_twins(conn, stage)
    loading.prepare(conn, stage)
    failpoint.reach("staged")

    take_turn()
    loading.lock_entities(conn, _concerned(conn, stage, seen.entities))
    _refuse_duplicate(conn, run)
    if stage.rules.snapshot:
        loading.refuse_stale(conn, stage)
    loading.refuse_other_key(conn, stage, seen.entities)
    turned += loading.reject_ambiguous(conn, stage)
    tally.skipped += loading.skip_known(conn, stage) + loading.skip_older(conn, stage)
    _enter(tally, turned)
    if turned.rejected:
        _tell_turned(conn, stage, mapping, reading.read(path, reader.format, sandbox, section.headers))
    failpoint.reach("checked")
    if section.import_.too_many(tally.rejected, tally.read):
        loading.clear(conn, stage)
        return Refused(Refusal.TOO_MANY_REJECTED, f"{tally.rejected} / {tally.read} > {section.import_.max_rejected}")

    effect: dict[str, Any] = {"control": contradicted} if contradicted else {}
    if stage.rules.snapshot and not tally.read and section.import_.empty == "hold":
        effect["empty"] = True
    before = loading.open_totals(conn, stage, sorted(seen.entities))
    try:
        with conn.begin_nested() if stage.rules.snapshot or effect else nullcontext():
            notes = _merge(conn, run, stage, tally, seen, effect)
    except _Implausible as held:
        loading.clear(conn, stage)
        return Held(held.why, held.effect, seen.latest or stage.as_of)
    _tell_totals(tally, before, loading.open_totals(conn, stage, sorted(seen.entities)))
    loading.clear(conn, stage)
    failpoint.reach("merged")
    return Imported(tally, seen.latest or stage.as_of, notes)


class _Implausible(Exception):
    """The file is fine, but what it would do is not plausible."""

    def __init__(self, effect: dict[str, Any]) -> None:
        super().__init__()
        self.effect = effect
        reasons = {reason for each in effect.get("snapshot", []) for reason in each["suspicious"]}
        self.why = ", ".join(sorted(reasons | (effect.keys() - {"snapshot"})))


def _merge(
    conn: Connection, run: ImportRun, stage: loading.Stage, tally: Tally, seen: "_Seen", effect: dict[str, Any]
) -> list[dict[str, Any]]:
    """Merge what is staged, and what it brings with it; returns what else is to be told. Raises _Implausible."""
    notes: list[dict[str, Any]] = []
    tally.parked += loading.park(conn, stage)
    found: list[loading.Effect] = []
    speaks = stage.rules.snapshot and (bool(tally.read) or "empty" in effect)
    clears = speaks and not seen.unreadable
    if speaks:
        if clears:
            loading.find_absent(conn, stage)
        found = loading.effects(conn, stage)
        suspicious = [each.told() for each in found if each.suspicious or "empty" in effect]
        if suspicious or effect:
            effect = effect | {"snapshot": suspicious}
    if effect and effect != run.approved:
        raise _Implausible(effect)
    loading.supersede(conn, stage, drops=clears)
    loading.suppress(conn, stage, tally)
    loading.merge(conn, stage, tally)
    loading.confirm(conn, stage)
    if speaks:
        loading.clear_absent(conn, stage, tally)
        loading.accept(conn, stage, found)
        if not clears:
            notes.append({"code": "nothing_cleared", "count": seen.unreadable})
    if stage.dataset.name == CUSTOMERS:
        released, stuck = loading.release(conn, run.id, sorted(seen.entities))
        tally.released += released
        if stuck:
            notes.append({"code": "still_parked", "count": stuck})
    return notes


@dataclass
class _Seen:
    """What was seen of a file beside its rows: whose they are, what days they are about, and how many rejected ones do not
    even say what they speak of.
    """

    entities: set[str]
    earliest: date | None = None
    latest: date | None = None
    unreadable: int = 0

    def see(self, item: Mapped | list[Rejection]) -> None:
        """Take a batch into account, or rejections of the reading."""
        if not isinstance(item, Mapped):
            self.unreadable += len(item)
            return
        self.unreadable += item.protects.null_count
        self.entities |= set(pc.unique(item.rows.column("entity")).to_pylist())
        if AS_OF in item.rows.column_names and item.rows.num_rows:
            first, last = pc.min_max(item.rows.column(AS_OF)).as_py().values()
            self.earliest, self.latest = min(self.earliest or first, first), max(self.latest or last, last)


def _stage(run: ImportRun, profile: Profile, mapping: Mapping) -> loading.Stage:
    section, dataset = mapping.section, mapping.section.target
    rules = section.import_
    own = [name for name, field in dataset.fields.items() if field.owner == "app"]
    snapshot = rules.mode == "snapshot" and run.parent_id is None
    return loading.Stage(
        run_id=run.id,
        dataset=dataset,
        fields=tuple(mapping.fields),
        key=tuple(mapping.key),
        rules=loading.Rules(
            protected=frozenset(own if rules.protect is None else rules.protect),
            blank_clears=rules.blank == "clear",
            insert_only=rules.on_match == "skip",
            snapshot=snapshot,
        ),
        own_table=run.id if run.size > loading.SMALL else 0,
        scope=rules.scope or (profile.name if rules.mode == "snapshot" else ""),
        entities=tuple(section.speaks_for) if snapshot else (),
        as_of=_day(profile, run),
        customer_entity=section.customer_entity,
    )


def _day(profile: Profile, run: ImportRun) -> date:
    """The day that a file is about: from its name, or else the night it came in."""
    told = profile.import_.business_date
    day = profile.business_date(basename(run.name))
    if isinstance(told, str) and day is None:
        raise FileRefused(Refusal.DATE_UNCLEAR, f"{basename(run.name)}: {told}")
    return day or profile.night(run.arrived_at)


def _dated(stage: loading.Stage, seen: _Seen) -> loading.Stage:
    """The stage with the day that a column says. Raises FileRefused for a snapshot of several days."""
    if seen.earliest is None:
        return stage
    if stage.rules.snapshot and seen.earliest != seen.latest:
        raise FileRefused(Refusal.DATE_UNCLEAR, f"{seen.earliest}, {seen.latest}")
    return replace(stage, as_of=seen.earliest)


def _concerned(conn: Connection, stage: loading.Stage, entities: set[str]) -> set[str]:
    """The entities that nobody else may import meanwhile: the rows' own, their customers', and those whose parked rows wait."""
    if stage.dataset.name == CUSTOMERS:
        return entities | set(loading.waiting_for(conn, sorted(entities)))
    return entities | ({stage.customer_entity} if stage.customer_entity is not None else set())


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


def _enter(tally: Tally, turned: loading.Turned) -> None:
    tally.rejected += turned.rejected
    tally.skipped += turned.skipped
    _add(tally, "rejected", turned.money)


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

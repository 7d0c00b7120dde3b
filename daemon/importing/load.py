"""The import as a straight line: read, map, stage, check, merge. It says what came of it, and decides nothing about it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from daemon import failpoint, ledger, loading, reading
from daemon.datasets import CUSTOMERS
from daemon.errors import FileRefused, Refusal
from daemon.importing import corrections
from daemon.importing.control_totals import contradiction
from daemon.importing.counting import Account
from daemon.importing.fit import dated, fit, mapped_rows, stage_of
from daemon.mapping import Mapped, Mapping, can_be
from daemon.model import Batch, Held, Imported, ImportRun, Refused, Rejection
from daemon.profiles import Profile
from daemon.settings import Sandbox

Progress = Callable[[int], None]
"""Told, batch by batch, how many rows have been read."""

_EXAMPLES = 5


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
    if run.size > loading.SMALL:
        _refuse_duplicate(conn, run)  # which spares the work
    with reading.unpacked(path, run.member or profile.format.member, sandbox) as content:
        mapping, reader = fit(conn, run, profile, content, sandbox)
        stage = stage_of(conn, run, profile, mapping)
        work = _Import(conn, run, profile, mapping, reader, stage, Account({mapping.section.entity, *stage.entities}))
        turned = work.stage_rows(progress)
        failpoint.reach("staged")
        take_turn()
        turned += work.check()
        if turned.rejected:
            _tell_turned(conn, work.stage, mapping, reading.read(content, reader.format, sandbox, mapping.section.headers))
        if run.corrects:
            corrections.resolve(conn, run, reading.read(content, reader.format, sandbox, mapping.section.headers))
    work.account.turn_down(turned)
    failpoint.reach("checked")
    return work.merge()


@dataclass
class _Import:
    """One run on its way through the import."""

    conn: Connection
    run: ImportRun
    profile: Profile
    mapping: Mapping
    reader: reading.Reader
    stage: loading.Stage
    account: Account
    effect: dict[str, Any] = field(default_factory=dict)
    """What is not plausible of it."""
    standing: loading.Standing = field(init=False)

    def stage_rows(self, progress: Progress) -> loading.Turned:
        """Read and map the whole file, its good rows onto the stage; returns which of them were twins."""
        conn, tally = self.conn, self.account.tally
        loading.open_stage(conn, self.stage)
        if self.run.approved:
            ledger.forget_rejections(conn, self.run.id)  # those it was held with
        for item in mapped_rows(self.reader, self.mapping, ahead=self.stage.own):
            if isinstance(item, Mapped):
                loading.copy(conn, self.stage, item.rows)
            if self.stage.rules.snapshot and isinstance(item, Mapped):
                loading.protect(conn, self.stage, item.protects.drop_null())
            rejections = item.rejections if isinstance(item, Mapped) else item
            self.account.enter(item, ledger.reject(conn, self.run.id, rejections) if rejections else 0)
            progress(tally.read)
        tally.ignored = self.reader.ignored
        self.stage = dated(self.stage, self.account)
        self.effect |= self._contradicted()
        loading.resolve_aliases(conn, self.stage)
        turned = loading.settle_twins(conn, self.stage)
        loading.prepare(conn, self.stage)
        return turned

    def _contradicted(self) -> dict[str, Any]:
        """What the ERP says of the file and is not so."""
        control = self.profile.control
        if control is None or self.run.corrects:
            return {}
        told = self.run.control if control.file else "\n".join(self.reader.trailers)
        typed = self.reader.format.kind == "excel"
        found = contradiction(control, told, self.account.tally, self.mapping, typed=typed)
        return {"control": found} if found else {}

    def check(self) -> loading.Turned:
        """Compare the stage with the tables, which nobody else may change from here on; returns the rows that were rejected.

        Raises FileRefused where the whole file cannot go in.
        """
        conn, stage = self.conn, self.stage
        loading.lock_entities(conn, self._concerned())
        _refuse_duplicate(conn, self.run)
        if stage.rules.snapshot:
            loading.refuse_stale(conn, stage)
        self.standing = loading.standing(conn, stage, self.account.entities)
        turned = loading.reject_ambiguous(conn, stage)
        turned += loading.reject_elsewhere(conn, stage, self.standing.elsewhere)
        self.account.tally.skipped += loading.skip_known(conn, stage)
        if self.run.corrects:
            turned += loading.reject_outdated(conn, stage, corrections.root(conn, self.run).id)
        else:
            self.account.tally.skipped += loading.skip_older(conn, stage, self.standing)
        return turned

    def _concerned(self) -> set[str]:
        """The entities that nobody else may import meanwhile: the rows' own, their customers', those whose parked rows wait."""
        entities, elsewhere = self.account.entities, self.stage.customer_entity
        if self.stage.dataset.name == CUSTOMERS:
            return entities | set(loading.waiting_for(self.conn, sorted(entities)))
        return entities | ({elsewhere} if elsewhere is not None else set())

    def merge(self) -> Imported | Refused | Held:
        """Bring what is staged into the tables, unless that is not plausible."""
        conn, stage, account, rules = self.conn, self.stage, self.account, self.mapping.section.import_
        tally = account.tally
        if not self.run.corrects and rules.too_many(tally.rejected, tally.read):
            loading.clear(conn, stage)
            return Refused(Refusal.TOO_MANY_REJECTED, f"{tally.rejected} / {tally.read} > {rules.max_rejected}")
        if stage.rules.snapshot and not tally.read and rules.empty == "hold":
            self.effect["empty"] = True
        entities, day = sorted(account.entities), account.latest or stage.as_of
        before = loading.open_totals(conn, stage, entities)
        try:
            with conn.begin_nested() if stage.rules.snapshot or self.effect else nullcontext():
                notes = self._merge()
        except _Implausible as held:
            loading.clear(conn, stage)
            return Held(held.why, held.effect, day)
        account.compare(before, loading.open_totals(conn, stage, entities))
        loading.clear(conn, stage)
        failpoint.reach("merged")
        return Imported(tally, day, notes)

    def _merge(self) -> list[dict[str, Any]]:
        """Merge what is staged, and what it brings with it; returns what else is to be told. Raises _Implausible."""
        conn, stage, account, effect = self.conn, self.stage, self.account, self.effect
        tally = account.tally
        notes: list[dict[str, Any]] = []
        tally.parked += loading.park(conn, stage)
        found: list[loading.Effect] = []
        speaks = stage.rules.snapshot and (bool(tally.read) or "empty" in effect)
        clears = speaks and not account.unreadable
        if speaks:
            if clears:
                loading.find_absent(conn, stage, self.standing)
            found = loading.effects(conn, stage)
            suspicious = [each.told() for each in found if each.suspicious or "empty" in effect]
            if suspicious or effect:
                effect = effect | {"snapshot": suspicious}
        if effect and effect != self.run.approved:
            raise _Implausible(effect)
        loading.supersede(conn, stage, self.standing, drops=clears)
        loading.suppress(conn, stage, tally)
        if moved := loading.merge(conn, stage, tally):
            notes.append({"code": "marks_moved", "count": moved})
        loading.confirm(conn, stage, tally)
        notes += self._doubts()
        if speaks:
            loading.clear_absent(conn, stage, tally)
            loading.accept(conn, stage, found)
            if not clears:
                notes.append({"code": "nothing_cleared", "count": account.unreadable})
        if stage.dataset.name == CUSTOMERS:
            released, stuck = loading.release(conn, self.run.id, sorted(account.entities))
            tally.released += released
            if stuck:
                notes.append({"code": "still_parked", "count": stuck})
        return notes

    def _doubts(self) -> list[dict[str, Any]]:
        """What is taken as it is, though it cannot be right."""
        fields = self.stage.dataset.fields
        number = next((name for name in self.stage.fields if fields[name].vat), None)
        if number is None:
            return []
        country = next(name for name, field in fields.items() if field.iso3166)
        rows = loading.written(self.conn, self.stage, (number, country))
        wrong = [f"{vat} (line {line})" for line, vat, code in rows if vat and not can_be(vat, code)]
        examples = ", ".join(wrong[:_EXAMPLES]) + (", …" if len(wrong) > _EXAMPLES else "")
        return [{"code": "vat_numbers", "count": len(wrong), "examples": examples}] if wrong else []


class _Implausible(Exception):
    """The file is fine, but what it would do is not plausible."""

    def __init__(self, effect: dict[str, Any]) -> None:
        super().__init__()
        self.effect = effect
        reasons = {reason for each in effect.get("snapshot", []) for reason in each["suspicious"]}
        self.why = ", ".join(sorted(reasons | (effect.keys() - {"snapshot"})))


def _refuse_duplicate(conn: Connection, run: ImportRun) -> None:
    """Raise FileRefused when the bytes are those of the profile's latest import. A retry is asked for, so never one, nor is
    what a person corrected.

    The answer is final under the entities' lock only.
    """
    if run.parent_id is None and run.corrects is None and (before := ledger.imported_before(conn, run)):
        raise FileRefused(Refusal.DUPLICATE, "run {}: {}".format(*before))


def _tell_turned(conn: Connection, stage: loading.Stage, mapping: Mapping, again: reading.Reader) -> None:
    """Store the rows that the checks turned down, their cells read once more from the file."""
    for item in again:
        if isinstance(item, Batch):
            reasons = loading.turned_down(conn, stage, int(item.frame.index[0]), int(item.frame.index[-1]))
            turned = item.of(item.frame.index.isin(list(reasons)))
            rejections = (
                Rejection(line, cells, tuple(replace(r, column=mapping.header_of(r.field)) for r in reasons[line]), typed=typed)
                for (line, cells), typed in zip(turned.rows(), turned.typed_cells(), strict=True)
            )
            ledger.reject(conn, stage.run_id, rejections)

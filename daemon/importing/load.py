"""The import as a straight line: read, map, stage, check, merge. It says what came of it, and decides nothing about it."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from daemon import failpoint, ledger, loading, reading
from daemon.datasets import CUSTOMERS
from daemon.errors import Detail, FileRefused, Refusal
from daemon.importing import corrections
from daemon.importing.control_totals import contradiction
from daemon.importing.counting import Account
from daemon.importing.fit import dated, fit, mapped_rows, stage_of
from daemon.mapping import Mapped, Mapping, can_be
from daemon.model import Batch, Effect, Held, Imported, ImportRun, Note, OutOfTurn, Refused, Rejection, ScopeEffect, Tally
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
    is_its_turn: Callable[[], bool] = lambda: True,
) -> Imported | Refused | Held | OutOfTurn:
    """Import the bytes at `path` as `run` says, in the caller's transaction, and return what came of it.

    `is_its_turn` is asked when everything is read and staged, and nothing is merged yet. What is refused or held for what its
    rows are leaves its rejections, and nothing else; what cannot be read raises FileRefused.
    """
    if run.size > loading.SHARED_STAGE_BYTES:
        _refuse_duplicate(conn, run)  # which spares the work
    with reading.unpacked(path, run.member or profile.format.member, sandbox) as content:
        mapping, reader = fit(conn, run, profile, content, sandbox)
        stage = stage_of(conn, run, profile, mapping)
        work = _Import(conn, run, profile, mapping, reader, stage, Account({mapping.section.entity, *stage.entities}))
        off = work.stage_rows(progress)
        failpoint.reach("staged")
        if not is_its_turn():
            return OutOfTurn()
        off += work.check()
        if off.rejected:
            _tell_turned(conn, work.stage, mapping, reading.read(content, reader.format, sandbox, mapping.section.headers))
        if run.corrects:
            corrections.resolve(conn, run, reading.read(content, reader.format, sandbox, mapping.section.headers))
    work.account.add(off)
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
    effect: Effect = field(default_factory=Effect)
    """What is not plausible of it."""
    standing: loading.Standing = field(init=False)

    def stage_rows(self, progress: Progress) -> Tally:
        """Read and map the whole file, its good rows onto the stage; returns how many of them were twins."""
        conn = self.conn
        loading.open_stage(conn, self.stage)
        if self.run.approved:
            ledger.runs.forget_rejections(conn, self.run.id)  # those it was held with
        for item in mapped_rows(self.reader, self.mapping, ahead=self.stage.own):
            if isinstance(item, Mapped):
                loading.copy(conn, self.stage, item.rows)
            if self.stage.rules.snapshot and isinstance(item, Mapped):
                loading.protect(conn, self.stage, item.protects.drop_null())
            rejections = item.rejections if isinstance(item, Mapped) else item
            self.account.enter(item, ledger.runs.reject_rows(conn, self.run.id, rejections) if rejections else 0)
            progress(self.account.tally.read)
        self.account.add(Tally(ignored=self.reader.ignored))
        self.stage = dated(self.stage, self.account)
        self.effect = replace(self.effect, control=self._contradiction())
        loading.resolve_aliases(conn, self.stage)
        twins = loading.settle_twins(conn, self.stage)
        loading.prepare(conn, self.stage)
        return twins

    def _contradiction(self) -> Detail | None:
        """What the ERP says of the file and is not so."""
        control = self.profile.control
        if control is None or self.run.corrects:
            return None
        told = self.run.control if control.file else "\n".join(self.reader.trailers)
        typed = self.reader.format.kind == "excel"
        return contradiction(control, told, self.account.tally, self.mapping, typed=typed)

    def check(self) -> Tally:
        """Compare the stage with the tables, which nobody else may change from here on; returns what was rejected and skipped.

        Raises FileRefused where the whole file cannot go in.
        """
        conn, stage = self.conn, self.stage
        loading.lock_entities(conn, self._concerned())
        _refuse_duplicate(conn, self.run)
        if stage.rules.snapshot:
            loading.refuse_stale(conn, stage)
        self.standing = loading.standing(conn, stage, self.account.entities)
        off = loading.reject_ambiguous(conn, stage)
        off += loading.reject_elsewhere(conn, stage, self.standing.elsewhere)
        off += loading.skip_known(conn, stage)
        if self.run.corrects:
            return off + loading.reject_outdated(conn, stage, corrections.root(conn, self.run).id)
        return off + loading.skip_older(conn, stage, self.standing)

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
            return Refused(
                Refusal.TOO_MANY_REJECTED, Detail.of("plain", text=f"{tally.rejected} / {tally.read} > {rules.max_rejected}")
            )
        if stage.rules.snapshot and not tally.read and rules.empty == "hold":
            self.effect = replace(self.effect, empty=True)
        entities, day = sorted(account.entities), account.latest or stage.as_of
        before = loading.open_totals(conn, stage, entities)
        with conn.begin_nested() if stage.rules.snapshot or self.effect else nullcontext() as savepoint:
            notes = self._merge()
            if notes is None and savepoint:
                savepoint.rollback()
        if notes is not None:
            account.compare(before, loading.open_totals(conn, stage, entities))
        loading.clear(conn, stage)
        if notes is None:
            return Held(self.effect, day)
        failpoint.reach("merged")
        return Imported(account.tally, day, notes)

    def _merge(self) -> tuple[Note, ...] | None:
        """Merge what is staged, and what it brings with it; returns what else is to be told. None where the effect is not
        plausible: then nothing of it may stay.
        """
        conn, stage, account = self.conn, self.stage, self.account
        parked = loading.park(conn, stage)
        speaks = stage.rules.snapshot and (bool(account.tally.read) or self.effect.empty)
        clears = speaks and not account.unreadable
        found = self._speak(clears) if speaks else []
        if not self.effect.is_approved_by(self.run.approved):
            return None
        account.add(parked)
        loading.replace_parked(conn, stage, self.standing, drops=clears)
        account.add(loading.suppress(conn, stage))
        merged = loading.merge(conn, stage)
        account.add(merged.tally)
        loading.confirm(conn, stage, merged.tally)
        notes = [Note("marks_moved", merged.marks_moved), *self._doubts()]
        if speaks:
            account.add(loading.clear_absent(conn, stage))
            loading.accept(conn, stage, found)
            notes.append(Note("nothing_cleared", 0 if clears else account.unreadable))
        if stage.dataset.name == CUSTOMERS:
            released, stuck = loading.release_parked(conn, self.run.id, sorted(account.entities))
            account.add(released)
            notes.append(Note("still_parked", stuck))
        return tuple(note for note in notes if note.count)

    def _speak(self, clears: bool) -> list[ScopeEffect]:
        """What a snapshot would do to its scope; where that is not plausible it is part of the effect."""
        if clears:
            loading.find_absent(self.conn, self.stage, self.standing)
        found = loading.scope_effects(self.conn, self.stage)
        suspicious = tuple(each for each in found if each.suspicious or self.effect.empty)
        if suspicious or self.effect:
            self.effect = replace(self.effect, snapshot=suspicious)
        return found

    def _doubts(self) -> list[Note]:
        """What is taken as it is, though it cannot be right."""
        fields = self.stage.dataset.fields
        number = next((name for name in self.stage.fields if fields[name].vat), None)
        if number is None:
            return []
        country = next(name for name, field in fields.items() if field.iso3166)
        rows = loading.written(self.conn, self.stage, (number, country))
        wrong = [f"{vat} (line {line})" for line, vat, code in rows if vat and not can_be(vat, code)]
        examples = ", ".join(wrong[:_EXAMPLES]) + (", …" if len(wrong) > _EXAMPLES else "")
        return [Note("vat_numbers", len(wrong), examples)]


def _refuse_duplicate(conn: Connection, run: ImportRun) -> None:
    """Raise FileRefused when the bytes are those of the profile's latest import. A retry is asked for, so never one, nor is
    what a person corrected.

    The answer is final under the entities' lock only.
    """
    if run.parent_id is None and run.corrects is None and (before := ledger.runs.identical_import(conn, run)):
        raise FileRefused(Refusal.DUPLICATE, "run_and_file", run=before[0], file=before[1])


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
            ledger.runs.reject_rows(conn, stage.run_id, rejections)

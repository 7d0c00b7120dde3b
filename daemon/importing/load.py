"""The import as a straight line: read, map, stage, check, merge. It says what came of it, and decides nothing about it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from daemon import failpoint, ledger, loading, reading
from daemon.datasets import CUSTOMERS
from daemon.errors import Detail, Refusal, TryLater
from daemon.importing import corrections, refusing
from daemon.importing.control_totals import contradiction, total_contradiction
from daemon.importing.counting import Account
from daemon.importing.fit import Pins, dated, fit, mapped_rows, stage_of
from daemon.importing.noting import alike_elsewhere, doubts, final_newline, look_alikes, mapping_notes, tell_turned
from daemon.mapping import Mapped, Mapping
from daemon.model import Effect, Held, Imported, ImportRun, Note, OutOfTurn, ReadAs, Refused, ScopeEffect, Tally
from daemon.profiles import Profile, Profiles
from daemon.settings import Sandbox

Progress = Callable[[int], None]
"""Told, batch by batch, how many rows have been read."""
_EXAMPLES, _TOUCHED = 5, 50


def load(
    conn: Connection,
    run: ImportRun,
    profiles: Profiles,
    path: Path,
    sandbox: Sandbox,
    progress: Progress = lambda rows: None,
    is_its_turn: Callable[[], bool] = lambda: True,
) -> Imported | Refused | Held | OutOfTurn:
    """Import the bytes at `path` as `run` says, in the caller's transaction, and return what came of it.

    `is_its_turn` is asked when everything is read and staged, and nothing is merged yet. What is refused or held for what its
    rows are leaves its rejections, and nothing else; what cannot be read raises FileRefused.
    """
    profile = profiles.get(run.profile)
    with reading.unpacked(path, run.member or profile.format.member, sandbox) as content:
        mapping, reader, read_as, pins = fit(conn, run, profile, content, sandbox)
        stage = stage_of(conn, run, profile, mapping)
        account, declared = Account({mapping.section.entity, *stage.entities}), loading.declared(conn)
        rules = refusing.mark_of_rules(profile, mapping.section, declared, account.entities)
        if stage.own and "entity" not in mapping.section.columns:
            refusing.refuse_duplicate(conn, run, stage, [mapping.section.entity], rules)  # which spares the work
        work = _Import(conn, run, profiles, profile, mapping, reader, read_as, pins, stage, declared, rules, account)
        off = work.stage_rows(progress)
        failpoint.reach("staged")
        if not is_its_turn():
            return OutOfTurn()
        off += work.check()
        if off.rejected:
            tell_turned(conn, work.stage, mapping, reading.read(content, reader.format, sandbox, mapping.section.headers))
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
    profiles: Profiles
    profile: Profile
    mapping: Mapping
    reader: reading.Reader
    read_as: ReadAs
    pins: Pins
    stage: loading.Stage
    declared: dict[str, loading.Declared]
    """What is declared of each entity when the file is begun."""
    rules: str
    account: Account
    effect: Effect = field(default_factory=Effect)
    """What is not plausible of it."""
    notes: list[Note] = field(default_factory=list)
    """What else is to be told of it."""
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
        self.mapping.refuse_turned()
        self.account.add(Tally(above=self.reader.above, ignored=self.reader.ignored))
        self.stage = dated(self.stage, self.account)
        self._see_to_end()
        self.effect = replace(self.effect, control=self._contradiction())
        return self._settle()

    def _see_to_end(self) -> None:
        """Whether the file ends as the profile's files do."""
        read_as = replace(self.read_as, final_newline=self.reader.final_newline)
        ledger.runs.record_reading(self.conn, self.run, self.reader.header, read_as)
        cut, note = final_newline(self.run, self.profile, self.reader, self.pins)
        self.effect = replace(self.effect, cut_short=cut)
        self.notes += note

    def _contradiction(self) -> Detail | None:
        """What the ERP says of the file and is not so."""
        control = self.profile.control
        if self.run.corrects:
            return None
        if control is None:
            return total_contradiction(self.reader.total, self.account.tally, self.mapping)
        told = self.run.control if control.file else "\n".join(self.reader.trailers)
        typed = self.reader.format.kind == "excel"
        return contradiction(control, told, self.account.tally, self.mapping, typed=typed)

    def _settle(self) -> Tally:
        """Let each row of the table have one staged row at most; returns what was taken off the stage."""
        conn, stage = self.conn, self.stage
        off = loading.resolve_aliases(conn, stage)
        loading.leave_out_year(conn, stage, self._numbered("continuous"))
        differing, examples = loading.written_otherwise(conn, stage, _EXAMPLES)
        self.notes.append(Note("written_otherwise", differing, ", ".join(examples)))
        off += loading.settle_twins(conn, stage)
        loading.prepare(conn, stage)
        return off

    def _numbered(self, *how: str) -> list[str]:
        return [name for name, each in self.declared.items() if each.numbering in how]

    def check(self) -> Tally:
        """Compare the stage with the tables, which nobody else may change from here on; returns what was rejected and skipped.

        Raises FileRefused where the whole file cannot go in.
        """
        conn, stage, run, entities = self.conn, self.stage, self.run, self.account.entities
        loading.lock_entities(conn, self._concerned())
        loading.see_none_is_new(conn, stage)
        refusing.refuse_unnamed(self.profiles, self.profile, stage, entities)
        self.standing = loading.standing(conn, stage, entities)
        if set(self.standing.numbered("continuous")) != entities & set(self._numbered("continuous")):
            raise TryLater("the items were numbered anew while the file was read")
        refusing.refuse_closed(run, stage, self.standing.declared)
        told_day = self.profile.import_.business_date and stage.as_of
        again = refusing.refuse_duplicate(conn, run, stage, entities, self.rules, told_day)
        self.effect = replace(self.effect, sent_again=again)
        if stage.rules.snapshot:
            loading.refuse_stale(conn, stage)
        off = loading.reject_ambiguous(conn, stage)
        loading.find_pairs(conn, stage, entities)
        off += loading.reject_other_year(conn, stage, self.standing.numbered("yearly", "continuous"))
        for source, protects in ((loading.SOURCES.get(stage.dataset.name, ""), False), (stage.dataset.name, True)):
            off += loading.reject_elsewhere(conn, stage, self.standing.credits_by(source), protects=protects)
        off += loading.skip_known(conn, stage)
        if self.mapping.section.import_.doubtful == "reject":
            off += loading.reject_doubtful(conn, stage)
        if run.corrects:
            return off + loading.reject_outdated(conn, stage, corrections.root(conn, run).id)
        off += loading.skip_older(conn, stage, self.standing)
        return off + loading.skip_moved_on(conn, stage, self.standing)

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
            share = f"{tally.rejected} / {tally.read} > {rules.max_rejected}"
            return Refused(Refusal.TOO_MANY_REJECTED, Detail.of("plain", text=share))
        if stage.rules.snapshot and not tally.read and rules.empty == "hold":
            self.effect = replace(self.effect, empty=True)
        self.effect = replace(self.effect, open_elsewhere=loading.open_elsewhere(conn, stage))
        with conn.begin_nested() as savepoint:
            self._merge()
            plausible = self.effect.is_approved_by(self.run.approved)
            if not plausible:
                touched = loading.changes(conn, self.run.id, stage.dataset.name, _TOUCHED, dearest=True)
                savepoint.rollback()  # nothing of it stays
        loading.clear(conn, stage)
        day = account.latest or stage.as_of
        if not plausible:
            return Held(self.effect, day, touched)
        failpoint.reach("merged")
        notes = tuple(note for note in self.notes if note.count)
        nobodys = {"*"} if account.tally.rejected and "entity" in self.mapping.section.columns else set()  # an admin's to see
        return Imported(account.tally, day, notes, stage.scope, tuple(sorted(account.entities | nobodys)), self.rules)

    def _merge(self) -> None:
        """Merge what is staged, and what it brings with it; see what that does to the ledger."""
        conn, stage, account = self.conn, self.stage, self.account
        before = loading.open_totals(conn, stage.dataset, account.entities)
        account.add(parked := loading.park(conn, stage))
        speaks = stage.rules.snapshot and (bool(account.tally.read) or self.effect.empty)
        clears = speaks and not account.unreadable
        found = self._speak(clears) if speaks else []
        account.add(loading.replace_parked(conn, stage, self.standing, drops=clears))
        account.add(loading.suppress(conn, stage))
        account.add((merged := loading.merge(conn, stage)).tally)
        loading.confirm(conn, stage, merged.tally)
        self.notes.append(Note("marks_moved", merged.marks_moved))
        if speaks:
            account.add(loading.clear_absent(conn, stage))
            loading.accept(conn, stage, found, whole=clears)
            self.notes.append(Note("nothing_cleared", 0 if clears else account.unreadable))
        elif merged.tally.created and before:
            self.notes.append(alike_elsewhere(loading.alike_elsewhere(conn, stage)))
        after = loading.open_totals(conn, stage.dataset, account.entities)
        account.add(loading.ledger_statement(before, after, {stage.scope} | merged.scopes, account.tally.money))
        self._judge_value(before, after, merged)
        self.notes += mapping_notes(self.mapping)
        if merged.tally.created or merged.tally.updated or parked.parked:
            self.notes += doubts(conn, stage, self.standing, parked=bool(parked.parked))
        if parked.parked:
            self.notes += look_alikes(conn, stage)
        if parked.parked or self.standing.parked:
            self.notes.append(Note("number_waits", loading.same_number_waiting(conn, stage)))
        if stage.dataset.name == CUSTOMERS:
            released, stuck, alike = loading.release_parked(conn, self.run.id, sorted(account.entities))
            account.add(released)
            self.notes += [Note("still_parked", stuck), alike_elsewhere(alike)]

    def _judge_value(self, before: loading.Totals, after: loading.Totals, merged: loading.Merged) -> None:
        """Whether what becomes of the money is plausible; of what a person put right somebody has seen that."""
        if self.run.corrects or self.stage.dataset.balance is None:
            return
        declared = self.standing.declared
        if self.stage.rules.snapshot:
            value = loading.by_value(before, after, self.stage, declared)
        else:
            value = loading.by_value_of_changes(before, merged, self.stage, declared)
        self.effect = replace(self.effect, value=value, scaled=loading.scaled(merged))

    def _speak(self, clears: bool) -> list[ScopeEffect]:
        """What a snapshot would do to its scope; where that is not plausible it is part of the effect."""
        if clears:
            loading.find_absent(self.conn, self.stage, self.standing)
            if loading.carry_over(self.conn, self.stage, self.standing.numbered("yearly")):
                loading.find_pairs(self.conn, self.stage, self.account.entities)
        found = loading.scope_effects(self.conn, self.stage)
        suspicious = tuple(each for each in found if each.suspicious or self.effect.empty)
        self.effect = replace(self.effect, snapshot=suspicious if suspicious or self.effect else None)
        return found

"""One batch on its way through the conversion: columns read, completed, compared; then the good rows and the bad ones."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import Balance, Dataset, Field
from daemon.mapping import payment_terms
from daemon.mapping.convert import cells, convert, derived_from, joined, map_words, no_blank_dates, null_if_empty
from daemon.mapping.days import Days
from daemon.mapping.header import Header, missing
from daemon.mapping.numbers import MONEY, balanced, marked, no_nothing, overpunched, sided
from daemon.mapping.sums import Open, amounts, sums, unread
from daemon.model import Batch, Reason, ReasonCode, Rejection
from daemon.profiles import Column, Conventions

MAX_ENTITY = 60


@dataclass(frozen=True)
class Mapped:
    """What came of a batch: its good rows as typed columns with their `source_line`, the rejected ones, how many were
    skipped; the open money by currency, of all rows and of the rejected ones, as far as it could be read, and of how many it
    could not; and what the rejected ones speak of, so that a snapshot does not take it for gone.
    """

    rows: pa.Table
    rejections: list[Rejection]
    money: dict[str, Decimal]
    rejected_money: dict[str, Decimal]
    protects: pa.Array
    unread_amounts: int = 0
    skipped: int = 0
    skipped_money: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)


class Work:
    """One batch on its way through the conversion: the columns so far, and the faults by row."""

    def __init__(self, batch: Batch, sources: dict[str, Column], entity: str, header: Header, conventions: Conventions) -> None:
        self._batch = batch
        self._sources = sources
        self._own_entity = entity
        self._header = header
        self._conventions = conventions
        self._columns: dict[str, pa.Array] = {}
        self._faults: dict[int, list[Reason]] = {}
        self._marked: dict[str, dict[int, frozenset[str]]] = {}
        """By field, the rows whose amount names a currency."""
        self.days: dict[str, Days] = {}

    def convert(self, name: str, field: Field, blank: ReasonCode | None) -> None:
        """Read a mapped field from the file; a `blank` in it may be a fault."""
        source = self._sources[name]
        text, typed = self._text(source)
        if source.debit is not None:
            sides = [convert(*each) for each in self._sides(source, field)]
            values, faults = balanced(*(side for side, _ in sides))
            faults |= sides[0][1] | sides[1][1]
        else:
            if field.type == "date":
                text = no_blank_dates(text)
            if field.type == "money":
                text = no_nothing(text)
            if source.overpunch is not None:
                text, typed = overpunched(text, source.overpunch), pa.repeat(pa.scalar(True), len(text))
            values, faults = convert(text, field, self._conventions, typed)
        if source.flag is not None:
            values, flag_faults = sided(values, self._text(source.flag)[0])
            faults |= flag_faults
        if field.type == "money":
            self._marked[name] = marked(text)
        if field.type == "date" and typed is not None:
            self.days[name] = Days.of(values, pc.and_(typed, pc.is_valid(values)))
        if blank:
            faults |= dict.fromkeys(pc.indices_nonzero(pc.is_null(text)).to_pylist(), blank)
        faults |= dict.fromkeys(self._errors(source), ReasonCode.ERROR_CELL)
        for row, fault in faults.items():
            limit = str(field.max_length) if fault == ReasonCode.TOO_LONG else ""
            self._fault(row, Reason(fault, name, text[row].as_py() or "", self._origin(source, row), limit))
        self._columns[name] = values

    def _sides(self, source: Column, field: Field) -> Iterator[tuple[pa.Array, Field, Conventions, pa.Array | None]]:
        """The debit and the credit of an amount, as `convert` takes them."""
        for header in (source.debit, source.credit):
            text, typed = self._unmapped(Column.model_validate({"from": header}))
            yield no_nothing(text), field, self._conventions, typed

    def _errors(self, source: Column) -> list[int]:
        """The rows in which a cell that `source` may read holds an error."""
        errors = self._batch.errors
        if errors is None:
            return []
        held = [errors[header].to_numpy() for header in self._header.found(source.every_header)]
        return [int(row) for row in np.flatnonzero(np.any(held, axis=0))] if held else []

    def compare_currencies(self, dataset: Dataset) -> None:
        """An amount that names a currency must be in its row's."""
        own = next((name for name, field in dataset.fields.items() if field.iso4217 and name in self._columns), None)
        for name, rows in self._marked.items() if own else []:
            for row, meant in rows.items():
                currency = self._columns[own or ""][row].as_py()
                if currency is not None and currency not in meant:
                    source = self._sources[name]
                    value = str(self._text(source)[0][row])
                    self._fault(row, Reason(ReasonCode.CURRENCY_CONTRADICTED, name, value, self._origin(source, row), currency))

    def _fault(self, row: int, reason: Reason) -> None:
        self._faults.setdefault(row, []).append(reason)

    def _origin(self, source: Column, row: int) -> str:
        """The header of the cell that a row's value came from: of several, the first that is filled."""
        found = self._header.found(source.headers)
        filled = [header for header in found if str(self._batch.frame[header].iloc[row]).strip()]
        return (filled or found or [""])[0]

    def _text(self, source: Column) -> tuple[pa.Array, pa.Array | None]:
        """The source's text, trimmed, its words mapped, null where empty; and where it was typed by a spreadsheet."""
        text, typed = self._unmapped(source)
        if source.slice:
            first, last = source.slice
            text = null_if_empty(pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(text, first - 1, last)))
        if source.map:
            text = null_if_empty(map_words(text, source.map))
        return (text if source.default is None else pc.fill_null(text, source.default)), typed

    def _unmapped(self, source: Column) -> tuple[pa.Array, pa.Array | None]:
        frame, typed = self._batch.frame, self._batch.typed
        nowhere = None if typed is None else pa.repeat(pa.scalar(False), len(frame))
        if source.value is not None:
            return pa.repeat(pa.scalar(source.value), len(frame)), nowhere
        if source.from_ is not None:
            header = self._header[source.from_]
            return cells(frame, header), None if typed is None else pa.array(typed[header])
        if source.debit is not None and source.credit is not None:
            sides = [cells(frame, self._header[header]) for header in (source.debit, source.credit)]
            return pc.coalesce(*sides), nowhere
        if source.join is not None:
            together = partial(joined, separator=source.separator)
            return reduce(together, (cells(frame, self._header[header]) for header in source.join)), nowhere
        if source.after is not None and source.term is not None:
            return self._due(source.after, source.term)
        found = [self._text(part) for part in source.first_of or [] if not missing(part, self._header)]
        text, marks = found[0]
        for other, other_marks in found[1:]:
            if marks is not None or other_marks is not None:
                none = pa.repeat(pa.scalar(False), len(frame))
                marks = pc.if_else(
                    pc.is_null(text), none if other_marks is None else other_marks, none if marks is None else marks
                )
            text = pc.coalesce(text, other)
        return text, marks

    def _due(self, after: str, term: Column) -> tuple[pa.Array, pa.Array]:
        """Due dates by payment terms, as canonical text; where the day or the term is not clear, that stands in its place."""
        day, typed = self._unmapped(Column.model_validate({"from": after}))
        issued, _ = convert(no_blank_dates(day), Field(type="date", label={}), self._conventions, typed)
        terms = self._text(term)[0]
        due = payment_terms.due_dates(issued, terms).cast(pa.string())
        unclear = pc.if_else(pc.is_null(issued), day, terms)
        return pc.if_else(pc.or_(pc.is_null(day), pc.is_null(terms)), None, pc.coalesce(due, unclear)), pc.is_valid(due)

    def complete(self, name: str, field: Field, blank: ReasonCode | None) -> None:
        """Fill in what the file has no column for, where the dataset says from what."""
        column = self._columns.get(name)
        if column is None:
            for source in field.default_from:
                if (given := self._columns.get(source)) is not None:
                    derived = derived_from(given, field)
                    column = derived if column is None else pc.coalesce(column, derived)
        if parts := [self._columns[part] for part in field.joined_from if part in self._columns]:
            together = reduce(joined, parts)
            column = together if column is None else pc.coalesce(column, together)
            for row in pc.indices_nonzero(pc.is_null(column)).to_pylist() if blank else []:
                self._fault(row, Reason(blank or ReasonCode.MISSING, name))
        if field.default is not None:
            default = pa.scalar(field.default)
            column = pa.repeat(default, len(self._batch.frame)) if column is None else pc.fill_null(column, default)
        self._columns[name] = column

    def signs_of_credits(self, balance: Balance, amounts: list[str]) -> frozenset[int]:
        """With which signs, 1 and -1, the amounts of credits are printed."""
        credits = self._credits(balance)
        if credits is None:
            return frozenset()
        signs = (pc.unique(pc.sign(self._columns[name].filter(credits))).to_pylist() for name in amounts)
        return frozenset(int(sign) for each in signs for sign in each if sign)

    def _credits(self, balance: Balance | None) -> pa.Array | None:
        """Which rows are credits by their type."""
        if balance is None or balance.type is None or balance.type not in self._columns:
            return None
        return pc.fill_null(pc.is_in(self._columns[balance.type], pa.array(balance.credits)), False)

    def sign_by_type(self, dataset: Dataset, printed: frozenset[int]) -> None:
        """Turn the sign of the amounts of credits, which the file prints as positives; where it prints them with a minus, they
        have their sign already, and where it does both nobody knows.
        """
        credits = self._credits(dataset.balance)
        if credits is None or dataset.balance is None or printed == {-1}:
            return
        if len(printed) > 1:
            name = dataset.balance.amount if dataset.balance.amount in self._sources else dataset.balance.whole or ""
            for row in pc.indices_nonzero(credits).to_pylist():
                source = self._sources[name]
                self._fault(
                    row, Reason(ReasonCode.SIGN_UNCLEAR, name, str(self._text(source)[0][row]), self._origin(source, row))
                )
            return
        for name, field in dataset.fields.items():
            if field.type == "money" and name in self._columns:
                self._columns[name] = pc.if_else(credits, pc.negate(self._columns[name]), self._columns[name])

    def settle(self, balance: Balance | None) -> None:
        """Nothing is open of a row that has been paid, where the file says when but not how much is left."""
        if balance is None or balance.settled_by not in self._columns or balance.amount in self._sources:
            return
        if balance.amount not in self._columns:
            return
        paid = pc.is_valid(self._columns[balance.settled_by])
        nothing = pa.scalar(Decimal(0), MONEY)
        self._columns[balance.amount] = pc.if_else(paid, nothing, self._columns[balance.amount])

    def split(self, fields: list[str], dataset: Dataset) -> Mapped:
        """The good rows, and the bad ones with their reasons."""
        frame, balance = self._batch.frame, dataset.balance
        entity = self._entity()
        table = pa.table(
            {
                "source_line": pa.array(frame.index.to_numpy(), pa.int32()),
                "entity": entity,
                **{name: self._columns[name] for name in (*fields, "as_of") if name in self._columns},
            }
        )
        money = sums(table, balance)
        if not self._faults:
            return Mapped(table, [], money, {}, pa.nulls(0, pa.string()))
        bad = sorted(self._faults)
        good = np.ones(len(frame), dtype=bool)
        good[bad] = False
        rejected = sums(table.take(bad), balance)
        spoken_of = dataset.presence.protects if dataset.presence else ""
        protects = table.column(spoken_of).take(bad).combine_chunks() if spoken_of in fields else pa.nulls(len(bad), pa.string())
        rejections = list(self._rejections(bad, amounts(table.take(bad), balance)))
        return Mapped(table.filter(pa.array(good)), rejections, money, rejected, protects, unread(table, balance))

    def _entity(self) -> pa.Array:
        source = self._sources.get("entity")
        if source is None:
            return pa.repeat(pa.scalar(self._own_entity), len(self._batch.frame))
        text, _ = self._text(source)
        known = pa.array(sorted({*source.map.values(), self._own_entity}) if source.map else [], pa.string())
        for bad, fault in (
            (pc.greater(pc.utf8_length(text), MAX_ENTITY), ReasonCode.TOO_LONG),
            (pc.invert(pc.is_in(text, known)) if source.map else pc.is_in(text, known), ReasonCode.UNKNOWN_WORD),
        ):
            for row in pc.indices_nonzero(pc.and_(bad, pc.is_valid(text)).fill_null(False)).to_pylist():
                self._fault(row, Reason(fault, "entity", text[row].as_py(), self._origin(source, row), str(MAX_ENTITY)))
        return pc.fill_null(text, self._own_entity)

    def _rejections(self, bad: list[int], money: Iterable[Open]) -> Iterator[Rejection]:
        batch = self._batch.of(bad)
        for at, (line, row), typed, each in zip(bad, batch.rows(), batch.typed_cells(), money, strict=True):
            yield Rejection(line, row, tuple(self._faults[at]), None, typed, *each)

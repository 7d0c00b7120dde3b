"""A profile's section fitted to a file's header: its columns found once, then applied to every batch."""

import fnmatch
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import Field
from daemon.errors import FileRefused, Refusal
from daemon.mapping.conversion import Mapped, Work
from daemon.mapping.convert import cells
from daemon.mapping.days import Days
from daemon.mapping.header import Header, missing
from daemon.mapping.sums import Open, amounts
from daemon.model import Batch, ReasonCode
from daemon.profiles import Column, Conventions, Section
from daemon.toml import closest

AS_OF = "as_of"
"""The staged column that says which day a row is about, where the file has a column for that."""
_NOTHING = Decimal(0)
_THE_DAY = Field(type="date", label={})


class Mapping:
    """A section of a profile, fitted to a file's header. Raises FileRefused `column_missing` when it does not fit.

    Of the columns of a form those that are `unfilled` count as missing.
    """

    def __init__(
        self, section: Section, header: list[str], conventions: Conventions, unfilled: Collection[str] = frozenset()
    ) -> None:
        self.section = section
        self._dataset = section.target
        self.conventions = conventions
        self._header = Header(header)
        self._check()
        self._columns = {
            name: column
            for name, column in section.sources.items()
            if not missing(column, self._header) and not (column.unfilled and self._found(column) <= set(unfilled))
        }
        self.fields = [name for name, field in self._dataset.fields.items() if name in self._columns or self._fills(field)]
        """The dataset's fields that this mapping fills."""
        self.key = section.import_.match or self._dataset.key(set(self.fields))
        """The fields that say which row of the dataset a row of the file is."""
        self.fallback = None if section.import_.match else self._dataset.fallback(self.key, set(self.fields))
        """The field that says so where the last one of the key is empty."""
        used = self._header.found([*section.import_.skip_where, *section.headers])
        self.unused = [name for name in header if name not in used]
        """The file's headers that nothing is read from."""
        self.credits: frozenset[int] = frozenset()
        """Where the type of a row says its sign: the signs with which the file prints its credits, 1 and -1."""
        self._days: dict[str, Days] = {}

    def header_of(self, field: str) -> str:
        """The file's own header that `field` is read from, or ''."""
        column = self._columns.get(field)
        found = self._header.found(column.headers) if column else []
        return found[0] if found else ""

    @property
    def total_column(self) -> str:
        """The file's own header of the column whose sum is the file's total, or '' where that is no single column as it is
        printed: its sign or its parts stand elsewhere.
        """
        balance = self._dataset.balance
        for field in (balance.amount, balance.whole or "") if balance and self.section.import_.sign == "as_is" else ():
            if column := self._columns.get(field):
                plain = column.from_ is not None and not column.signs and column.overpunch is None
                return self.header_of(field) if plain else ""
        return ""

    @property
    def of_a_form(self) -> set[str]:
        """The file's headers that count as missing where nobody filled them in."""
        return {header for column in self._columns.values() if column.unfilled for header in self._found(column)}

    def _found(self, column: Column) -> set[str]:
        return set(self._header.found(column.headers))

    @property
    def conventional(self) -> list[tuple[str, str]]:
        """The file's columns whose text depends on its conventions, each with the type it is read as."""
        return [
            (header, self._field(name).type)
            for name, column in self._columns.items()
            if name != "entity" and self._field(name).type in ("money", "date")
            for header in self._header.found(column.headers)
        ]

    @property
    def undecided(self) -> bool:
        """Whether there are amounts or dates to read and nobody has said how."""
        said = {"date": self.conventions.date, "money": self.conventions.decimal}
        return any(said[type] is None for _, type in self.conventional)

    def apply(self, batch: Batch) -> Mapped:
        """Convert a batch; of the rows that `skip_where` leaves out, only their money is told."""
        left_out = self._left_out(batch)
        if not left_out.any():
            return self._converted(batch)
        mapped, skipped = self._converted(batch.of(~left_out)), self._converted(batch.of(left_out))
        money = {c: mapped.money.get(c, _NOTHING) + skipped.money.get(c, _NOTHING) for c in mapped.money | skipped.money}
        unread = mapped.unread_amounts + skipped.unread_amounts
        count = int(left_out.sum())
        return replace(mapped, money=money, unread_amounts=unread, skipped=count, skipped_money=skipped.money)

    def refuse_turned(self) -> None:
        """Raise FileRefused where a spreadsheet has taken the days of a column that was applied for its months."""
        for name, days in self._days.items():
            if days.are_turned:
                told = {"column": self.header_of(name), "examples": days.example}
                raise FileRefused(Refusal.DATE_ORDER_AMBIGUOUS, "half_turned", **told)

    def _converted(self, batch: Batch) -> Mapped:
        work = Work(batch, self._columns, self.section.entity, self._header, self.conventions)
        for name in filter(self._columns.__contains__, (*self.fields, AS_OF)):
            work.convert(name, self._field(name), None if self._joins(name) else self._needed.get(name))
        self._days = {name: self._days.get(name, Days()) + days for name, days in work.days.items()}
        for name in self.fields:
            work.complete(name, self._dataset.fields[name], self._needed.get(name))
        work.compare_currencies(self._dataset)
        if self.section.import_.sign == "by_type":
            work.sign_by_type(self._dataset, self.credits)
        work.settle(self._dataset.balance)
        return work.split(self.fields, self._dataset)

    def money_of(self, batch: Batch) -> list[Open]:
        """What each row of a batch that has no fault of its own is about in money."""
        rows = self._converted(batch).rows
        known = dict(zip(rows.column("source_line").to_pylist(), amounts(rows, self._dataset.balance), strict=True))
        return [known.get(line, (None, None)) for line in batch.frame.index.tolist()]

    def signs(self, batch: Batch) -> frozenset[int]:
        """With which signs the credits of a batch are printed."""
        balance = self._dataset.balance
        if balance is None or balance.type is None:
            return frozenset()
        work = Work(self.kept(batch), self._columns, self.section.entity, self._header, self.conventions)
        amounts = [name for name in (balance.amount, balance.whole) if name in self._columns]
        for name in filter(self._columns.__contains__, (balance.type, *amounts)):
            work.convert(name, self._dataset.fields[name], None)
        return work.signs_of_credits(balance, amounts)

    def kept(self, batch: Batch) -> Batch:
        """The rows of a batch that `skip_where` leaves."""
        left_out = self._left_out(batch)
        return batch.of(~left_out) if left_out.any() else batch

    def _left_out(self, batch: Batch) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        skip = np.zeros(len(batch.frame), dtype=bool)
        for name, patterns in self.section.import_.skip_where.items():
            coded = pc.fill_null(cells(batch.frame, self._header[name]), "").dictionary_encode()
            hit = [any(fnmatch.fnmatchcase(value, p) for p in patterns) for value in coded.dictionary.to_pylist()]
            skip |= np.asarray(pa.array(hit, pa.bool_()).take(coded.indices))
        return skip

    @cached_property
    def _needed(self) -> dict[str, ReasonCode]:
        """The mapped fields in which a blank is a fault, and which: required ones, those that make the key, and those that must
        have a value which only a file without the column may leave to us.
        """
        fields = self._dataset.fields
        key = {name for name in self.key if fields[name].default is None} | {
            f for name in self.key for f in fields[name].default_from[:1]
        }
        must = {name for name, field in fields.items() if field.required or field.default_from} | {AS_OF}
        matched = set() if self.key in self._dataset.keys or self.fallback else key - must
        needed = must | (key - {self.key[-1]} if self.fallback else key)
        return dict.fromkeys(needed, ReasonCode.MISSING) | dict.fromkeys(matched, ReasonCode.MATCH_KEY_BLANK)

    def _joins(self, name: str) -> bool:
        """Whether other columns make the value where a field's own has none."""
        return any(part in self._columns for part in self._field(name).joined_from)

    def _field(self, name: str) -> Field:
        return _THE_DAY if name == AS_OF else self._dataset.fields[name]

    def _fills(self, field: Field) -> bool:
        return field.default is not None or any(name in self._columns for name in field.given_by)

    def _check(self) -> None:
        needed = [column for name, column in self.section.sources.items() if not column.optional or self._required(name)]
        lacking = [name for column in needed for name in missing(column, self._header)]
        lacking += [name for name in self.section.import_.skip_where if name not in self._header]
        if lacking:
            close = {name: closest(name, self._header.names) for name in lacking}
            told = ", ".join(f'"{name}"' + (f' ("{like}"?)' if like else "") for name, like in close.items())
            raise FileRefused(Refusal.COLUMN_MISSING, "plain", text=told)

    def _required(self, name: str) -> bool:
        field = self._dataset.fields.get(name)
        return field is not None and field.required and not field.given_by

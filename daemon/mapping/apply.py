"""A profile's section fitted to a file's header: its columns found once, then applied to every batch."""

import fnmatch
from collections.abc import Collection
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import Field
from daemon.errors import FileRefused, Refusal
from daemon.mapping.conversion import Mapped, Work
from daemon.mapping.convert import cells
from daemon.mapping.header import Header, missing
from daemon.model import Batch, ReasonCode
from daemon.profiles import Column, Conventions, Section
from daemon.toml import nearest

AS_OF = "as_of"
"""The staged column that says which day a row is about, where the file has a column for that."""
_THE_DAY = Field(type="date", label={})


class Mapping:
    """A section of a profile, fitted to a file's header. Raises FileRefused `column_missing` when it does not fit.

    Of the columns the profile calls optional, those in `blank`, which hold nothing in the whole file, count as missing.
    """

    def __init__(
        self, section: Section, header: list[str], conventions: Conventions, blank: Collection[str] = frozenset()
    ) -> None:
        self.section = section
        self._dataset = section.target
        self.conventions = conventions
        self._header = Header(header)
        self._check()
        self._columns = {
            name: column
            for name, column in section.sources.items()
            if not missing(column, self._header)
            and not (column.optional and self._found(column) and self._found(column) <= set(blank))
        }
        self.fields = [name for name, field in self._dataset.fields.items() if name in self._columns or self._fills(field)]
        """The dataset's fields that this mapping fills."""
        self.key = section.import_.match or self._dataset.key(set(self.fields))
        """The fields that say which row of the dataset a row of the file is."""
        used = self._header.found([*section.import_.skip_where, *section.headers])
        self.unused = [name for name in header if name not in used]
        """The file's headers that nothing is read from."""

    def header_of(self, field: str) -> str:
        """The file's own header that `field` is read from, or ''."""
        column = self._columns.get(field)
        found = self._header.found(column.headers) if column else []
        return found[0] if found else ""

    @property
    def optional(self) -> set[str]:
        """The file's headers that columns the profile calls optional are read from."""
        return {header for column in self._columns.values() if column.optional for header in self._found(column)}

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
        """Convert a batch."""
        kept = self.kept(batch)
        work = Work(kept, self._columns, self.section.entity, self._header, self.conventions)
        for name in filter(self._columns.__contains__, (*self.fields, AS_OF)):
            work.convert(name, self._field(name), self._needed.get(name))
        for name in self.fields:
            work.complete(name, self._dataset.fields[name], self._needed.get(name))
        work.compare_currencies(self._dataset)
        if self.section.import_.sign == "by_type":
            work.sign_by_type(self._dataset)
        work.settle(self._dataset.balance)
        return work.split(self.fields, self._dataset, len(batch.frame) - len(kept.frame))

    def kept(self, batch: Batch) -> Batch:
        """The rows of a batch that `skip_where` leaves."""
        if not self.section.import_.skip_where:
            return batch
        skip = np.zeros(len(batch.frame), dtype=bool)
        for name, patterns in self.section.import_.skip_where.items():
            coded = pc.fill_null(cells(batch.frame, self._header[name]), "").dictionary_encode()
            hit = [any(fnmatch.fnmatchcase(value, p) for p in patterns) for value in coded.dictionary.to_pylist()]
            skip |= np.asarray(pa.array(hit, pa.bool_()).take(coded.indices))
        return batch.of(~skip)

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
        matched = set() if self.key in self._dataset.keys else key - must
        return dict.fromkeys(must | key, ReasonCode.MISSING) | dict.fromkeys(matched, ReasonCode.MATCH_KEY_BLANK)

    def _field(self, name: str) -> Field:
        return _THE_DAY if name == AS_OF else self._dataset.fields[name]

    def _fills(self, field: Field) -> bool:
        return field.default is not None or any(name in self._columns for name in field.given_by)

    def _check(self) -> None:
        needed = [column for name, column in self.section.sources.items() if not column.optional or self._required(name)]
        lacking = [name for column in needed for name in missing(column, self._header)]
        lacking += [name for name in self.section.import_.skip_where if name not in self._header]
        if lacking:
            told = "; ".join(f'"{name}"{nearest(name, self._header.names)}' for name in dict.fromkeys(lacking))
            raise FileRefused(Refusal.COLUMN_MISSING, "plain", text=told)

    def _required(self, name: str) -> bool:
        field = self._dataset.fields.get(name)
        return field is not None and field.required and not field.given_by

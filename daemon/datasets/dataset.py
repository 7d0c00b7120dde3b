"""Datasets: what a file can be imported into, as `schema/datasets/*.toml` says, and the admin's own files beside the settings."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field as Key
from pydantic import model_validator

from daemon import shipped, toml
from daemon.datasets.field import Field, Label, Name
from daemon.errors import Detail
from daemon.toml import ConfigInvalid, Mistake, Table, Unfit, unknown

CUSTOMERS = "customers"
"""The dataset that others refer to, and whose rows theirs wait for."""

_STAGES_OF_OURS = {"fault", "protected", "absent"}
_LONGEST_NAME = 40
"""Of a dataset: its stage, with a run's number behind it, is a name that Postgres does not cut."""

MONEY_DIGITS, MONEY_SCALE = 18, 5
"""Money is exact: numeric(18,5), never rounded."""

RESERVED = frozenset(
    {"id", "entity", "created_by_run", "run_id", "source_line", "created_at", "updated_at", "custom", "scope", "as_of"}
    | {"customer_entity", "target", "was", "now", "moved", "scaled", "change", "later", "groups_brought"}
    | {"old_amount", "new_amount", "old_currency", "new_currency", "counted", "counts", "old_scope", "new_scope"}
)
"""Columns of every table and every stage, and what statements over them call what they work out: no fields."""


class Balance(Table):
    """Of a dataset of open items: the field that says how much is open, its currency, and what settles a row.

    A row is cleared when `amount` is 0, or, where a file does not map `amount`, when it has a date in `settled_by`.
    """

    amount: str
    currency: str
    type: str | None = Key(None, description="the field that says what kind of item a row is")
    credits: list[str] = Key([], description="the kinds that count for the customer, which some files print as positives")
    uncounted: list[str] = Key([], description="the kinds that count in no balance")
    settled_by: str | None = None
    whole: str | None = Key(None, description="the field with all of a row's amount, paid or not")
    date: str | None = Key(None, description="the field with the day that a row is of")
    due: str | None = Key(None, description="the field with the day by which it is to be paid")
    in_hand: bool = Key(False, description="its amounts are what customers have in hand, and count against what they owe")
    totals: str | None = Key(None, description="the table that keeps what is open, by entity, scope and currency")


class Presence(Table):
    """Of a dataset of which a file may hold everything: what becomes of the rows that a snapshot leaves out.

    `here` and `gone` are what the column `state` may hold; `since` and `by` name the columns that say when, and by which run,
    it went. A row of the file that was rejected protects all whose field `protects` has the value of its own.
    """

    state: Name = "state"
    here: Name = "open"
    gone: Name = "cleared"
    since: Name = "cleared_at"
    by: Name = "cleared_by"
    protects: str


class Dataset(Table):
    """What a profile imports into: a table, its fields, and what makes two rows the same: the `keys`, which no two rows of
    the table share, or else `matches`, which some may.
    """

    name: Name
    table: str = Key(pattern=r"^[a-z][a-z0-9_]{0,58}\.[a-z][a-z0-9_]{0,58}$")
    label: Label
    keys: list[Annotated[list[str], Key(min_length=1)]] = []
    matches: list[Annotated[list[str], Key(min_length=1)]] = []
    one_key: bool = Key(False, description="all rows of an entity are known by the same of the keys")
    refers_to: Literal["customers"] | None = Key(None, description="its rows are customers', and wait until those are known")
    balance: Balance | None = None
    presence: Presence | None = None
    fields: dict[Name, Field]
    custom: frozenset[str] = Key(frozenset(), description="the fields that are kept together, in the column `custom`")

    @model_validator(mode="before")
    @classmethod
    def _called_as_they_are(cls, content: dict[str, Any]) -> dict[str, Any]:
        """What has no label goes by its name; a table is in the schema `ar`."""
        name = str(content.get("name"))
        fields = {each: _labelled(each, field) for each, field in dict(content.get("fields", {})).items()}
        return {"table": f"ar.{name}", "label": _spoken(name)} | content | {"fields": fields}

    @model_validator(mode="after")
    def _whole(self) -> "Dataset":
        named = {"keys": [name for key in self.keys for name in key], "matches": [name for key in self.matches for name in key]}
        if self.balance:
            balance = self.balance
            parts = (balance.amount, balance.currency, balance.whole, balance.date, balance.due, balance.type)
            named["balance"] = [name for name in parts if name]
        if self.presence:
            named["presence"] = [self.presence.protects]
        for name, field in self.fields.items():
            named[f"fields.{name}"] = field.given_by
        mistakes = [
            unknown("field", name, list(self.fields), dataset=key)
            for key, names in named.items()
            for name in names
            if name not in self.fields
        ]
        told = [f'fields.{name}: "{name}" is a column of ours; choose another name' for name in self.taken & set(self.fields)]
        if self.presence and self.fields.get(self.presence.protects, Field(type="text")).type != "text":
            told.append("presence.protects: by which rows are known is text")
        if self.one_key and not any(len(key) == 1 for key in self.keys):
            told.append("one_key: one of the keys is a single field")
        if not self.refers_to and any(field.sole for field in self.fields.values()):
            told.append("sole: only what refers to customers has such a mark")
        if any(field.vat for field in self.fields.values()) and not any(field.iso3166 for field in self.fields.values()):
            told.append("vat: such a number needs the field that says the country, with iso3166")
        in_keys = {name for key in self.keys for name in key}
        told += [
            f"fields.{name}.default: only a text of the key has one; a profile can give a default"
            for name, field in self.fields.items()
            if field.default is not None and (field.type != "text" or name not in in_keys)
        ]
        if not self.keys and not self.matches:
            told.append('say in "keys" which fields make two rows the same')
        if self.refers_to and ("customer_code" not in self.fields or not self.fields["customer_code"].required):
            told.append('what refers to customers has a field "customer_code", and it is required')
        mistakes += map(_plain, told)
        if mistakes:
            raise Unfit(*mistakes)
        return self

    @property
    def taken(self) -> frozenset[str]:
        """The names that none of its fields can have."""
        presence = self.presence
        return RESERVED | ({presence.state, presence.since, presence.by} if presence else set())

    def key(self, mapped: set[str]) -> list[str]:
        """The fields that identify a row for a file that maps `mapped`: the first key that can be filled, or the last."""
        known = self.keys + self.matches
        return next((key for key in known if mapped.issuperset(key)), known[-1])

    def fallback(self, key: list[str], mapped: set[str]) -> str | None:
        """Where rows are matched by `key`, and a file maps another match that differs in its last field: that field, by which a
        row is known that has nothing in the last of `key`.
        """
        others = (each for each in self.matches if each != key and each[:-1] == key[:-1] and mapped.issuperset(each))
        return next((each[-1] for each in others if self.fields[each[-1]].required), None) if key in self.matches else None

    @property
    def known_by(self) -> list[str]:
        """The fields by which people know a row: of its longest key those that it must have."""
        longest = max(self.keys + self.matches, key=len)
        return [name for name in longest if self.fields[name].required] or longest

    @property
    def mappable(self) -> list[str]:
        """The fields that a profile may map."""
        return [name for name, field in self.fields.items() if not field.derived]


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _labelled(name: str, field: Any) -> Any:
    return {"label": _spoken(name)} | field if isinstance(field, dict) else field


_in_force: dict[str, Dataset] = {}


def datasets() -> Mapping[str, Dataset]:
    """Every dataset of this installation by name, those that others refer to first."""
    return _in_force or _sorted(_shipped())


@cache
def _shipped() -> list[Dataset]:
    return [toml.load(path, Dataset, name=path.stem) for path in sorted((shipped("schema") / "datasets").glob("*.toml"))]


def _sorted(found: list[Dataset]) -> dict[str, Dataset]:
    return {dataset.name: dataset for dataset in sorted(found, key=lambda d: (d.refers_to is not None, d.name))}


def is_shipped(dataset: Dataset) -> bool:
    """Whether it is one of the house's, its table made by the migrations."""
    return dataset.name in {each.name for each in _shipped()}


def _plain(text: str) -> Detail:
    """What is told to admins at the command line only, in English."""
    return Detail.of("plain", text=text)


def extend(folder: Path, custom: Mapping[str, Mapping[str, Field]], said_in: Path) -> None:
    """Put the admin's own datasets, a file each in `folder`, and the fields of their own in force, for this process.

    Raises ConfigInvalid with every mistake.
    """
    mistakes: list[Mistake] = []
    known = {dataset.name: dataset for dataset in _shipped()}
    for path in sorted(folder.glob("*.toml")):
        if path.stem in known:
            mistakes.append(
                Mistake(path, None, "", _plain(f"{path.stem} is a dataset of the house; add fields to it in {said_in.name}"))
            )
            continue
        if path.stem in _STAGES_OF_OURS or len(path.stem) > _LONGEST_NAME:
            mistakes.append(
                Mistake(path, None, "", _plain(f"{path.stem} cannot be a dataset's name; choose another, or a shorter one"))
            )
            continue
        try:
            added = toml.load(path, Dataset, name=path.stem)
        except ConfigInvalid as error:
            mistakes += error.mistakes
            continue
        if added.table.startswith("nightporter.") or added.table in {each.table for each in known.values()}:
            mistakes.append(toml.mistake_at(path, ["table"], _plain(f"{added.table} is a table of something else")))
        known[path.stem] = added
    for name, fields in custom.items():
        key = ["datasets", name]
        if name not in known:
            mistakes.append(toml.mistake_at(said_in, key, unknown("dataset", name, list(known))))
            continue
        taken = [each for each in fields if each in known[name].taken | set(known[name].fields)]
        mistakes += [toml.mistake_at(said_in, [*key, "custom", each], _plain(f"{name} has {each} already")) for each in taken]
        labelled = {
            each: field.model_copy(update={"label": field.label or {"en": _spoken(each)}}) for each, field in fields.items()
        }
        known[name] = known[name].model_copy(
            update={"fields": dict(known[name].fields) | labelled, "custom": known[name].custom | set(fields)}
        )
    if mistakes:
        raise ConfigInvalid(mistakes)
    _in_force.clear()
    _in_force.update(_sorted(list(known.values())))


@cache
def synonyms(dataset: str) -> Mapping[str, Mapping[str, list[str]]]:
    """The headers that ERPs print for a dataset's fields, by field and by language, `technical` names among them.

    `amount:debit` and `amount:credit` are an amount in two columns. Apart from the fields, for only suggestions need them.
    What refers to customers calls their code as they do.
    """
    file = shipped("schema") / "synonyms" / f"{dataset}.toml"
    if file.exists():
        return tomllib.loads(file.read_text(encoding="utf-8"))
    refers = dataset in datasets() and datasets()[dataset].refers_to
    return {"customer_code": synonyms(refers)["customer_code"]} if refers else {}

"""Dataset and Field: what a file can be imported into, as `schema/datasets/*.toml` says."""

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field as Key

from daemon import config, shipped
from daemon.config import Table

CUSTOMERS = "customers"
"""The dataset that others refer to, and whose rows theirs wait for."""

MONEY_DIGITS, MONEY_SCALE = 18, 5
"""Money is exact: numeric(18,5), never rounded."""


class Field(Table):
    """One column of a dataset.

    `owner` says who may change the value of a row that exists: `erp` (the file always wins), `app` (kept as it is, unless a
    profile says otherwise), or `fill` (the file fills it, if it is empty).
    `default_from` names fields that give the value where the file has none: the year of a date, or, for an enum, one of
    the two words of `by_sign` for an amount above or below zero. `joined_from` names fields that make it together.
    """

    type: Literal["text", "integer", "money", "date", "bool", "enum"]
    required: bool = False
    owner: Literal["erp", "app", "fill"] = "erp"
    folded: bool = Key(False, description="neither case nor spacing matters where rows are matched by it")
    max_length: int = 500
    words: dict[str, list[str]] = Key({}, description="of an enum: each value, with words that always mean it")
    default: str | None = None
    default_from: list[str] = []
    by_sign: list[str] = []
    joined_from: list[str] = []
    positive: bool = Key(False, description="of money: zero and less are a fault")
    derived: bool = Key(False, description="never mapped; only `default_from` fills it")
    iso4217: bool = False
    label: dict[str, str]
    description: str = ""
    example: str = ""

    @property
    def given_by(self) -> list[str]:
        """The other fields that can give the value where a file has no column for it."""
        return self.default_from + self.joined_from


class Balance(Table):
    """Of a dataset of open items: the field that says how much is open, its currency, and what settles a row.

    A row is cleared when `amount` is 0, or, where a file does not map `amount`, when it has a date in `settled_by`.
    """

    amount: str
    currency: str
    type: str | None = Key(None, description="the field that says what kind of item a row is")
    credits: list[str] = Key([], description="the kinds that count for the customer, which some files print as positives")
    settled_by: str | None = None
    totals: str | None = Key(None, description="the table that keeps what is open, by entity and currency")


class Presence(Table):
    """Of a dataset of which a file may hold everything: what becomes of the rows that a snapshot leaves out.

    `here` and `gone` are what the column `state` may hold; `since` and `by` name the columns that say when, and by which run,
    it went. A row of the file that was rejected protects all whose field `protects` has the value of its own.
    """

    state: str
    here: str
    gone: str
    since: str
    by: str
    protects: str


class Dataset(Table):
    """What a profile imports into: a table, its fields, and what makes two rows the same: the `keys`, which no two rows of
    the table share, or else `matches`, which some may.
    """

    name: str
    table: str
    label: dict[str, str]
    keys: list[list[str]]
    matches: list[list[str]] = []
    one_key: bool = Key(False, description="all rows of an entity are known by the same of the keys")
    refers_to: Literal["customers"] | None = Key(None, description="its rows are customers', and wait until those are known")
    balance: Balance | None = None
    presence: Presence | None = None
    fields: dict[str, Field]

    def key(self, mapped: set[str]) -> list[str]:
        """The fields that identify a row for a file that maps `mapped`: the first key that can be filled, or the last."""
        known = self.keys + self.matches
        return next((key for key in known if mapped.issuperset(key)), known[-1])

    @property
    def known_by(self) -> list[str]:
        """The fields by which people know a row: of its longest key those that it must have."""
        longest = max(self.keys + self.matches, key=len)
        return [name for name in longest if self.fields[name].required]

    @property
    def mappable(self) -> list[str]:
        """The fields that a profile may map."""
        return [name for name, field in self.fields.items() if not field.derived]


@cache
def datasets() -> Mapping[str, Dataset]:
    """Every dataset of this installation by name, those that others refer to first."""
    found = [config.load(path, Dataset, name=path.stem) for path in sorted((shipped("schema") / "datasets").glob("*.toml"))]
    return {dataset.name: dataset for dataset in sorted(found, key=lambda d: (d.refers_to is not None, d.name))}


@cache
def synonyms(dataset: str) -> Mapping[str, Mapping[str, list[str]]]:
    """The headers that ERPs print for a dataset's fields, by field and by language, `technical` names among them.

    `amount:debit` and `amount:credit` are an amount in two columns. Apart from the fields, for only suggestions need them.
    """
    file = shipped("schema") / "synonyms" / f"{dataset}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

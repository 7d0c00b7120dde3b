"""The effect that a file would have where that is not plausible: what it is held for, and what somebody approves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Self

from daemon.errors import Detail

_SUMS = ("totals", "amounts", "totals_before")
_DETAILS = ("control", "cut_short", "sent_again", "open_elsewhere", "scaled")


@dataclass(frozen=True)
class ScopeEffect:
    """What a snapshot would do to one entity's part of its scope, and what the scope's last accepted one was like."""

    entity: str
    open: int
    to_clear: int
    rows: int
    totals: Mapping[str, Decimal]
    amounts: Mapping[str, Decimal]
    """What is to be cleared, by currency."""
    rows_before: int | None = None
    totals_before: Mapping[str, Decimal] | None = None
    suspicious: tuple[str, ...] = ()
    """By which rules of the brake it is not plausible: `cleared`, `rows`, `total`."""

    def as_json(self) -> dict[str, Any]:
        """As scripts see it, and as it is stored."""
        sums = {name: getattr(self, name) for name in _SUMS}
        told = {name: each and {currency: f"{amount:f}" for currency, amount in each.items()} for name, each in sums.items()}
        return asdict(self) | told | {"suspicious": list(self.suspicious)}

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Self:
        """One as it was stored."""
        sums = {name: stored[name] and {currency: Decimal(amount) for currency, amount in stored[name].items()} for name in _SUMS}
        return cls(**(stored | sums | {"suspicious": tuple(stored["suspicious"])}))


@dataclass(frozen=True)
class ValueChange:
    """What would become of the open `debits`, or `credits`, of an entity in one currency."""

    entity: str
    currency: str
    side: str
    before: Decimal
    after: Decimal

    def as_json(self) -> dict[str, str]:
        """As scripts see it, and as it is stored."""
        return asdict(self) | {"before": f"{self.before:f}", "after": f"{self.after:f}"}

    @classmethod
    def of_json(cls, stored: dict[str, str]) -> Self:
        """One as it was stored."""
        return cls(stored["entity"], stored["currency"], stored["side"], Decimal(stored["before"]), Decimal(stored["after"]))


@dataclass(frozen=True)
class Compared:
    """What was and what would be: the open `debits` or `credits`, or the `rows` or the `total` of an entity's snapshot."""

    what: str
    entity: str
    currency: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class Change:
    """What becomes of one row: `created`, `changed`, `cleared` or `reopened`; each field that is another then, old and new."""

    kind: str
    row: str
    fields: Mapping[str, Sequence[Any]]
    amount: str = ""
    """What was open of it, or is where it is new; '' in a dataset without amounts."""
    currency: str = ""


@dataclass(frozen=True)
class Effect:
    """What is not plausible about a file: that the ERP says otherwise of it, that its end is not like that of others, that it was
    sent before, that it is empty, that its items are open elsewhere, that its amounts are a hundred times what they were, what
    would become of the open money, what it would clear.
    """

    control: Detail | None = None
    cut_short: Detail | None = None
    sent_again: Detail | None = None
    open_elsewhere: Detail | None = None
    scaled: Detail | None = None
    empty: bool = False
    value: tuple[ValueChange, ...] = ()
    snapshot: tuple[ScopeEffect, ...] | None = None
    """None where the file is no snapshot."""

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    def is_approved_by(self, approved: "Effect | None") -> bool:
        """Whether nobody need be asked: there is nothing to ask, or it is the very effect that somebody approved."""
        return not self or self == approved

    @property
    def details(self) -> dict[str, Detail]:
        """What is said of it in sentences, by what that is about."""
        return {name: detail for name in _DETAILS if (detail := getattr(self, name))}

    @property
    def compared(self) -> "list[Compared]":
        """What can be put side by side of what is and what would be."""
        found = [Compared(each.side, each.entity, each.currency, each.before, each.after) for each in self.value]
        for each in self.snapshot or ():
            if each.rows_before is not None:
                found.append(Compared("rows", each.entity, "", Decimal(each.rows_before), Decimal(each.rows)))
            for currency, before in (each.totals_before or {}).items():
                found.append(Compared("total", each.entity, currency, before, each.totals.get(currency, Decimal(0))))
        return found

    @property
    def why(self) -> str:
        """By which rules it is not plausible."""
        rules = {rule for each in self.snapshot or () for rule in each.suspicious}
        named = {name for name in (*_DETAILS, "empty", "value") if getattr(self, name)}
        return ", ".join(sorted(rules | named))

    def as_json(self) -> dict[str, Any]:
        """As scripts see it, and as it is stored: only what there is."""
        there: dict[str, Any] = {name: asdict(detail) for name, detail in self.details.items()}
        there |= {"empty": True} if self.empty else {}
        there |= {"value": [each.as_json() for each in self.value]} if self.value else {}
        return there if self.snapshot is None else there | {"snapshot": [each.as_json() for each in self.snapshot]}

    @classmethod
    def of_json(cls, stored: dict[str, Any] | None) -> Self | None:
        """An effect as it was stored."""
        if stored is None:
            return None
        details = {name: detail_of(stored.get(name)) for name in _DETAILS}
        value = tuple(map(ValueChange.of_json, stored.get("value", [])))
        snapshot = tuple(map(ScopeEffect.of_json, stored["snapshot"])) if "snapshot" in stored else None
        return cls(**details, empty=stored.get("empty", False), value=value, snapshot=snapshot)


def detail_of(stored: Any) -> Detail | None:
    """A detail as it was stored; earlier versions stored a text."""
    return Detail.of("plain", text=stored) if isinstance(stored, str) else Detail(**stored) if stored else None

"""The effect that a file would have where that is not plausible: what it is held for, and what somebody approves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Self

from daemon.errors import Detail

_SUMS = ("totals", "amounts", "totals_before")


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
class Effect:
    """What is not plausible about a file: that the ERP says otherwise of it, that it is empty, what it would clear."""

    control: Detail | None = None
    empty: bool = False
    snapshot: tuple[ScopeEffect, ...] | None = None
    """None where the file is no snapshot."""

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    def is_approved_by(self, approved: "Effect | None") -> bool:
        """Whether nobody need be asked: there is nothing to ask, or it is the very effect that somebody approved."""
        return not self or self == approved

    @property
    def why(self) -> str:
        """By which rules it is not plausible."""
        rules = {rule for each in self.snapshot or () for rule in each.suspicious}
        named = {name for name in ("control", "empty") if getattr(self, name)}
        return ", ".join(sorted(rules | named))

    def as_json(self) -> dict[str, Any]:
        """As scripts see it, and as it is stored: only what there is."""
        told = {"control": self.control and asdict(self.control), "empty": self.empty}
        there: dict[str, Any] = {name: value for name, value in told.items() if value}
        return there if self.snapshot is None else there | {"snapshot": [each.as_json() for each in self.snapshot]}

    @classmethod
    def of_json(cls, stored: dict[str, Any] | None) -> Self | None:
        """An effect as it was stored."""
        if stored is None:
            return None
        snapshot = tuple(map(ScopeEffect.of_json, stored["snapshot"])) if "snapshot" in stored else None
        return cls(detail_of(stored.get("control")), stored.get("empty", False), snapshot)


def detail_of(stored: Any) -> Detail | None:
    """A detail as it was stored; earlier versions stored a text."""
    return Detail.of("plain", text=stored) if isinstance(stored, str) else Detail(**stored) if stored else None

"""The brake: by which rules what a snapshot would do is not plausible."""

from decimal import Decimal

from daemon.model import ScopeEffect

CLEARED_SHARE = Decimal("0.3")
"""Of what is open in a scope, as much may be cleared."""
CHANGE = Decimal("0.5")
"""By as much of themselves its rows, and its total in a currency, may differ from its last accepted snapshot's."""
FLOOR = 20
"""Of fewer items nothing is thought."""


def suspicions(effect: ScopeEffect) -> tuple[str, ...]:
    """By which rules an effect is not plausible: `cleared`, `rows`, `total`."""
    rules = {"cleared": _clears_much(effect), "rows": _has_other_rows(effect), "total": _has_other_totals(effect)}
    return tuple(rule for rule, broken in rules.items() if broken)


def _clears_much(effect: ScopeEffect) -> bool:
    return effect.to_clear >= FLOOR and effect.to_clear > CLEARED_SHARE * effect.open


def _has_other_rows(effect: ScopeEffect) -> bool:
    if effect.rows_before is None:
        return False
    difference = abs(effect.rows - effect.rows_before)
    return difference >= FLOOR and difference > CHANGE * effect.rows_before


def _has_other_totals(effect: ScopeEffect) -> bool:
    if effect.totals_before is None or max(effect.open, effect.rows) < FLOOR:
        return False
    return any(
        before and abs(effect.totals.get(currency, Decimal(0)) - before) > CHANGE * abs(before)
        for currency, before in effect.totals_before.items()
    )

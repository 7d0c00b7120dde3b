"""The brake: by which rules what a file would do is not plausible."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from daemon.db import Declared
from daemon.errors import Detail
from daemon.loading.merge import Merged
from daemon.loading.staging import Stage
from daemon.loading.totals import Open, Totals, sides
from daemon.model import ScopeEffect, ValueChange

CLEARED_SHARE = Decimal("0.3")
"""Of what is open in a scope, as much may be cleared."""
CHANGE = Decimal("0.5")
"""By as much of themselves its rows, and its total in a currency, may differ from its last accepted snapshot's."""
FLOOR = 20
"""Of fewer items nothing is thought."""
DOUBLE = 2
"""As many times its sum, or that part of it, the open debits or credits of a currency may not become."""
FLOOR_OF_VALUE = "10000"
"""In any currency, where the settings say nothing else."""
FEWEST_SCALED = 2
"""Of so many amounts one can say what they are as a rule."""


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


def by_value(before: Totals, after: Totals, stage: Stage, declared: Mapping[str, Declared]) -> tuple[ValueChange, ...]:
    """The open debits and credits, each by itself, that halve or double in a snapshot's scope, from the floor on."""
    return tuple(_doubling(sides(before, stage.scope), sides(after, stage.scope), stage, declared))


def by_value_of_changes(
    before: Totals, merged: Merged, stage: Stage, declared: Mapping[str, Declared]
) -> tuple[ValueChange, ...]:
    """Those that halve or double by what a file changes of the items that are there; what is new of it does not count."""
    opened = sides(before)
    changed = {}
    for key, (debits, credits) in merged.changed.items():
        was = opened.get(key, Open())
        changed[key] = Open(was.debits + debits, was.credits + credits)
    return tuple(_doubling(opened, opened | changed, stage, declared))


def _doubling(
    before: Mapping[tuple[str, str], Open],
    after: Mapping[tuple[str, str], Open],
    stage: Stage,
    declared: Mapping[str, Declared],
) -> Iterator[ValueChange]:
    in_hand = stage.dataset.balance is not None and stage.dataset.balance.in_hand
    for (entity, currency), opened in sorted(before.items()):
        floors = declared[entity].brake_from if entity in declared else {}
        floor = Decimal(floors.get(currency, floors.get("", FLOOR_OF_VALUE)))
        now = after.get((entity, currency), Open())
        for side, was, then in zip(Open._fields, opened, now, strict=True):
            if was and max(abs(was), abs(then)) >= floor and (abs(then) * DOUBLE <= abs(was) or abs(then) >= abs(was) * DOUBLE):
                yield ValueChange(entity, currency, "credits" if in_hand else side, was, then)


def scaled(merged: Merged) -> Detail | None:
    """That the amounts are as a rule a hundred or a thousand times, or that part of, what the same items had."""
    known = merged.tally.updated + merged.tally.unchanged
    if merged.scaled < FEWEST_SCALED or merged.scaled * 2 <= known:
        return None
    return Detail.of("scaled", rows=merged.scaled, known=known)

"""The states of an import run, with every transition they allow."""

from enum import StrEnum


class State(StrEnum):
    """Where an import run stands."""

    ARRIVED = "arrived"
    IMPORTING = "importing"
    IMPORTED = "imported"
    REFUSED = "refused"
    HELD = "held"
    VANISHED = "vanished"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.ARRIVED: frozenset({State.IMPORTING, State.VANISHED}),
    State.IMPORTING: frozenset({State.IMPORTED, State.REFUSED, State.HELD, State.ARRIVED}),
    State.HELD: frozenset({State.IMPORTING, State.REFUSED}),
    State.IMPORTED: frozenset(),
    State.REFUSED: frozenset(),
    State.VANISHED: frozenset(),
}
"""From each state, the states that may follow; those with none are final."""


FINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)

"""The states of an import run, and the tally that must add up."""

import pytest

from daemon.model import FINAL, TRANSITIONS, State
from daemon.model.outcome import Tally


def test_every_run_can_end() -> None:
    """From every state a final one can be reached, and none is left once reached."""
    reachable = {state: set(following) for state, following in TRANSITIONS.items()}
    for _ in State:
        for following in reachable.values():
            following |= {later for state in list(following) for later in TRANSITIONS[state]}
    assert {State.IMPORTED, State.REFUSED, State.VANISHED} == FINAL
    assert all(following & FINAL for state, following in reachable.items() if state not in FINAL)


def test_a_tally_that_does_not_add_up_is_never_written() -> None:
    """P3: a record that is not accounted for stops the commit."""
    Tally(read=7, created=1, updated=1, unchanged=1, rejected=1, parked=1, skipped=2).check()
    with pytest.raises(AssertionError, match="8 rows read, 7 accounted for"):
        Tally(read=8, created=7).check()

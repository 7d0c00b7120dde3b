"""The states of import runs, against the database that keeps them."""

from itertools import product

import pytest

from daemon import db, ledger
from daemon.model import FINAL, TRANSITIONS, RemoteFile, State
from tests.support.office import Office


@pytest.fixture
def run_id(office: Office) -> int:
    """An import run."""
    with db.transaction(office.engine) as conn:
        return ledger.arrivals.record_inline(conn, RemoteFile("/a.csv", 1, 1), [("items", "receivables")])


@pytest.mark.parametrize(("before", "to"), product(State, State))
def test_a_run_is_moved_only_as_the_table_of_transitions_allows(office: Office, run_id: int, before: State, to: State) -> None:
    """From any state to any other: where it is not allowed nothing happens; what has ended has a time at which it did."""
    with db.transaction(office.engine) as conn:
        conn.exec_driver_sql(f"UPDATE nightporter.import_run SET state = '{before}' WHERE id = {run_id}")
        moved = ledger.runs.move(conn, run_id, to)
        run = ledger.runs.run_by_id(conn, run_id)
    allowed = to in TRANSITIONS[before]
    assert run
    assert (moved, run.state) == (int(allowed), to if allowed else before)
    assert (run.finished_at is not None) is (allowed and to in FINAL)


def test_only_the_attempt_that_claimed_a_run_moves_it(office: Office, run_id: int) -> None:
    """A worker that was given up for dead cannot end what another has taken up."""
    with db.transaction(office.engine) as conn:
        ledger.runs.claim_run(conn, run_id)
        assert ledger.runs.move(conn, run_id, State.REFUSED, attempt=2) == 0
        assert ledger.runs.move(conn, run_id, State.REFUSED, attempt=1) == 1


def test_a_held_run_is_claimed_once_somebody_approved_it(office: Office, run_id: int) -> None:
    """Whatever job is there for it."""
    with db.transaction(office.engine) as conn:
        conn.exec_driver_sql(
            f"""UPDATE nightporter.import_run SET state = 'held', effect = '{{"empty": true}}' WHERE id = {run_id}"""
        )
        assert ledger.runs.claim_run(conn, run_id) is None
        assert ledger.runs.approve_held(conn, run_id, "somebody")
        assert ledger.runs.claim_run(conn, run_id)

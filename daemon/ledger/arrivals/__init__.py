"""Arrivals: files that came, or should have; where they are, and what is still to be done with them."""

from daemon.ledger.arrivals.archived import archived_paths, mark_pruned, old_archives
from daemon.ledger.arrivals.custody import (
    ENDED,
    LEFT,
    UNFETCHED,
    adopt_arrivals,
    drops_with_ended,
    is_vanished_again,
    mark_ended,
    mark_fetched,
    mark_put_away,
    mark_vanished,
    owed_arrivals,
    put_off_arrival,
)
from daemon.ledger.arrivals.expectations import (
    Missing,
    expectation,
    expectations_since,
    is_come_since,
    is_expected,
    mark_met_late,
    missing_files,
    record_expectation,
)
from daemon.ledger.arrivals.recorded import known_files, names_seen, record_arrival, record_inline, strays

__all__ = [
    "ENDED",
    "LEFT",
    "UNFETCHED",
    "Missing",
    "adopt_arrivals",
    "archived_paths",
    "drops_with_ended",
    "expectation",
    "expectations_since",
    "is_come_since",
    "is_expected",
    "is_vanished_again",
    "known_files",
    "mark_ended",
    "mark_fetched",
    "mark_met_late",
    "mark_pruned",
    "mark_put_away",
    "mark_vanished",
    "missing_files",
    "names_seen",
    "old_archives",
    "owed_arrivals",
    "put_off_arrival",
    "record_arrival",
    "record_expectation",
    "record_inline",
    "strays",
]

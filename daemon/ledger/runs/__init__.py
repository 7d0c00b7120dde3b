"""Import runs: their states, lines and decisions, what earlier ones say, and what they rejected."""

from daemon.ledger.runs.earlier import (
    corrections_of,
    earlier_encodings,
    entities_of,
    extend_day,
    identical_import,
    is_in,
    last_import,
    later_run,
    pins,
)
from daemon.ledger.runs.history import prune_history, suppressed_values, take_long_parked
from daemon.ledger.runs.holds import approve_held, approved_runs, held_runs_before, mark_undone, runs_held_since
from daemon.ledger.runs.lines import advance_line, backlog, state_ahead, take_next, waiting_lines
from daemon.ledger.runs.parts import assign_parts, mark_correction, record_reading
from daemon.ledger.runs.rejections import forget_rejections, reject_rows, rejection_count, rejections, resolve_rejections
from daemon.ledger.runs.run import latest_runs, lock_post, retry_run, run_by_id, run_of_post, siblings
from daemon.ledger.runs.states import (
    claim_run,
    end_held,
    end_vanished,
    finish_run,
    give_back_lost,
    give_back_run,
    move,
    put_off_run,
)

__all__ = [
    "advance_line",
    "approve_held",
    "approved_runs",
    "assign_parts",
    "backlog",
    "claim_run",
    "corrections_of",
    "earlier_encodings",
    "end_held",
    "end_vanished",
    "entities_of",
    "extend_day",
    "finish_run",
    "forget_rejections",
    "give_back_lost",
    "give_back_run",
    "held_runs_before",
    "identical_import",
    "is_in",
    "last_import",
    "later_run",
    "latest_runs",
    "lock_post",
    "mark_correction",
    "mark_undone",
    "move",
    "pins",
    "prune_history",
    "put_off_run",
    "record_reading",
    "reject_rows",
    "rejection_count",
    "rejections",
    "resolve_rejections",
    "retry_run",
    "run_by_id",
    "run_of_post",
    "runs_held_since",
    "siblings",
    "state_ahead",
    "suppressed_values",
    "take_long_parked",
    "take_next",
    "waiting_lines",
]

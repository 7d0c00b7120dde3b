"""Loading: staged rows checked and merged into a dataset's table, all in the caller's transaction, never row by row."""

from daemon.loading.checks import Turned, known_customers, lock_entities, settle_twins, turned_down
from daemon.loading.credit_source import reject_elsewhere
from daemon.loading.diff import Change, changes
from daemon.loading.matching import reject_ambiguous, reject_outdated, resolve_aliases, skip_known, skip_older
from daemon.loading.merge import confirm, merge, open_totals, suppress, written
from daemon.loading.parked import park, release, supersede, waiting_for
from daemon.loading.snapshot import Effect, accept, clear_absent, effects, find_absent, refuse_stale
from daemon.loading.staging import SMALL, Rules, Stage, clear, copy, open_stage, prepare, protect
from daemon.loading.standing import Standing, standing
from daemon.loading.undo import Undone, undo

__all__ = [
    "SMALL",
    "Change",
    "Effect",
    "Rules",
    "Stage",
    "Standing",
    "Turned",
    "Undone",
    "accept",
    "changes",
    "clear",
    "clear_absent",
    "confirm",
    "copy",
    "effects",
    "find_absent",
    "known_customers",
    "lock_entities",
    "merge",
    "open_stage",
    "open_totals",
    "park",
    "prepare",
    "protect",
    "refuse_stale",
    "reject_ambiguous",
    "reject_elsewhere",
    "reject_outdated",
    "release",
    "resolve_aliases",
    "settle_twins",
    "skip_known",
    "skip_older",
    "standing",
    "supersede",
    "suppress",
    "turned_down",
    "undo",
    "waiting_for",
    "written",
]

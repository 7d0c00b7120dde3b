"""Loading: staged rows checked and merged into a dataset's table, all in the caller's transaction, never row by row."""

from daemon.loading.checks import known_customers, lock_entities, settle_twins, turned_down
from daemon.loading.credit_source import reject_elsewhere
from daemon.loading.diff import Change, changes
from daemon.loading.matching import reject_ambiguous, reject_outdated, resolve_aliases, skip_known, skip_older
from daemon.loading.merge import confirm, merge, open_totals, suppress, written
from daemon.loading.parked import park, release_parked, replace_parked, waiting_for
from daemon.loading.snapshot import accept, clear_absent, find_absent, refuse_stale, scope_effects
from daemon.loading.staging import SHARED_STAGE_BYTES, Rules, Stage, clear, copy, open_stage, prepare, protect
from daemon.loading.standing import Standing, standing
from daemon.loading.undo import Undone, undo

__all__ = [
    "SHARED_STAGE_BYTES",
    "Change",
    "Rules",
    "Stage",
    "Standing",
    "Undone",
    "accept",
    "changes",
    "clear",
    "clear_absent",
    "confirm",
    "copy",
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
    "release_parked",
    "replace_parked",
    "resolve_aliases",
    "scope_effects",
    "settle_twins",
    "skip_known",
    "skip_older",
    "standing",
    "suppress",
    "turned_down",
    "undo",
    "waiting_for",
    "written",
]

"""Loading: staged rows checked and merged into a dataset's table, all in the caller's transaction, never row by row."""

from daemon.loading.checks import Turned, known_customers, lock_entities, reject_unknown, settle_twins, turned_down
from daemon.loading.merge import merge, open_totals
from daemon.loading.staging import Stage, clear, copy, open_stage, prepare

__all__ = [
    "Stage",
    "Turned",
    "clear",
    "copy",
    "known_customers",
    "lock_entities",
    "merge",
    "open_stage",
    "open_totals",
    "prepare",
    "reject_unknown",
    "settle_twins",
    "turned_down",
]

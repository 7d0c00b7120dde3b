"""Drops: how each machine finds them, and what lies in them that nobody claims."""

from daemon.ledger.drops.state import (
    REFUSALS,
    DropState,
    drop_state,
    faulty_drops,
    mark_alive,
    mark_failed,
    mark_looking,
    mark_told,
    mark_well,
)
from daemon.ledger.drops.unmatched import forget_unmatched, record_unmatched, unmatched_count, unmatched_files

__all__ = [
    "REFUSALS",
    "DropState",
    "drop_state",
    "faulty_drops",
    "forget_unmatched",
    "mark_alive",
    "mark_failed",
    "mark_looking",
    "mark_told",
    "mark_well",
    "record_unmatched",
    "unmatched_count",
    "unmatched_files",
]

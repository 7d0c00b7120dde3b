"""Drafts: imports that are being set up in the console."""

from daemon.ledger.drafts.draft import (
    Draft,
    begin_draft,
    choose,
    draft_by_id,
    drafts_of,
    drop_draft,
    end_draft,
    old_drafts,
    record_result,
    starter_of,
)

__all__ = [
    "Draft",
    "begin_draft",
    "choose",
    "draft_by_id",
    "drafts_of",
    "drop_draft",
    "end_draft",
    "old_drafts",
    "record_result",
    "starter_of",
]

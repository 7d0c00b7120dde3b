"""One attempt at an import run: from its bytes in the archive to what came of it."""

from daemon.importing.attempt import attempt, attempt_file, begin, carry_out
from daemon.importing.choices import Choices, headers_of
from daemon.importing.correcting import as_sent, bring_back, correct
from daemon.importing.draft_rehearsal import rehearse_draft
from daemon.importing.drafting import (
    as_it_comes,
    distinct_words,
    first_choices,
    is_value,
    profile_text,
    reasons_of,
    seen,
    understood,
    unread_values,
)
from daemon.importing.editing import as_profile, choices_of, with_ready_made
from daemon.importing.load import Progress
from daemon.importing.order import circle
from daemon.importing.rehearsal import Rehearsed, rehearse
from daemon.importing.remembering import rememberable, remembered
from daemon.importing.rewriting import DISK, rewrite

__all__ = [
    "DISK",
    "Choices",
    "Progress",
    "Rehearsed",
    "as_it_comes",
    "as_profile",
    "as_sent",
    "attempt",
    "attempt_file",
    "begin",
    "bring_back",
    "carry_out",
    "choices_of",
    "circle",
    "correct",
    "distinct_words",
    "first_choices",
    "headers_of",
    "is_value",
    "profile_text",
    "reasons_of",
    "rehearse",
    "rehearse_draft",
    "rememberable",
    "remembered",
    "rewrite",
    "seen",
    "understood",
    "unread_values",
    "with_ready_made",
]

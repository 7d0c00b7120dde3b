"""Mapping: a file's text cells become a dataset's typed fields, exactly once, by a profile; what cannot is a rejection."""

from daemon.mapping.apply import AS_OF, Mapping
from daemon.mapping.conversion import Mapped
from daemon.mapping.convert import convert
from daemon.mapping.draft import Wishes, asks_mode, day_in, draft, pattern
from daemon.mapping.evidence import evidence_of
from daemon.mapping.numbers import amount
from daemon.mapping.prove import Amounts, Dates, check_pins, decided, fit
from daemon.mapping.suggest import Known, Proposal, Suggestion, suggest
from daemon.mapping.vat import can_be

__all__ = [
    "AS_OF",
    "Amounts",
    "Dates",
    "Known",
    "Mapped",
    "Mapping",
    "Proposal",
    "Suggestion",
    "Wishes",
    "amount",
    "asks_mode",
    "can_be",
    "check_pins",
    "convert",
    "day_in",
    "decided",
    "draft",
    "evidence_of",
    "fit",
    "pattern",
    "suggest",
]

"""The nouns that cross packages, and the states of an import run."""

from daemon.model.effect import Change, Effect, ScopeEffect, ValueChange, detail_of
from daemon.model.files import Arrival, Fetched, RemoteFile, basename, shown
from daemon.model.outcome import (
    OF_THE_FILE,
    OF_THE_LEDGER,
    Deferred,
    Held,
    Imported,
    Money,
    Note,
    Opened,
    Outcome,
    OutOfTurn,
    Overtaken,
    Refused,
    Tally,
)
from daemon.model.reasons import Reason, ReasonCode
from daemon.model.rows import Batch, Rejection
from daemon.model.run import ImportRun, ReadAs
from daemon.model.states import FINAL, TRANSITIONS, State

__all__ = [
    "FINAL",
    "OF_THE_FILE",
    "OF_THE_LEDGER",
    "TRANSITIONS",
    "Arrival",
    "Batch",
    "Change",
    "Deferred",
    "Effect",
    "Fetched",
    "Held",
    "ImportRun",
    "Imported",
    "Money",
    "Note",
    "Opened",
    "OutOfTurn",
    "Outcome",
    "Overtaken",
    "ReadAs",
    "Reason",
    "ReasonCode",
    "Refused",
    "Rejection",
    "RemoteFile",
    "ScopeEffect",
    "State",
    "Tally",
    "ValueChange",
    "basename",
    "detail_of",
    "shown",
]

"""The nouns that cross packages, and the states of an import run."""

from daemon.model.files import Arrival, Fetched, RemoteFile, basename, shown
from daemon.model.outcome import Deferred, Held, Imported, Money, Outcome, Refused, Tally
from daemon.model.reasons import Fault, Reason
from daemon.model.rows import Batch, Rejection
from daemon.model.run import ImportRun
from daemon.model.states import FINAL, TRANSITIONS, State

__all__ = [
    "FINAL",
    "TRANSITIONS",
    "Arrival",
    "Batch",
    "Deferred",
    "Fault",
    "Fetched",
    "Held",
    "ImportRun",
    "Imported",
    "Money",
    "Outcome",
    "Reason",
    "Refused",
    "Rejection",
    "RemoteFile",
    "State",
    "Tally",
    "basename",
    "shown",
]

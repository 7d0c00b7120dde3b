"""One attempt at an import run: from its bytes in the archive to what came of it."""

from daemon.importing.attempt import attempt, attempt_file, begin, carry_out
from daemon.importing.load import Progress
from daemon.importing.order import circle
from daemon.importing.rehearsal import Rehearsed, rehearse

__all__ = ["Progress", "Rehearsed", "attempt", "attempt_file", "begin", "carry_out", "circle", "rehearse"]

"""One visit to a drop: what came is taken in, what ended is put away."""

from daemon.pickup.check import Finding, examine_drop, served_proofs, state_of
from daemon.pickup.look import Arriving, record
from daemon.pickup.visit import Visitor

__all__ = ["Arriving", "Finding", "Visitor", "examine_drop", "record", "served_proofs", "state_of"]

"""Mapping: a file's text cells become a dataset's typed fields, exactly once, by a profile; what cannot is a rejection."""

from daemon.mapping.apply import AS_OF, Mapping
from daemon.mapping.numbers import amount
from daemon.mapping.prove import check_pins, fit
from daemon.mapping.vat import can_be
from daemon.mapping.work import Mapped

__all__ = ["AS_OF", "Mapped", "Mapping", "amount", "can_be", "check_pins", "fit"]

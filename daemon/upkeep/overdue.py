"""Overdue: what waits for a person or for a customer longer than the settings allow."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from daemon import db, ledger, results
from daemon.importing import decisions
from daemon.model import shown
from daemon.profiles import Profiles
from daemon.settings import Settings

_CODES = 10
"""How many of the customers that are waited for are named."""


def see_to_overdue(engine: Engine, settings: Settings, profiles: Profiles) -> None:
    """Decline what nobody decided about in time, and tell of rows that have waited long for their customer, and of their loading,
    once.
    """
    with db.transaction(engine) as conn:
        decisions.expire(conn, settings, profiles)
        _tell_parked(conn, settings, profiles)


def _tell_parked(conn: Connection, settings: Settings, profiles: Profiles) -> None:
    age = timedelta(seconds=settings.imports.parked_for)
    for name, count, codes in ledger.runs.take_long_parked(conn, age, _CODES):
        results.owe_notice(
            conn,
            "parked",
            results.people(settings, profiles.saved(name)),
            profile=name,
            count=count,
            days=age.days,
            codes=shown(", ".join(codes)),
        )
    for name, count, codes in ledger.runs.take_loaded(conn, _CODES):
        to = results.people(settings, profiles.saved(name))
        results.owe_notice(conn, "loaded", to, profile=name, count=count, codes=shown(", ".join(codes)))

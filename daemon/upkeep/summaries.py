"""Summaries: who wishes one mail a day is owed it, once, when its time has come."""

from sqlalchemy import Engine

from daemon import db, results
from daemon.profiles import Profiles
from daemon.settings import Settings


def owe_summaries(engine: Engine, settings: Settings, profiles: Profiles) -> None:
    """Owe today's summary to everybody whose time for it has come."""
    everybody = [*settings.admins, *(person for profile in profiles for person in profile.notify.to)]
    with db.transaction(engine) as conn:
        now = db.now(conn)
        for person in {each.email: each for each in everybody if each.summary}.values():
            day = person.summary_due(now)
            if day and not results.was_told(conn, "summary", to=person.email, day=f"{day}"):
                results.owe_notice(conn, "summary", [person], day=f"{day}")

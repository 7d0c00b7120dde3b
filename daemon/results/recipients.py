"""Recipients: who is told of what came of a run."""

import re

from sqlalchemy import Connection

from daemon import ledger
from daemon.model import Imported, ImportRun, Outcome
from daemon.profiles import Profile
from daemon.settings import EMAIL, Person, Settings


def recipients(settings: Settings, profile: Profile | None, outcome: Outcome) -> list[Person]:
    """Who is told of an outcome: the profile's people, or else the admins."""
    if profile is None:
        return settings.admins
    troubled = not isinstance(outcome, Imported) or outcome.tally.rejected > 0 or outcome.tally.took_nothing
    if profile.notify.when == "never" or (profile.notify.when == "problems" and not troubled):
        return []
    return people(settings, profile)


def with_starter(conn: Connection, run: ImportRun, to: list[Person]) -> list[Person]:
    """Some people and, where somebody began the import at the console and is known there by their address, they."""
    starter = None if run.drop else ledger.drafts.starter_of(conn, run.arrival_id)
    if starter is None or not re.fullmatch(EMAIL, starter[0]) or starter[0] in {person.email for person in to}:
        return to
    return [*to, Person.model_validate({"email": starter[0]} | ({"language": starter[1]} if starter[1] else {}))]


def people(settings: Settings, profile: Profile | None) -> list[Person]:
    """Who a profile's files matter to."""
    return (profile.notify.to if profile else []) or settings.admins

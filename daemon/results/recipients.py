"""Recipients: who is told of what came of a run."""

from daemon.model import Imported, Outcome
from daemon.profiles import Profile
from daemon.settings import Person, Settings


def recipients(settings: Settings, profile: Profile | None, outcome: Outcome) -> list[Person]:
    """Who is told of an outcome: the profile's people, or else the admins."""
    if profile is None:
        return settings.admins
    troubled = not isinstance(outcome, Imported) or outcome.tally.rejected > 0 or outcome.tally.took_nothing
    if profile.notify.when == "never" or (profile.notify.when == "problems" and not troubled):
        return []
    return people(settings, profile)


def people(settings: Settings, profile: Profile | None) -> list[Person]:
    """Who a profile's files matter to."""
    return (profile.notify.to if profile else []) or settings.admins

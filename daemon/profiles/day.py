"""The business day that a file is about, and the night it belongs to."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.errors import FileRefused, Refusal
from daemon.model import ImportRun, basename
from daemon.profiles.profile import Profile
from daemon.toml import clock_time


def night_of(moment: datetime, profile: Profile) -> datetime:
    """When the night that a moment belongs to began: at the profile's `day_starts`, in its time zone."""
    zone = ZoneInfo(profile.expect.timezone if profile.expect else "UTC")
    local = moment.astimezone(zone)
    starts = datetime.combine(local.date(), clock_time(profile.import_.day_starts), zone)
    if starts > local:
        starts = datetime.combine(local.date() - timedelta(days=1), clock_time(profile.import_.day_starts), zone)
    return starts.astimezone(UTC)


def day_of(profile: Profile, run: ImportRun) -> date:
    """The day that a file is about by its name, or else by the night it came in. Raises FileRefused when that is not clear."""
    told = profile.import_.business_date
    day = profile.business_date(basename(run.name))
    if isinstance(told, str) and day is None:
        raise FileRefused(Refusal.DATE_UNCLEAR, f"{basename(run.name)}: {told}")
    return day or profile.night(run.arrived_at)

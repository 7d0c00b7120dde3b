"""The business day that a file is about, and the night it belongs to."""

import contextlib
import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import re2

from daemon.errors import FileRefused, Refusal
from daemon.model import ImportRun, basename
from daemon.profiles.profile import Profile
from daemon.toml import clock_time


def day_of(profile: Profile, run: ImportRun) -> date:
    """The day that a file is about by its name, or else by the night it came in. Raises FileRefused when that is not clear."""
    name, told = basename(run.name), profile.import_.business_date
    day = day_in_name(profile, name)
    if isinstance(told, str) and day is None:
        raise FileRefused(Refusal.DATE_UNCLEAR, "plain", text=f"{name}: {told}")
    return day or night_of(run.arrived_at, profile).astimezone(_zone(profile)).date()


def day_in_name(profile: Profile, name: str) -> date | None:
    """The day that a file's name tells, where the profile says that it does."""
    told = profile.import_.business_date
    return day_told(told, name) if isinstance(told, str) else None


def day_told(told: str, name: str) -> date | None:
    """The day that a name has where it is `told` to be; None where it has none there."""
    parts = {"%Y": r"(?P<year>\d{4})", "%m": r"(?P<month>\d\d)", "%d": r"(?P<day>\d\d)", "*": ".*", "?": "."}
    found = re2.fullmatch("".join(parts.get(part, re2.escape(part)) for part in re.split(r"(%[Ymd]|[*?])", told)), name)
    with contextlib.suppress(ValueError):
        return date(int(found["year"]), int(found["month"]), int(found["day"])) if found else None
    return None


def night_of(moment: datetime, profile: Profile) -> datetime:
    """When the night that a moment belongs to began: at the profile's `day_starts`, in its time zone."""
    zone, starts = _zone(profile), clock_time(profile.import_.day_starts)
    local = moment.astimezone(zone)
    day = local.date() - timedelta(days=local.time() < starts)
    return datetime.combine(day, starts, zone).astimezone(UTC)


def _zone(profile: Profile) -> ZoneInfo:
    return ZoneInfo(profile.expect.timezone if profile.expect else "UTC")

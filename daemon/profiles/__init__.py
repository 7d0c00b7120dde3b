"""What an admin writes about files: the saved mapping profiles, and the day that a file is about."""

from daemon.profiles.column import Column
from daemon.profiles.day import day_of, day_told, night_of
from daemon.profiles.expect import Expect
from daemon.profiles.format import DATE_PATTERN, DAY_OF_YEAR, SERIAL, Conventions, Format, Kind, is_short
from daemon.profiles.profile import Control, Profile, Section
from daemon.profiles.rules import Import
from daemon.profiles.saved import REJECTED_ROWS, Profiles, fitting, ready_made

__all__ = [
    "DATE_PATTERN",
    "DAY_OF_YEAR",
    "REJECTED_ROWS",
    "SERIAL",
    "Column",
    "Control",
    "Conventions",
    "Expect",
    "Format",
    "Import",
    "Kind",
    "Profile",
    "Profiles",
    "Section",
    "day_of",
    "day_told",
    "fitting",
    "is_short",
    "night_of",
    "ready_made",
]

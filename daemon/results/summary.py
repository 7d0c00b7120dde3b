"""The daily summary: every file that is expected on a day, with its state, the worst first; and what else waits for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from daemon import db, ledger
from daemon.model import ImportRun, State
from daemon.profiles import Profile, Profiles
from daemon.results.outbox import Owed, undelivered
from daemon.results.recipients import people
from daemon.settings import Settings
from daemon.words import Words

WORST_FIRST = ("missing", "held", "refused", "delayed", "late", "rejected", "parked", "coming", "imported")
"""The states of an expected file, as they need somebody."""
_NEEDS_A_LOOK = WORST_FIRST[:6]


@dataclass(frozen=True)
class Expected:
    """A file that is expected on a day: by when, and what came of it."""

    profile: str
    due: datetime
    state: str
    run: ImportRun | None

    def told(self, words: Words) -> str:
        """Its state in words."""
        tally = self.run.tally if self.run else None
        count = getattr(tally, self.state) if tally and self.state in ("rejected", "parked") else 0
        return words(f"summary.{self.state}", count=count)


@dataclass(frozen=True)
class Summary:
    """A day: its files, what is open, and what is wrong besides."""

    day: date
    files: list[Expected]
    open: dict[str, Decimal]
    undelivered: int
    faults: list[str]
    unmatched: int

    @property
    def to_look_at(self) -> int:
        """How many of its files need a look."""
        return sum(file.state in _NEEDS_A_LOOK for file in self.files)

    def subject(self, words: Words) -> str:
        """The day in one line."""
        if not self.files:
            return words("summary.subject_none", day=words.day(self.day))
        if not self.to_look_at and all(file.state == "imported" for file in self.files):
            return words("summary.subject_well", day=words.day(self.day), count=len(self.files))
        return words("summary.subject", day=words.day(self.day), count=self.to_look_at, expected=len(self.files))


def summary_of(conn: Connection, settings: Settings, profiles: Profiles, mail: Owed) -> Summary:
    """The day that a mail is about, as its reader is concerned: an admin by all of it, others by the profiles that tell them."""
    day = date.fromisoformat((mail.about or {})["day"])
    is_admin = mail.recipient in {admin.email for admin in settings.admins}
    mine = [p for p in profiles if is_admin or mail.recipient in {person.email for person in people(settings, p)}]
    files = sorted(expected_files(conn, mine, day), key=lambda file: (WORST_FIRST.index(file.state), file.due, file.profile))
    return Summary(
        day,
        files,
        ledger.runs.open_money(conn, [profile.name for profile in mine]),
        undelivered(conn) if is_admin else 0,
        ledger.drops.faulty_drops(conn) if is_admin else [],
        ledger.drops.unmatched_count(conn) if is_admin else 0,
    )


def expected_files(conn: Connection, profiles: Iterable[Profile], day: date) -> list[Expected]:
    """The files that profiles expect on a day, with what came of each."""
    found = []
    for profile in profiles:
        if profile.expect and (due := profile.expect.due_on(day)):
            since = profile.expect.due_before(due - timedelta(seconds=1)) or due - timedelta(days=1)
            end = datetime.combine(day + timedelta(days=1), time(), UTC)
            run = ledger.runs.latest_between(conn, profile.name, since, max(end, due))
            found.append(Expected(profile.name, due, _state(conn, profile.name, due, run), run))
    return found


def _state(conn: Connection, profile: str, due: datetime, run: ImportRun | None) -> str:
    if run is None or run.state is State.VANISHED:
        return "missing" if due <= db.now(conn) else "coming"
    if run.state in (State.HELD, State.REFUSED):
        return str(run.state)
    if run.tally is None:
        return "delayed"
    if ledger.arrivals.expectation(conn, profile, due) == "late":
        return "late"
    return "rejected" if run.tally.rejected else "parked" if run.tally.parked else "imported"

"""Tonight: what needs a person, the worst first; every expected file of the last business days; the open money."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon import db, ledger, loading, results
from daemon.ledger.people import Session
from daemon.profiles import Profile, Profiles
from daemon.settings import Settings
from daemon.web.auth import for_people, sight_of
from daemon.web.rendering import page
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of

DAYS = 30
_REFUSED_DAYS = 14
_NOTHING: dict[str, Any] = {"faults": [], "undelivered": 0, "orphans": [], "unmatched": 0, "mistakes": [], "muted": []}
LETTERED = ("rejected", "parked", "late", "held", "refused", "missing")
"""The states that have a letter in the grid, beside their shape and their words."""
_SIGNS = {"imported": "✓", "coming": "·", "day_off": "–", "": " "}
"""Those of the others; "" is a day on which nobody looked."""


@dataclass(frozen=True)
class Cell:
    """One day of one expected file."""

    day: date
    state: str
    run: int | None


def tonight(request: Request, session: Session) -> Response:
    """The first screen."""
    account, profiles = session.account, profiles_of(request)
    sight = sight_of(request, account)
    mine = [p for p in profiles if p.expect and (sight.entities is None or p.name in sight.profiles)]
    with db.transaction(engine_of(request)) as conn:
        rows = grid(conn, mine, datetime.now(UTC).date())
        content: dict[str, Any] = {
            "waiting": ledger.runs.waiting_runs(conn, sight, _REFUSED_DAYS),
            "missing": [each for each in ledger.arrivals.missing_files(conn) if each.profile in {p.name for p in mine}],
            "rows": rows,
            "days": [cell.day for cell in next(iter(rows.values()), [])],
            "open": ledger.runs.open_by_entity(conn, sight, DAYS),
            **(_of_admins(conn, profiles, settings_of(request)) if account.is_admin else _NOTHING),
        }
    words = words_of(request, account=account)
    letters = _SIGNS | {state: words(f"console.letter_{state}") for state in LETTERED}
    return page("tonight.html", words, session=session, letters=letters, lettered=LETTERED, line=_line, **content)


def _of_admins(conn: Connection, profiles: Profiles, settings: Settings) -> dict[str, Any]:
    people = [*settings.admins, *(person for profile in profiles for person in profile.notify.to)]
    now = db.now(conn)
    return {
        "faults": ledger.drops.faulty_drops(conn),
        "undelivered": results.undelivered(conn),
        "orphans": loading.orphans(conn, *profiles.scopes()),
        "unmatched": ledger.drops.unmatched_count(conn),
        "muted": list({person.email: person for person in people if person.is_muted(now)}.values()),
        "mistakes": [str(mistake) for mistake in profiles.mistakes],
    }


def grid(conn: Connection, profiles: Iterable[Profile], today: date) -> dict[str, list[Cell]]:
    """For each profile that expects a file, the days on which it did, back from today: a day's state is that of the last file
    about it, or that none came.
    """
    chosen = list(profiles)
    since = today - timedelta(days=DAYS)
    known = {(each.profile, each.day): each for each in ledger.runs.night_states(conn, [p.name for p in chosen], since)}
    told = ledger.arrivals.expectations_since(conn, since)
    now = db.now(conn)
    days = [since + timedelta(days=n) for n in range(1, DAYS + 1)]
    return {profile.name: [_cell(profile, day, known, told, now) for day in days] for profile in chosen}


def _cell(
    profile: Profile,
    day: date,
    known: dict[tuple[str, date], ledger.runs.NightState],
    told: dict[tuple[str, datetime], str],
    now: datetime,
) -> Cell:
    assert profile.expect
    if night := known.get((profile.name, day)):
        state = night.state
        if state == "imported":
            state = "rejected" if night.rejected else "parked" if night.parked else "imported"
        return Cell(day, state, night.run)
    due = profile.expect.due_on(day)
    if due is None:
        return Cell(day, "day_off" if profile.expect.is_holiday(day) else "", None)
    if due > now:
        return Cell(day, "coming", None)
    state = told.get((profile.name, due), "")
    return Cell(day, state if state in ("missing", "late") else "", None)


def _line(amounts: list[object], width: int = 120, height: int = 28) -> str:
    """Amounts as the points of a line, from left to right."""
    values = [float(str(amount)) for amount in amounts]
    if len(values) < 2:
        return ""
    least, most = min(values), max(values)
    span = most - least or 1.0
    step = width / (len(values) - 1)
    return " ".join(
        f"{at * step:.1f},{height - 2 - (value - least) / span * (height - 4):.1f}" for at, value in enumerate(values)
    )


routes = [Route("/", for_people(tonight))]

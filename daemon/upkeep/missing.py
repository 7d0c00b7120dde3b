"""Expectations: a file that does not come is told, once, and once more when it comes late."""

from datetime import timedelta

from sqlalchemy import Connection, Engine

from daemon import db, ledger, results
from daemon.log import get
from daemon.profiles import Expect, Profiles
from daemon.settings import Settings

log = get(__name__)


def check_expectations(engine: Engine, settings: Settings, profiles: Profiles) -> None:
    """See for each profile whether its file has come by the last time it was due. Raises TryLater."""
    for profile in profiles:
        if profile.expect:
            with db.transaction(engine) as conn:
                _check(conn, settings, profile.name, profile.expect)


def _check(conn: Connection, settings: Settings, profile: str, expect: Expect) -> None:
    due = expect.due_before(db.now(conn))
    if due is None:
        return
    known = ledger.arrivals.expectation(conn, profile, due)
    if known in ("begun", "came", "late"):
        return
    before = expect.due_before(due - timedelta(seconds=1))
    came = ledger.arrivals.is_come_since(conn, profile, before or due - timedelta(days=1))
    if known == "missing":
        if came and ledger.arrivals.mark_met_late(conn, profile, due):
            _tell(conn, settings, "late", profile, expect)
        return
    # Of a profile that was not expected before nothing is missed: it has just been written.
    state = "came" if came else "missing" if ledger.arrivals.is_expected(conn, profile) else "begun"
    if ledger.arrivals.record_expectation(conn, profile, due, state) and state == "missing":
        _tell(conn, settings, "missing", profile, expect)


def _tell(conn: Connection, settings: Settings, kind: str, profile: str, expect: Expect) -> None:
    log.warning(f"file_{kind}", profile=profile, by=expect.by)
    results.owe_notice(conn, kind, settings.admins, profile=profile, by=expect.by, zone=expect.timezone)

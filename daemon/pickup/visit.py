"""A visit to a drop: connected once, what ended is put away and what came is taken in. What goes wrong is remembered, told, and
waited out, longer each time; a password that was refused three times is not shown again until it is another.
"""

import hmac
import random
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection, Engine

from daemon import db, ledger, queue, results
from daemon.drops import Seen, open_drop
from daemon.errors import LoginRefused, SetupFault, TryLater, WrongServer
from daemon.ledger.drops import REFUSALS, DropState
from daemon.log import get
from daemon.model import shown
from daemon.pickup.look import look
from daemon.pickup.transfer import dispose_owed, fetch_owed, look_again
from daemon.profiles import Profiles
from daemon.settings import Settings

log = get(__name__)

TOLD_AFTER = 3
"""Looks in a row that fail before the admins are told, for servers are restarted at night. A wrong host key is told at once."""
_LONGEST_WAIT = 900.0
_SILENCE = 900.0
"""Seconds after which another machine's arrivals are taken over."""


class Visitor:
    """One drop of this machine's, between looks."""

    def __init__(self, engine: Engine, settings: Settings, profiles: Profiles, name: str) -> None:
        self._engine, self._settings, self._profiles, self._name = engine, settings, profiles, name
        self._drop = open_drop(name, settings.drops[name], settings)
        self._seen = Seen()
        self._fault = ""

    def visit(self, *, listing: bool) -> float | None:
        """Put away what ended; with `listing` also look for what came, and fetch it.

        Returns in how many seconds to look again before the next poll, or None. Never raises for the drop's faults.
        """
        with db.transaction(self._engine) as conn:
            before = ledger.drops.drop_state(conn, self._name, queue.this_host())
            if before and not self._is_due(conn, before):
                return None
            ledger.drops.mark_looking(conn, self._name, queue.this_host())
        try:
            again = self._go(listing)
        except TryLater as fault:
            self._failed(before, fault)
            return None
        except Exception as error:  # a drop that fails in a way nobody thought of must be told like any other
            log.exception("visit_failed", drop=self._name)
            self._failed(before, TryLater(f"{type(error).__name__}: {error}"))
            return None
        if listing or (before and before.fault):
            self._was_well(before)
        return again

    def _is_due(self, conn: Connection, before: DropState) -> bool:
        if before.credentials and before.credentials != self._credentials():
            return True  # somebody mended them
        if before.refusals >= REFUSALS:  # once a day, for the server's admin may have mended the account
            return before.looked_at < db.now(conn) - timedelta(days=1)
        return before.next_look is None or before.next_look <= db.now(conn)

    def _go(self, listing: bool) -> float | None:
        again = None
        with self._drop as drop:
            dispose_owed(self._engine, self._settings, self._name, drop)
            if listing:
                with db.transaction(self._engine) as conn:
                    if drop.is_shared:
                        ledger.arrivals.adopt_arrivals(conn, self._name, queue.this_host(), _SILENCE)
                again = look(self._engine, self._settings, self._profiles, self._name, drop, self._seen)
            fetch_owed(self._engine, self._settings, self._name, drop)
            if listing:
                look_again(self._engine, self._name, drop)
        return again

    def _failed(self, before: DropState | None, fault: TryLater) -> None:
        reason, here = shown(str(fault)).rstrip("."), queue.this_host()
        refused = self._credentials() if isinstance(fault, LoginRefused) else None
        if reason != self._fault:
            log.warning("drop_fault", drop=self._name, reason=reason)
        self._fault = reason
        faults = before.faults if before else 0
        wait = min(self._settings.drops[self._name].poll * 2.0 ** min(faults, 10), _LONGEST_WAIT) * random.uniform(0.75, 1.25)  # noqa: S311
        with db.transaction(self._engine) as conn:
            ledger.drops.mark_failed(conn, before, self._name, here, reason, wait, refused)
            now = ledger.drops.drop_state(conn, self._name, here)
            assert now
            stopped = now.refusals >= REFUSALS
            if not now.told and (stopped or isinstance(fault, WrongServer) or (refused is None and now.faults >= TOLD_AFTER)):
                kind = "drop_stopped" if stopped else "drop_fault"
                results.owe_notice(conn, kind, self._settings.admins, drop=self._name, fault=reason, refusals=REFUSALS)
                ledger.drops.mark_told(conn, self._name, here)

    def _was_well(self, before: DropState | None) -> None:
        if self._fault:
            log.info("drop_well_again", drop=self._name)
        self._fault = ""
        with db.transaction(self._engine) as conn:
            ledger.drops.mark_well(conn, self._name, queue.this_host())
            if before and before.told:
                results.owe_notice(conn, "drop_well", self._settings.admins, drop=self._name, fault=before.fault or "")

    def _credentials(self) -> str:
        """A fingerprint of what this drop is logged in to with; keyed, so that it says nothing to who sees only the database."""
        drop = self._settings.drops[self._name]
        said = [drop.model_dump_json()]
        for key in ("password_file", "key_file"):
            try:
                said.append(self._settings.secret(getattr(drop, key, None), f"{self._name}_password") or "")
            except SetupFault as error:
                said.append(str(error))
        with suppress(TryLater):
            said += self._drop.shown_keys()
        return hmac.digest(self._settings.link_keys[0].encode(), "\0".join(said).encode(), "sha256").hex()[:16]

"""People: who may come into the console, their logins, and what they did."""

from daemon.ledger.people.accounts import Account, account_named, accounts, add_account, end_account, is_anybody
from daemon.ledger.people.audit import Audited, audited, profile_acts, record_act
from daemon.ledger.people.sessions import Session, begin_session, end_session, had_form, live_session

__all__ = [
    "Account",
    "Audited",
    "Session",
    "account_named",
    "accounts",
    "add_account",
    "audited",
    "begin_session",
    "end_account",
    "end_session",
    "had_form",
    "is_anybody",
    "live_session",
    "profile_acts",
    "record_act",
]

"""What a signed link opens: one run, for the one it was made for."""

from typing import Literal

from starlette.requests import Request

from daemon import db, ledger
from daemon.model import ImportRun
from daemon.results import Links, Opened
from daemon.web.state import engine_of, settings_of

AT_CONSOLE = "console:"
"""How the recipient of a link begins that somebody at the console was given, before their name there."""


def opened_run(request: Request, what: Literal["rejects", "decision"]) -> tuple[ImportRun, Opened] | None:
    """The run that the address's token opens, and whom it was made for; None for a token that opens nothing of the kind, or was
    made for somebody at the console who may come in no more.
    """
    settings = settings_of(request)
    opened = Links.of(settings).opened(what, request.path_params["token"])
    if opened is None:
        return None
    with db.transaction(engine_of(request)) as conn:
        run = ledger.runs.run_by_id(conn, opened.run)
        who = opened.recipient.removeprefix(AT_CONSOLE)
        is_gone = who != opened.recipient and ledger.people.account_named(conn, who) is None
    return None if run is None or is_gone else (run, opened)

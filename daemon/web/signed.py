"""What a signed link opens: one run, for the one it was made for."""

from typing import Literal

from starlette.requests import Request

from daemon import db, ledger
from daemon.model import ImportRun
from daemon.results import Links, Opened
from daemon.settings import Settings


def opened_run(request: Request, what: Literal["rejects", "decision"]) -> tuple[ImportRun, Opened] | None:
    """The run that the address's token opens, and whom it was made for; None for a token that opens nothing of the kind."""
    settings: Settings = request.app.state.settings
    opened = Links.of(settings).opened(what, request.path_params["token"])
    if opened is None:
        return None
    with db.transaction(request.app.state.engine) as conn:
        run = ledger.runs.run_by_id(conn, opened.run)
    return None if run is None else (run, opened)

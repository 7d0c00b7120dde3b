"""One act on all import runs that match what is asked for: they are counted and shown first; what comes later is left alone."""

from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger
from daemon.ledger.people import Session
from daemon.ledger.runs import Wanted
from daemon.model import ImportRun
from daemon.web.auth import act_of_people, sight_of
from daemon.web.rendering import page
from daemon.web.runs import act_on, wanted_of
from daemon.web.state import engine_of
from daemon.web.tongue import words_of

_MOST = 1000
_SHOWN = 50


def on_all(request: Request, session: Session, form: FormData) -> Response:
    """Show which runs an act would be on; or, once that was seen, do it on those."""
    action, wanted = str(form.get("action", "")), wanted_of(form)
    if action not in ledger.runs.ACTS_ON_MANY:
        raise HTTPException(404)
    until = str(form.get("until", ""))
    with db.transaction(engine_of(request)) as conn:
        matching = _matching(conn, request, session, action, wanted, int(until) if until.isdecimal() else None)
    if not until.isdecimal() or not matching:
        content: dict[str, Any] = {"action": action, "wanted": wanted, "matching": matching[:_SHOWN], "count": len(matching)}
        return page("many.html", words_of(request, account=session.account), session=session, **content)
    done = sum(_done(request, session, run, action) for run in matching)
    return RedirectResponse(f"/runs?{urlencode(wanted.asked | {'done': done})}", 303)


def _matching(
    conn: Connection, request: Request, session: Session, action: str, wanted: Wanted, until: int | None
) -> list[ImportRun]:
    sight = sight_of(request, session.account)
    return ledger.runs.runs_for(conn, action, wanted, sight, until, _MOST)


def _done(request: Request, session: Session, run: ImportRun, action: str) -> bool:
    """Do it on one run, by itself: what befalls another one is nothing to it. Whether it was done."""
    with db.transaction(engine_of(request)) as conn:
        return not act_on(conn, request, session, run, action)


routes = [Route("/runs/all", act_of_people(on_all), methods=["POST"])]

"""One act on all import runs that match: they are counted and shown first, and it is done on those that were shown."""

from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger
from daemon.ledger.people import Session
from daemon.ledger.runs import Wanted
from daemon.web.auth import act_of_people, sight_of
from daemon.web.rendering import page
from daemon.web.runs import act_on, wanted_of
from daemon.web.state import engine_of
from daemon.web.tongue import words_of

_MOST = 200
"""So many are shown, and acted on, at once."""


def on_all(request: Request, session: Session, form: FormData) -> Response:
    """Show which runs an act would be on; or, once they were seen, do it on those."""
    action, wanted = str(form.get("action", "")), wanted_of(form)
    if action not in ledger.runs.ACTS_ON_MANY:
        raise HTTPException(404)
    shown = [str(each) for each in form.getlist("run")][:_MOST]
    if not shown:
        with db.transaction(engine_of(request)) as conn:
            matching = ledger.runs.runs_for(conn, action, wanted, sight_of(request, session.account), _MOST)
        content: dict[str, Any] = {"action": action, "wanted": wanted, "matching": matching, "count": len(matching)}
        return page("many.html", words_of(request, account=session.account), session=session, **content)
    done = sum(_done(request, session, action, wanted, *each.split(".", 1)) for each in shown if each.count(".") == 1)
    return RedirectResponse(f"/runs?{urlencode(wanted.asked | {'done': done})}", 303)


def _done(request: Request, session: Session, action: str, wanted: Wanted, number: str, attempt: str) -> bool:
    """Do it on one run, by itself, if it still is what was shown: the same attempt's outcome. Whether it was done."""
    if not number.isdecimal() or len(number) > 18:
        return False
    with db.transaction(engine_of(request)) as conn:
        ledger.runs.lock_run(conn, int(number))
        for run in ledger.runs.runs_for(conn, action, wanted, sight_of(request, session.account), 1, int(number)):
            return str(run.attempt) == attempt and not act_on(conn, request, session, run, action)[0]
    return False


routes = [Route("/runs/all", act_of_people(on_all), methods=["POST"])]

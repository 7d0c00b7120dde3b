"""The page on which somebody decides about a held run, opened by a signed link; only its buttons change anything."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from daemon import db, ledger
from daemon.importing import decisions
from daemon.model import ImportRun, State
from daemon.results import Links, Opened
from daemon.settings import Settings
from daemon.web.limits import LARGEST_FORM, limited
from daemon.web.rejects import nothing_here, templates
from daemon.web.signed import opened_run
from daemon.web.tongue import words_of


def page(request: Request) -> Response:
    """What a held run would do, and the choice."""
    opened = opened_run(request, "decision")
    return nothing_here(request) if opened is None else _shown(request, *opened, "")


async def decide(request: Request) -> Response:
    """Approve or decline; nothing of what is sent is looked at before the link is known for one of ours."""
    opened = await run_in_threadpool(opened_run, request, "decision")
    if opened is None:
        return nothing_here(request)
    bounded = Request(request.scope, limited(request.receive, LARGEST_FORM, "the form is too large"))
    async with bounded.form(max_files=0, max_fields=4) as form:
        choice = str(form.get("decision", ""))
    return await run_in_threadpool(_decided, request, *opened, choice)


def _decided(request: Request, run: ImportRun, link: Opened, choice: str) -> Response:
    if choice not in ("approve", "decline"):
        return nothing_here(request)
    with db.transaction(request.app.state.engine) as conn:
        if choice == "approve":
            done = decisions.approve(conn, run, link.recipient)
        else:
            done = decisions.decline(conn, request.app.state.settings, request.app.state.profiles, run, link.recipient)
        run = ledger.runs.run_by_id(conn, run.id) or run
    return _shown(request, run, link, {"approve": "approved", "decline": "declined"}[choice] if done else "")


def _shown(request: Request, run: ImportRun, link: Opened, done: str) -> Response:
    settings: Settings = request.app.state.settings
    with db.transaction(request.app.state.engine) as conn:
        rejected = ledger.runs.rejection_count(conn, run.id)
    content = {
        "words": (words := words_of(request, link)),
        "run": run,
        "done": done,
        "open": run.state is State.HELD and run.approved is None,
        "rejects": Links.of(settings).rejects(run.id, "", words.language, link.timezone) if rejected else "",
    }
    return HTMLResponse(templates.get_template("decision.html").render(content))


routes = [Route("/d/{token}", page, methods=["GET"]), Route("/d/{token}", decide, methods=["POST"])]

"""The page on which somebody decides about a held run, opened by a signed link; only its buttons change anything."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon import db, ledger
from daemon.importing import decisions
from daemon.model import ImportRun, State
from daemon.results import Links, Opened
from daemon.web.auth import ask, session_of, sight_of
from daemon.web.limits import LARGEST_FORM, bounded_form
from daemon.web.rendering import nothing_here
from daemon.web.rendering import page as render
from daemon.web.signed import opened_run
from daemon.web.state import engine_of, profiles_of, settings_of
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
    if await run_in_threadpool(_must_say_who, request, opened[0]):
        return await run_in_threadpool(ask, request)
    async with bounded_form(request, LARGEST_FORM) as form:
        choice = str(form.get("decision", ""))
    return await run_in_threadpool(_decided, request, *opened, choice)


def _must_say_who(request: Request, run: ImportRun) -> bool:
    """Whether a link is not enough to decide: there are users, and this is none of them who may see the run."""
    settings = settings_of(request)
    if settings.web.decide_by_link:
        return False
    session = session_of(request)
    with db.transaction(engine_of(request)) as conn:
        if session is None:
            return ledger.people.is_anybody(conn)
        return ledger.runs.seen_run(conn, run.id, sight_of(request, session.account)) is None


def _decided(request: Request, run: ImportRun, link: Opened, choice: str) -> Response:
    if choice not in ("approve", "decline"):
        return nothing_here(request)
    session = session_of(request)
    by = session.account.name if session else link.recipient
    with db.transaction(engine_of(request)) as conn:
        if choice == "approve":
            done = decisions.approve(conn, run, by)
        else:
            done = decisions.decline(conn, settings_of(request), profiles_of(request), run, by)
        if done:
            ledger.people.record_act(conn, by, choice, run=run.id)
        run = ledger.runs.run_by_id(conn, run.id) or run
    return _shown(request, run, link, {"approve": "approved", "decline": "declined"}[choice] if done else "")


def _shown(request: Request, run: ImportRun, link: Opened, done: str) -> Response:
    settings = settings_of(request)
    with db.transaction(engine_of(request)) as conn:
        rejected, touched = ledger.runs.rejection_count(conn, run), ledger.runs.held_changes(conn, run.id)
    content: dict[str, Any] = {
        "words": (words := words_of(request, link)),
        "run": run,
        "touched": touched,
        "done": done,
        "open": run.state is State.HELD and run.approved is None,
        "rejects": Links.of(settings).rejects(run.id, "", words.language, link.timezone) if rejected else "",
    }
    return render("decision.html", **content)


routes = [Route("/d/{token}", page, methods=["GET"]), Route("/d/{token}", decide, methods=["POST"])]

"""Live: a page about what is under way is told when that has changed (server-sent events), and fetches itself anew."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from daemon import db, ledger
from daemon.ledger.people import Session
from daemon.model import FINAL, State
from daemon.web.auth import for_people, session_of
from daemon.web.runs import run_asked
from daemon.web.smart import draft_asked
from daemon.web.state import engine_of

_SECONDS = 900
"""A browser that is still there after that asks again by itself."""
_FOLLOWED = threading.BoundedSemaphore(50)

Standing = Callable[[], tuple[str, bool]]
"""How something stands: what differs once it is another, and whether it goes on."""


def run_events(request: Request, session: Session) -> Response:
    """How a run goes on, until it does no longer."""

    def standing() -> tuple[str, bool]:
        if session_of(request) is None:
            return "", False
        with db.transaction(engine_of(request)) as conn:
            run = run_asked(conn, request, session)
            read = ledger.runs.rows_read(conn, run.id)
        return f"{run.state} {run.attempt} {read}", run.state not in FINAL and run.state is not State.HELD

    return _follow(request, standing)


def draft_events(request: Request, session: Session) -> Response:
    """Whether the dry run of a draft is done."""

    def standing() -> tuple[str, bool]:
        draft = draft_asked(request, session)
        tried = (draft.result or {}).get("version")
        return f"{tried}", tried != draft.version

    return _follow(request, standing)


def _follow(request: Request, standing: Standing) -> Response:
    standing()  # that it is there, and theirs, before anything is said
    return StreamingResponse(_news(request, standing), media_type="text/event-stream")


async def _news(request: Request, standing: Standing) -> AsyncIterator[str]:
    """An event whenever it stands otherwise; the last one when it goes on no longer."""
    if not _FOLLOWED.acquire(blocking=False):
        return  # the browser asks again in a moment
    try:
        last, goes_on = "", True
        for _ in range(_SECONDS):
            now, goes_on = await run_in_threadpool(standing)
            if now != last:
                yield f"data: {now}\n\n"
            if not goes_on or await request.is_disconnected():
                return
            last = now
            await asyncio.sleep(1)
    finally:
        _FOLLOWED.release()


routes = [
    Route("/runs/{id:int}/events", for_people(run_events)),
    Route("/drafts/{id:int}/{step}/events", for_people(draft_events)),
]

"""The web application: which page answers which address, and the headers every answer carries."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import uvicorn
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon import db
from daemon.errors import SetupFault, TryLater
from daemon.profiles import Profiles
from daemon.settings import Settings
from daemon.web import auth, correcting, decisions, live, looking, many, oidc, rejects, runs, smart, tonight, uploads, workbooks
from daemon.web.limits import LARGEST_HEADERS, BoundedConnection, Strangers, is_text
from daemon.web.rendering import POLICY, nothing_here, page
from daemon.web.tongue import words_of

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}
_SIGNED = ("/r/", "/d/")
"""How the addresses begin that a signed link opens."""
_TOLD = {400: "not_understood", 403: "another_login", 404: "nothing_there", 413: "too_much_sent", 503: "not_now"}
"""What a page that is none says, by its status."""
_MACHINES = ("/api/", "/healthz", "/readyz", "/metrics")
"""How those begin that no person reads."""


def create_app(engine: Engine, settings: Settings, profiles: Profiles, look: Callable[[str], None]) -> ASGIApp:
    """The application, on one database; `look` has a drop looked into soon."""
    app = Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", _ready),
            *rejects.routes,
            *decisions.routes,
            *uploads.routes,
            *auth.routes,
            oidc.mounted(settings),
            *tonight.routes,
            *runs.routes,
            *live.routes,
            *many.routes,
            *correcting.routes,
            *workbooks.routes,
            *smart.routes,
            *looking.routes,
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        exception_handlers={HTTPException: _not_served, TryLater: _unavailable},
    )
    app.state.engine = engine
    app.state.settings = settings
    app.state.profiles = profiles
    app.state.look = look
    app.state.tries = auth.Tries()
    return _SafeHeaders(app)


def _not_served(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api/"):
        return uploads.as_json(request, error)
    status = error.status_code if isinstance(error, HTTPException) and error.status_code != 405 else 404
    if status == 404 and request.url.path.startswith(_SIGNED):
        return nothing_here(request)
    session = auth.session_of(request)
    words = words_of(request, account=session.account if session else None)
    return page("answer.html", words, status=status, session=session, told=_TOLD.get(status, _TOLD[400]))


def _alive(request: Request) -> Response:
    return JSONResponse({"status": "alive"})


def _ready(request: Request) -> Response:
    with db.transaction(request.app.state.engine) as conn:
        conn.execute(text("SELECT FROM nightporter.import_run LIMIT 1"))
    return JSONResponse({"status": "ready"})


def _unavailable(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(_MACHINES):
        return JSONResponse({"status": "the database does not answer"}, 503, {"retry-after": "30"})
    return page("answer.html", words_of(request), status=503, told=_TOLD[503])


class _SafeHeaders:
    """Puts the security headers on every answer; and who is refused again and again, waits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._strangers = Strangers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                safe = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] += [each for each in safe if each[0] not in own]
                if _is_stranger(scope["path"], message["status"]) and await self._strangers.keep_waiting(scope):
                    message["status"] = 429
                    message["headers"].append((b"retry-after", b"60"))
            await send(message)

        if scope["type"] == "http" and not _is_address(scope["path"], scope["query_string"]):
            await PlainTextResponse("the address holds what is no text", 400)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _is_address(path: str, query: bytes) -> bool:
    """Whether an address is one that can be asked for; what is told to the API, that sees to itself."""
    return path.startswith("/api/") or is_text(unquote(f"{path}?{query.decode('latin-1')}"))


def _is_stranger(path: str, status: int) -> bool:
    """Whether an answer was a refusal to somebody who showed nothing of ours."""
    return status == 401 or (status == 404 and path.startswith(_SIGNED))


def serve(
    engine: Engine,
    settings: Settings,
    profiles: Profiles,
    look: Callable[[str], None],
    serving: Callable[[], None],
    stop: threading.Event,
) -> None:
    """Answer until `stop` is set; `serving` is called once it does.

    Raises SetupFault when its port cannot be taken.
    """
    host, _, port = settings.web.listen.rpartition(":")
    config = uvicorn.Config(
        create_app(engine, settings, profiles, look),
        http=BoundedConnection,
        ws="none",
        h11_max_incomplete_event_size=LARGEST_HEADERS,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
        lifespan="off",
    )
    try:
        listening = socket.create_server((host.strip("[]"), int(port)), family=_family(host), backlog=128)
    except OSError as error:
        raise SetupFault(f"no pages can be served on {settings.web.listen}: {error}; [web] listen names another port") from error
    server = _Server(config, serving)
    threading.Thread(target=_ending, args=(server, stop), daemon=True).start()
    with listening:
        server.run(sockets=[listening])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class _Server(uvicorn.Server):
    """One that says when it serves."""

    def __init__(self, config: uvicorn.Config, serving: Callable[[], None]) -> None:
        super().__init__(config)
        self._serving = serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._serving()


def _ending(server: uvicorn.Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True

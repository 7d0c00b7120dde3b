"""The web application: which page answers which address, and the headers every answer carries."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon import db
from daemon.errors import TryLater
from daemon.profiles import Profiles
from daemon.settings import Settings
from daemon.web import decisions, rejects, uploads

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}


def create_app(engine: Engine, settings: Settings, profiles: Profiles, look: Callable[[str], None]) -> ASGIApp:
    """The application, on one database; `look` has a drop looked into soon."""
    app = Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", _ready),
            *rejects.routes,
            *decisions.routes,
            *uploads.routes,
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        exception_handlers={HTTPException: _not_served, TryLater: _unavailable},
    )
    app.state.engine = engine
    app.state.settings = settings
    app.state.profiles = profiles
    app.state.look = look
    return _SafeHeaders(app)


def _not_served(request: Request, error: Exception) -> Response:
    api = request.url.path.startswith("/api/")
    return uploads.as_json(request, error) if api else rejects.nothing_here(request, error)


def _alive(request: Request) -> Response:
    return JSONResponse({"status": "alive"})


def _ready(request: Request) -> Response:
    with db.transaction(request.app.state.engine) as conn:
        conn.execute(text("SELECT FROM nightporter.import_run LIMIT 1"))
    return JSONResponse({"status": "ready"})


def _unavailable(request: Request, error: Exception) -> Response:
    return JSONResponse({"status": "the database does not answer"}, 503, {"retry-after": "30"})


class _SafeHeaders:
    """Puts the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Pages:
    """The web server, in a thread of its own, for uvicorn keeps no promise about signals in the main one."""

    def __init__(self, engine: Engine, settings: Settings, profiles: Profiles, look: Callable[[str], None]) -> None:
        host, _, port = settings.web.listen.rpartition(":")
        config = uvicorn.Config(
            create_app(engine, settings, profiles, look),
            host.strip("[]"),
            int(port),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="web")

    def start(self) -> None:
        """Begin to answer; returns when it does, or has failed to."""
        self._thread.start()
        while not self.listening and not self.failed:
            time.sleep(0.02)

    @property
    def listening(self) -> bool:
        """Whether it answers; False too when it could not take its port."""
        return self._server.started

    @property
    def failed(self) -> bool:
        """Whether it ended by itself."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Answer what was asked, and end."""
        self._server.should_exit = True
        self._thread.join()

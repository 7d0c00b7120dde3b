"""Login by a company's own provider (OpenID Connect): it says who somebody is, and the accounts here, what they may do."""

from typing import Any

from itsdangerous import Signer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from daemon import db, ledger
from daemon.log import get
from daemon.settings import Oidc, Settings
from daemon.web.auth import ask, let_in, own_path
from daemon.web.state import engine_of, settings_of

log = get(__name__)

_MINUTES = 10
"""Somebody has so long to log in at the provider."""


async def leave(request: Request) -> Response:
    """Go to the provider, to come back to what was asked for."""
    from httpx2 import HTTPError

    client, _ = _client(request)
    request.session["next"] = own_path(request.query_params.get("next", "/"))
    try:
        answer: Response = await client.authorize_redirect(request, f"{settings_of(request).web.public_url}/oidc/back")
    except (HTTPError, ValueError, RuntimeError) as error:
        log.warning("oidc_failed", why=str(error))
        return await run_in_threadpool(ask, request, "oidc_failed", 503)
    return answer


async def come_back(request: Request) -> Response:
    """Let in who comes back with the provider's word, if there is an account of that name.

    The word is taken only by the state, the nonce and the secret of the code (PKCE) that this browser left with, and signed.
    """
    from authlib.integrations.base_client import OAuthError
    from httpx2 import HTTPError
    from joserfc.errors import JoseError

    client, oidc = _client(request)
    try:
        told = (await client.authorize_access_token(request)).get("userinfo") or {}
    except (OAuthError, JoseError, HTTPError, ValueError, RuntimeError) as error:
        log.warning("oidc_failed", why=str(error))
        return await run_in_threadpool(ask, request, "oidc_failed", 401)
    name = str(told.get(oidc.claim, ""))
    if oidc.claim == "email" and told.get("email_verified") is not True:
        log.warning("oidc_failed", why="the provider does not vouch for the address", name=name)
        return await run_in_threadpool(ask, request, "oidc_failed", 401)
    return await run_in_threadpool(_known, request, name, str(request.session.pop("next", "/")))


def _known(request: Request, name: str, following: str) -> Response:
    with db.transaction(engine_of(request)) as conn:
        account = ledger.people.account_named(conn, name)
    answer = let_in(request, account, following) if account else None
    if answer is None:
        log.warning("login_refused", name=name, by="oidc")
        return ask(request, "oidc", 403, name)
    return answer


def _client(request: Request) -> tuple[Any, Oidc]:
    """What speaks with the provider. Raises HTTPException 404 where the settings name none."""
    from authlib.integrations.starlette_client import OAuth  # slow to import, and rarely asked for

    settings = settings_of(request)
    oidc = settings.web.oidc
    if oidc is None:
        raise HTTPException(404)
    client = OAuth().register(
        "provider",
        client_id=oidc.client_id,
        client_secret=settings.secret(oidc.client_secret_file, "OIDC_CLIENT_SECRET"),
        server_metadata_url=f"{oidc.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10},
    )
    return client, oidc


def mounted(settings: Settings) -> Mount:
    """The addresses; between leaving and coming back, a signed cookie keeps what the browser left with."""
    key = Signer(settings.link_keys[-1], salt="oidc").derive_key().hex()
    pages = Router([Route("/login", leave), Route("/back", come_back)])
    secure = settings.web.public_url.startswith("https:")
    session = SessionMiddleware(
        pages, secret_key=key, session_cookie="nightporter-oidc", max_age=_MINUTES * 60, path="/oidc", https_only=secure
    )
    return Mount("/oidc", session)

"""A login provider on loopback: OpenID Connect as far as a code flow goes, with what a test has it say."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.servers import free_port

CLIENT, SECRET = "nightporter", "the client's own secret"


class Provider:
    """Everybody who comes is the one whom `claims` tell of; what it signs, it signs with `signs_by`."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.claims: dict[str, object] = {"email": "ada@example.com", "email_verified": True}
        self.key = self.signs_by = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
        self._asked: dict[str, dict[str, str]] = {}

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/keys", lambda request: JSONResponse({"keys": [self.key.as_dict(private=False)]})),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
        ]

    def _metadata(self, request: Request) -> Response:
        named = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        told = {name: f"{self.issuer}/{path}" for name, path in named.items()}
        return JSONResponse({"issuer": self.issuer, **told, "id_token_signing_alg_values_supported": ["RS256"]})

    def _authorize(self, request: Request) -> Response:
        code = secrets.token_urlsafe()
        self._asked[code] = dict(request.query_params)
        asked = self._asked[code]
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self._asked.pop(str(form["code"]), None)
        proof = (
            base64.urlsafe_b64encode(hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()).decode().rstrip("=")
        )
        basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+').replace(chr(39), '%27')}".encode()).decode()
        known = request.headers.get("authorization", "") in (
            f"Basic {basic}",
            f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}",
        )
        if asked is None or not known or proof != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            **self.claims,
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, json.loads(json.dumps(told)), self.signs_by)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})


@contextmanager
def provider() -> Iterator[Provider]:
    """One that answers."""
    port = free_port()
    made = Provider(f"http://127.0.0.1:{port}")
    config = uvicorn.Config(Starlette(routes=made.routes()), host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield made
    server.should_exit = True
    thread.join()

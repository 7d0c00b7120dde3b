"""Who it is: the login, its session, and what keeps others from acting in somebody's name."""

import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger
from daemon.ledger.people import Account, Session
from daemon.ledger.runs import Sight
from daemon.log import get
from daemon.profiles import Profile
from daemon.web.limits import LARGEST_FORM, bounded_form
from daemon.web.rendering import page
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of

log = get(__name__)

COOKIE = "nightporter"
_TRIES, _OF_ADDRESS, _WHILE = 5, 50, 900.0
"""So many wrong passwords of one account, or from one address, behind which a whole company may be, in so many seconds."""
_REMEMBERED = 10_000
_hasher = PasswordHasher()
_HASHING = threading.BoundedSemaphore(2)
"""At once: each takes 64 MB and a processor."""
_NOBODYS = _hasher.hash("nobody's")
"""What a password is compared with where there is no such account: that takes as long."""

Page = Callable[[Request, Session], Response]
Act = Callable[[Request, Session, FormData], Response]


def hashed(password: str) -> str:
    """What is stored of a password: argon2id."""
    return _hasher.hash(password)


def session_of(request: Request) -> Session | None:
    """The login of a request, if there is one in force."""
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        return None
    with db.transaction(engine_of(request)) as conn:
        return ledger.people.live_session(conn, secret)


def sight_of(request: Request, account: Account) -> Sight:
    """Which runs somebody may see."""
    if account.is_admin:
        return Sight()
    return Sight(account.entities, [p.name for p in profiles_of(request) if may_see_profile(account, p)])


def may_see_profile(account: Account, profile: Profile) -> bool:
    """Whether all that a profile fills is known, and somebody's to see."""
    return all(account.may_see(section.fills) for section in profile.sections)


def for_people(shown: Page, *, admins: bool = False) -> Callable[[Request], Response]:
    """A page for those who are in, or for `admins` only; others are asked who they are."""

    @wraps(shown)
    def answer(request: Request) -> Response:
        session = session_of(request)
        if session is None:
            return ask(request)
        if admins and not session.account.is_admin:
            raise HTTPException(404)
        return shown(request, session)

    return answer


def act_of_people(act: Act, *, admins: bool = False, largest: int = LARGEST_FORM) -> Callable[[Request], Awaitable[Response]]:
    """What a form does, for those who are in, and whose form it is; its body is not read before that is known of them."""

    @wraps(act)
    async def answer(request: Request) -> Response:
        session = await run_in_threadpool(session_of, request)
        if session is None:
            return await run_in_threadpool(ask, request, "ended", 401)
        if admins and not session.account.is_admin:
            raise HTTPException(404)
        async with bounded_form(request, largest, files=1, fields=3000) as form:
            if not await run_in_threadpool(_is_theirs, request, session, str(form.get("form_token", ""))):
                raise HTTPException(403)
            return await run_in_threadpool(act, request, session, form)

    return answer


def _is_theirs(request: Request, session: Session, token: str) -> bool:
    """Whether a form is of somebody's login, or of one that they had before: it was open meanwhile."""
    if hmac.compare_digest(token.encode(), session.form_token.encode()):
        return True
    with db.transaction(engine_of(request)) as conn:
        return ledger.people.had_form(conn, session.account, token)


def ask(request: Request, fault: str = "", status: int = 200, name: str = "") -> Response:
    """The page that asks who it is; or how to make a first user, where there is none."""
    with db.transaction(engine_of(request)) as conn:
        anybody = ledger.people.is_anybody(conn)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_login = request.url.path == "/login"
    following = own_path(request.query_params.get("next", "") if is_login else wanted)
    if request.method == "GET" and not is_login and not fault:
        return RedirectResponse(f"/login?next={quote(following)}", 303)
    content: dict[str, Any] = {
        "anybody": anybody,
        "fault": fault,
        "name": name,
        "following": following,
        "oidc": settings_of(request).web.oidc,
    }
    return page("login.html", words_of(request), status=status, **content)


def own_path(path: str) -> str:
    """A path of ours to go on with, and nothing that leads elsewhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path else "/"


class Tries:
    """Passwords that were tried, by account and by address; those of an account are forgotten once it was right."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def too_many(self, *keys: str) -> bool:
        """Whether any of them has had too many."""
        since = time.monotonic() - _WHILE
        most = {key: _OF_ADDRESS if key.startswith("address ") else _TRIES for key in keys}
        return any(sum(when > since for when in self._wrong.get(key, [])) > most[key] for key in keys)

    def count(self, *keys: str) -> None:
        """One more of each."""
        for key in keys:
            self._wrong[key] = [*self._wrong.pop(key, [])[-_OF_ADDRESS:], time.monotonic()]
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def was_right(self, name: str, address: str) -> None:
        """It was them: nothing of the account is remembered, and of the address the others still are."""
        self._wrong.pop(name, None)
        self._wrong[address] = self._wrong.get(address, [])[:-1]


async def log_in(request: Request) -> Response:
    """Let somebody in who says who they are and proves it."""
    async with bounded_form(request, LARGEST_FORM) as form:
        name, password = str(form.get("name", ""))[:200], str(form.get("password", ""))[:1000]
        following = own_path(str(form.get("next", "/")))
    return await run_in_threadpool(_logged_in, request, name, password, following)


def _logged_in(request: Request, name: str, password: str, following: str) -> Response:
    keys = f"name {name}", f"address {request.client.host if request.client else ''}"
    tries: Tries = request.app.state.tries
    is_closed = tries.too_many(*keys)  # which further tries do not prolong
    if not is_closed:
        tries.count(*keys)  # before it is known, so that many at once are many
    if is_closed or tries.too_many(*keys):
        log.warning("login_throttled", name=name, address=keys[1])
        return ask(request, "throttled", 429)
    with db.transaction(engine_of(request)) as conn:
        account = ledger.people.account_named(conn, name)
    if not _is_right(account.password if account else _NOBODYS, password) or account is None:
        log.warning("login_refused", name=name, address=keys[1])
        return ask(request, "wrong", 401)
    tries.was_right(*keys)
    return let_in(request, account, following) or ask(request, "wrong", 401)


def let_in(request: Request, account: Account, following: str) -> Response | None:
    """Begin somebody's session; None where the account is no longer what it was."""
    with db.transaction(engine_of(request)) as conn:
        secret = ledger.people.begin_session(conn, account)
        if secret is None:  # another password was given meanwhile
            return None
        ledger.people.record_act(conn, account.name, "log in")
    answer = RedirectResponse(following, 303)
    secure = settings_of(request).web.public_url.startswith("https:")
    answer.set_cookie(COOKIE, secret, httponly=True, samesite="lax", secure=secure, path="/")
    return answer


def _is_right(known: str, password: str) -> bool:
    try:
        with _HASHING:
            return _hasher.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


def log_out(request: Request, session: Session, form: FormData) -> Response:
    """End the login."""
    with db.transaction(engine_of(request)) as conn:
        ledger.people.end_session(conn, request.cookies.get(COOKIE, ""))
        ledger.people.record_act(conn, session.account.name, "log out")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


routes = [
    Route("/login", ask, methods=["GET"]),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", act_of_people(log_out), methods=["POST"]),
]

"""The language of a page: the one that its reader chose on it, else the link's own, else the browser's."""

from starlette.requests import Request

from daemon.languages import LANGUAGES, nearest_language
from daemon.ledger.people import Account
from daemon.results import Opened
from daemon.words import Words


def words_of(request: Request, opened: Opened | None = None, account: Account | None = None) -> Words:
    """What there is to say, as the reader of a page understands it, by their clock."""
    chosen = request.query_params.get("language", "")
    given = (opened.language if opened else "") or (account.language if account else "")
    own = chosen if chosen in LANGUAGES else nearest_language(given) if given else _browsers(request)
    return Words(own, opened.timezone if opened else "UTC")


def _browsers(request: Request) -> str:
    asked = [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")[:20]]
    known = (nearest_language(tag) for tag in asked if tag and (tag[:2].casefold() == "en" or nearest_language(tag) != "en"))
    return next(known, "en")

"""Rendering: a template and what it shows, as an answer; the same head and foot on every page."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from daemon import results
from daemon.datasets import datasets
from daemon.languages import LANGUAGES
from daemon.ledger.people import Session
from daemon.model import shown
from daemon.web.tongue import words_of
from daemon.words import Words

POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""What a browser may do with a page (Content-Security-Policy): no scripts, and nothing from elsewhere."""
_FOLLOWING = {"content-security-policy": f"{POLICY}; script-src 'self'; connect-src 'self'"}
"""A page about what is under way has one script, a file of ours."""
_AGAIN_SECONDS = 3
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals |= {"languages": LANGUAGES, "datasets": datasets}
_templates.filters |= {
    "decimal": Decimal,
    "field_label": lambda name, words, dataset: words.field(dataset, name),
    "of_the_file": results.of_the_file,
    "of_the_ledger": results.of_the_ledger,
    "shown": shown,
}
_templates.tests["required_of"] = lambda name, dataset: dataset.fields[name].required


def page(
    template: str, words: Words, *, status: int = 200, session: Session | None = None, follow: str = "", **content: Any
) -> HTMLResponse:
    """A page in a reader's words; with a session it has the console's head, and its forms carry the session's token. One about
    what is under way says at which address events tell of it; a browser without scripts loads it again in a moment.
    """
    shows = {"words": words, "session": session, "form_token": session.form_token if session else "", **content}
    html = _templates.get_template(template).render(shows | {"follow": follow, "again": _AGAIN_SECONDS})
    return HTMLResponse(html, status, (_FOLLOWING if follow else {}) | ({"retry-after": "60"} if status == 503 else {}))


def nothing_here(request: Request) -> HTMLResponse:
    """The one answer to every signed link that opens nothing, whatever the reason."""
    return page("nothing.html", words_of(request), status=404)

"""A step of Smart Upload as a page: what is chosen so far, what the file says to it, and what is wrong with what was said."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from daemon.datasets import datasets
from daemon.errors import FileRefused
from daemon.importing import Choices, distinct_words, headers_of, profile_text, reasons_of, seen, understood, unread_values
from daemon.ledger.drafts import Draft
from daemon.ledger.people import Session
from daemon.mapping import asks_mode
from daemon.model import Change, Effect, Reason, ReasonCode, Tally, detail_of
from daemon.profiles import fitting
from daemon.toml import details_of
from daemon.web.choices import Fault, is_theirs, names_taken
from daemon.web.rendering import page
from daemon.web.state import engine_of, settings_of
from daemon.web.tongue import words_of
from daemon.words import Words

STEPS = ("shape", "columns", "words", "rules", "check")
_MOST_WORDS = 60
"""Of a column whose words are asked for."""


def fault_of(error: ValueError, words: Words) -> tuple[str, str]:
    """What is wrong with a form, and the name of its field."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        why = words.listed([words.mistake(detail) for detail in details_of(first)])
        return words("page.fault_value", value=str(first["input"])[:100], why=why), field
    return str(error), error.field if isinstance(error, Fault) else ""


def shown(request: Request, session: Session, draft: Draft, fault: str, field: str = "") -> Response:
    """A step as it stands, and what is wrong with what was just said of it, and where."""
    name, words = request.path_params["step"], words_of(request, account=session.account)
    choices, settings = Choices.of(draft), settings_of(request)
    content: dict[str, Any] = {
        "found": None,
        "counts": {},
        "known": {},
        "unread": {},
        "text": "",
        "fits": [],
        "taken": [],
        "against": [],
    }
    theirs = is_theirs(session.account, choices)
    try:
        content["found"] = seen(Path(draft.path), choices, settings.sandbox, engine_of(request))
        if name == "shape" and not choices.ready_made and not choices.edited:
            content["fits"] = fitting(content["found"].header, choices.dataset)
        if name == "rules" and session.account.is_admin:
            content["taken"] = names_taken(request, draft, choices)
        if name == "words":
            counts = distinct_words(Path(draft.path), choices, settings.sandbox)
            content["counts"] = {field: each.most_common(_MOST_WORDS) for field, each in counts.items()}
            unread = unread_values(Path(draft.path), choices, content["found"], settings.sandbox)
            content["known"] = {field: understood(choices.dataset, field, each) for field, each in counts.items()}
            content["unread"] = _with_words(unread, choices, set(counts))
        if name == "check":
            result = (draft.result or {}) if theirs else {}
            content |= _rehearsed(result, words)
            content["against"] = [(each["file"], _rehearsed(each, words)) for each in result.get("against", [])]
            content["text"] = profile_text(draft.file, choices, content["found"], words)
    except FileRefused as refused:
        fault = fault or words.refusal(refused.code, refused.detail)
    except ValidationError:
        pass  # which the fault tells
    dataset = datasets()[choices.dataset]
    return page(
        f"draft_{name}.html",
        words,
        status=422 if fault and request.method == "POST" else 200,
        session=session,
        draft=draft,
        choices=choices,
        dataset=dataset,
        steps=STEPS,
        step=name,
        fault=fault,
        at=field,
        headers_of=headers_of,
        reasons_of=reasons_of,
        asks_mode=asks_mode(dataset),
        waits=(waits := name == "check" and (draft.result or {}).get("version") != draft.version),
        follow=f"/drafts/{draft.id}/{name}/events" if waits else "",
        **content,
    )


def _with_words(unread: Mapping[str, Counter[str]], choices: Choices, told: set[str]) -> dict[str, list[tuple[str, int]]]:
    """The values that no field can have, and those that were given another meaning already, whose number is not told any more."""
    fields = [field for field in choices.columns if field not in told and (field in unread or field in choices.words)]
    known = {field: [(word, 0) for word in choices.words.get(field, {}) if word not in unread.get(field, {})] for field in fields}
    return {field: [*unread.get(field, Counter()).most_common(_MOST_WORDS), *known[field]] for field in fields}


def _rehearsed(result: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """What a dry run came to, to be shown."""
    told: dict[str, Any] = {"state": result.get("state", ""), "tally": None, "refusal": ""}
    told |= {"reasons": [], "effect": [], "changes": []}
    if "tally" in result:
        told["tally"] = Tally.of_json(result["tally"])
        told["changes"] = [Change(**each) for each in result["changes"]]
        told["reasons"] = [
            (Reason(**(each["reason"] | {"code": ReasonCode(each["reason"]["code"])})), each.get("values", 1), each["rows"])
            for each in result["rejections"]
        ]
    if "effect" in result:
        told["effect"] = words.effect(Effect.of_json(result["effect"]))
    if "code" in result:
        told["refusal"] = words.refusal(result["code"], detail_of(result["detail"]))
    if "fault" in result:
        told["refusal"] = words("page.fault_try_later", why=result["fault"])
    if "mistakes" in result:
        found = [f"{key}: {words.mistake(detail)}" for key, kept in result["mistakes"] if (detail := detail_of(kept))]
        told["refusal"] = "; ".join(found)
    return told

"""Smart Upload: a file, what it is, its shape, its columns, its words, its rules, a dry run; then it is imported, and saved as
the profile of every file that comes by that name. A step is a page and a form; any browser can take the draft up again.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger, queue, reading
from daemon.datasets import datasets
from daemon.errors import FileRefused, Refusal
from daemon.importing import Choices, as_profile, distinct_words, first_choices, profile_text, reasons_of, seen
from daemon.ledger.drafts import Draft
from daemon.ledger.people import Session
from daemon.mapping import asks_mode
from daemon.model import Change, Effect, Reason, ReasonCode, RemoteFile, Tally, detail_of
from daemon.profiles import fitting
from daemon.toml import ConfigInvalid
from daemon.web.auth import act_of_people, for_people, may_see_profile
from daemon.web.choices import MOST_WORDS, TAKERS, is_theirs, names_taken
from daemon.web.rendering import page
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of
from daemon.words import Words

LARGEST = 1 << 30
STEPS = ("shape", "columns", "words", "rules", "check")
_CHUNK = 1 << 20
_LONGEST_NAME = 200
_ASKED = (Refusal.ENCODING_UNKNOWN, Refusal.SHAPE_UNCLEAR, Refusal.SHEET_MISSING)
"""What a person can say of a file that is not clear by itself."""


def begin(request: Request, session: Session, fault: str = "") -> Response:
    """Choose a file and what it is; or go on with one that was begun. With what is wrong with the one just sent."""
    with db.transaction(engine_of(request)) as conn:
        drafts = ledger.drafts.drafts_of(conn, None if session.account.is_admin else session.account.name)
    words, status = words_of(request, account=session.account), 422 if fault else 200
    return page("upload.html", words, session=session, status=status, drafts=drafts, fault=fault)


def take(request: Request, session: Session, form: FormData) -> Response:
    """Keep a file and begin its draft."""
    sent, dataset = form.get("file"), str(form.get("dataset", ""))
    if not isinstance(sent, UploadFile) or not sent.filename or dataset not in datasets():
        return begin(request, session, words_of(request, account=session.account)("page.fault_no_file"))
    last = Path(sent.filename.replace("\\", "/")).name
    return begun(request, session, last, dataset, iter(lambda: sent.file.read(_CHUNK), b""))


def begun(request: Request, session: Session, last: str, dataset: str, chunks: Iterable[bytes]) -> Response:
    """Keep a file's bytes, and begin its draft with what is proposed for it."""
    printable = "".join(char for char in last if char.isprintable()).encode()[-_LONGEST_NAME:]
    name = printable.decode("utf-8", "ignore").lstrip(".") or "file"
    settings, words = settings_of(request), words_of(request, account=session.account)
    with db.transaction(engine_of(request)) as conn:
        draft = ledger.drafts.begin_draft(conn, name, queue.this_host(), session.account.name)
    folder = settings.drafts / str(draft)
    folder.mkdir(parents=True, mode=0o700)
    path = folder / name
    with path.open("xb") as out:
        out.writelines(chunks)
    choices = Choices(dataset)
    try:
        if reading.mark_of(path, settings.sandbox):
            raise FileRefused(Refusal.UNREADABLE, "plain", text=words("page.fault_marked"))
        choices = first_choices(name, dataset, seen(path, choices, settings.sandbox, engine_of(request)))
    except FileRefused as refused:
        choices = replace(choices, name="import")
        if refused.code not in _ASKED:
            shutil.rmtree(folder)
            return begin(request, session, words.refusal(refused.code, refused.detail))
    with db.transaction(engine_of(request)) as conn:
        ledger.drafts.choose(conn, draft, 1, asdict(choices), str(path))
        ledger.people.record_act(conn, session.account.name, "begin draft", draft=draft, file=name, dataset=dataset)
    return RedirectResponse(f"/drafts/{draft}/shape", 303)


def step(request: Request, session: Session) -> Response:
    """One step of a draft."""
    draft = draft_asked(request, session)
    if draft.run_id is not None:
        return RedirectResponse(f"/runs/{draft.run_id}", 303)
    return _shown(request, session, draft, "")


def chosen(request: Request, session: Session, form: FormData) -> Response:
    """Take the choices of a step, and go on to the next one; or say what is wrong with them."""
    draft, name = draft_asked(request, session), request.path_params["step"]
    words = words_of(request, account=session.account)
    if draft.run_id is not None:
        return RedirectResponse(f"/runs/{draft.run_id}", 303)
    if str(draft.version) != form.get("version"):
        return _shown(request, session, draft, words("page.fault_changed"))
    if name == "check":
        return _finish(request, session, draft, form)
    try:
        choices = TAKERS[name](request, session.account, draft, Choices.of(draft), form)
    except (ValidationError, ValueError) as error:
        return _shown(request, session, draft, str(error.errors()[0]["msg"] if isinstance(error, ValidationError) else error))
    except FileRefused as refused:
        return _shown(request, session, draft, words.refusal(refused.code, refused.detail))
    if name != "shape" and not is_theirs(session.account, choices):
        return _shown(request, session, draft, words("page.fault_entity"))
    with db.transaction(engine_of(request)) as conn:
        if not ledger.drafts.choose(conn, draft.id, draft.version, asdict(choices)):
            return RedirectResponse(f"/drafts/{draft.id}/{name}", 303)
        stays = "again" in form or "by_hand" in form or (name == "columns" and choices.missing)
        following = name if stays else STEPS[STEPS.index(name) + 1]
        if following == "check":
            queue.enqueue(conn, "rehearse_draft", draft.host, draft_id=draft.id)
    return RedirectResponse(f"/drafts/{draft.id}/{following}", 303)


def _shown(request: Request, session: Session, draft: Draft, fault: str) -> Response:
    """A step as it stands, and what is wrong with what was just said of it."""
    name, words = request.path_params["step"], words_of(request, account=session.account)
    choices, settings = Choices.of(draft), settings_of(request)
    content: dict[str, Any] = {"found": None, "fields": {}, "counts": {}, "text": "", "fits": [], "taken": [], "against": []}
    theirs = is_theirs(session.account, choices)
    try:
        content["found"] = seen(Path(draft.path), choices, settings.sandbox, engine_of(request))
        if name == "shape" and not choices.ready_made:
            content["fits"] = fitting(content["found"].header, choices.dataset)
        if name == "rules" and session.account.is_admin:
            content["taken"] = names_taken(request, draft, choices)
        if name == "words":
            content["counts"] = {
                field: counts.most_common(MOST_WORDS)
                for field, counts in distinct_words(Path(draft.path), choices, settings.sandbox).items()
            }
        if name == "check":
            result = (draft.result or {}) if theirs else {}
            content |= _rehearsed(result, words)
            content["against"] = [(each["file"], _rehearsed(each, words)) for each in result.get("against", [])]
            content["text"] = profile_text(draft.file, choices, content["found"], words)
    except FileRefused as refused:
        fault = fault or words.refusal(refused.code, refused.detail)
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
        reasons_of=reasons_of,
        asks_mode=asks_mode(dataset),
        waits=(waits := name == "check" and (draft.result or {}).get("version") != draft.version),
        follow=f"/drafts/{draft.id}/{name}/events" if waits else "",
        **content,
    )


def _rehearsed(result: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """What a dry run came to, to be shown."""
    told: dict[str, Any] = {"state": result.get("state", ""), "tally": None, "refusal": ""}
    told |= {"reasons": [], "effect": [], "changes": []}
    if "tally" in result:
        told["tally"] = Tally.of_json(result["tally"])
        told["changes"] = [Change(**each) for each in result["changes"]]
        told["reasons"] = [
            (Reason(**(each["reason"] | {"code": ReasonCode(each["reason"]["code"])})), each["rows"], each["amounts"])
            for each in result["rejections"]
        ]
    if "effect" in result:
        told["effect"] = words.effect(Effect.of_json(result["effect"]))
    if "code" in result:
        told["refusal"] = words.refusal(result["code"], detail_of(result["detail"]))
    if "fault" in result:
        told["refusal"] = result["fault"]
    return told


def _finish(request: Request, session: Session, draft: Draft, form: FormData) -> Response:
    """Save the profile, and import the file by it."""
    settings, choices, by = settings_of(request), Choices.of(draft), session.account.name
    words = words_of(request, account=session.account)
    path = settings.profiles / f"{choices.name}.toml"
    found = seen(Path(draft.path), choices, settings.sandbox, engine_of(request))
    text = profile_text(draft.file, choices, found, words)
    try:
        profile = as_profile(text, choices.name)
    except ConfigInvalid as error:
        return _shown(request, session, draft, "; ".join(f"{each.key}: {each.message}" for each in error.mistakes))
    if not may_see_profile(session.account, profile) or not is_theirs(session.account, choices):
        return _shown(request, session, draft, words("page.fault_entity"))
    settings.profiles.mkdir(parents=True, exist_ok=True)
    file = Path(draft.path)
    entry = RemoteFile(str(file), file.stat().st_size, file.stat().st_mtime_ns)
    try:
        with db.transaction(engine_of(request)) as conn:
            run = ledger.arrivals.record_inline(conn, entry, profiles_of(request).sections(file.name, profile))
            if not ledger.drafts.end_draft(conn, draft.id, draft.version, run):
                conn.rollback()
                return RedirectResponse(f"/drafts/{draft.id}/check", 303)
            with path.open("x", encoding="utf-8") as out:
                out.write(text)
            queue.enqueue(conn, "import_run", draft.host, run_id=run)
            ledger.people.record_act(conn, by, "import draft", draft=draft.id, run=run, profile=choices.name, after=text)
    except FileExistsError:
        return _shown(request, session, draft, words("page.fault_taken", name=choices.name))
    return RedirectResponse(f"/runs/{run}", 303)


def draft_asked(request: Request, session: Session) -> Draft:
    """The draft of an address, if it is theirs. Raises HTTPException 404."""
    if request.path_params["step"] not in STEPS:
        raise HTTPException(404)
    with db.transaction(engine_of(request)) as conn:
        draft = ledger.drafts.draft_by_id(conn, request.path_params["id"])
    if draft is None or not (session.account.is_admin or draft.made_by == session.account.name):
        raise HTTPException(404)
    if draft.run_id is None and not Path(draft.path).is_file():  # on another machine, or gone
        raise HTTPException(404)
    return draft


routes = [
    Route("/upload", for_people(begin), methods=["GET"]),
    Route("/upload", act_of_people(take, largest=LARGEST), methods=["POST"]),
    Route("/drafts/{id:int}/{step}", for_people(step), methods=["GET"]),
    Route("/drafts/{id:int}/{step}", act_of_people(chosen), methods=["POST"]),
]

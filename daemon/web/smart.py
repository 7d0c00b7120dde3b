"""Smart Upload: a file, what it is, its shape, its columns, its words, its rules, a dry run; then it is imported, and saved as
the profile of every file that comes by that name. A step is a page and a form; any browser can take the draft up again.
"""

import shutil
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger, queue, reading
from daemon.datasets import datasets
from daemon.errors import FileRefused, Refusal
from daemon.importing import Choices, as_it_comes, as_profile, first_choices, profile_text, rewrite, seen
from daemon.ledger.drafts import Draft
from daemon.ledger.people import Session
from daemon.model import RemoteFile
from daemon.toml import ConfigInvalid
from daemon.web.auth import act_of_people, for_people, may_see_profile
from daemon.web.choices import CHECKS, TAKERS, is_theirs, proposed_anew
from daemon.web.rendering import page
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.steps import STEPS, fault_of, shown
from daemon.web.tongue import words_of

LARGEST = 1 << 30
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


def begun(
    request: Request,
    session: Session,
    last: str,
    dataset: str,
    chunks: Iterable[bytes],
    edited: Choices | None = None,
    drop: str = "",
) -> Response:
    """Keep a file's bytes, and begin its draft with what is proposed for it, or with what the profile that is `edited` says; it
    may lie in a `drop`, and stays there.
    """
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
    own = session.account.entities
    choices = edited or Choices(dataset, entity=own[0] if len(own) == 1 and not session.account.is_admin else "", drop=drop)
    try:
        if reading.mark_of(path, settings.sandbox):
            raise FileRefused(Refusal.UNREADABLE, "plain", text=words("page.fault_marked"))
        if edited is None:
            choices = replace(choices, format=as_it_comes(dataset, path, settings.sandbox))
            found = seen(path, choices, settings.sandbox, engine_of(request))
            proposed = first_choices(name, dataset, found)
            choices = replace(proposed, format=choices.format, entity=choices.entity, drop=drop)
    except FileRefused as refused:
        choices = edited or replace(choices, name="import")
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
    if request.path_params["step"] == "check" and draft.version not in (
        (draft.result or {}).get(at) for at in ("version", "asked")
    ):
        with db.transaction(engine_of(request)) as conn:
            ledger.drafts.record_result(conn, draft.id, {"asked": draft.version})
            queue.enqueue(conn, "rehearse_draft", draft.host, draft_id=draft.id)
    return shown(request, session, draft, "")


def chosen(request: Request, session: Session, form: FormData) -> Response:
    """Take the choices of a step, and go on to the next one; or say what is wrong with them."""
    draft, name = draft_asked(request, session), request.path_params["step"]
    words = words_of(request, account=session.account)
    if draft.run_id is not None:
        return RedirectResponse(f"/runs/{draft.run_id}", 303)
    if str(draft.version) != form.get("version"):
        return shown(request, session, draft, words("page.fault_changed"))
    if name == "check":
        return _finish(request, session, draft, form)
    choices = Choices.of(draft)
    try:
        choices = TAKERS[name](request, session.account, draft, choices, form)
        CHECKS[name](request, session.account, draft, choices)
        if name == "shape":
            choices = proposed_anew(request, draft, choices)
    except (ValidationError, ValueError) as error:
        return shown(request, session, replace(draft, choices=asdict(choices)), *fault_of(error, words))
    except FileRefused as refused:
        return shown(request, session, replace(draft, choices=asdict(choices)), words.refusal(refused.code, refused.detail))
    if name != "shape" and not is_theirs(session.account, choices):
        return shown(request, session, draft, words("page.fault_entity"))
    with db.transaction(engine_of(request)) as conn:
        if not ledger.drafts.choose(conn, draft.id, draft.version, asdict(choices)):
            return RedirectResponse(f"/drafts/{draft.id}/{name}", 303)
    if name == "columns" and choices.missing and "again" not in form:
        named = words.listed([words.field(choices.dataset, field) for field in choices.missing])
        kept = replace(draft, choices=asdict(choices), version=draft.version + 1)
        return shown(request, session, kept, words("console.missing", fields=named), f"value_{choices.missing[0]}")
    following = name if "again" in form or "by_hand" in form else STEPS[STEPS.index(name) + 1]
    return RedirectResponse(f"/drafts/{draft.id}/{following}", 303)


def _finish(request: Request, session: Session, draft: Draft, form: FormData) -> Response:
    """Save the profile, and import the file by it."""
    settings, choices, by = settings_of(request), Choices.of(draft), session.account.name
    words = words_of(request, account=session.account)
    path = settings.profiles / f"{choices.name}.toml"
    found = seen(Path(draft.path), choices, settings.sandbox, engine_of(request))
    try:
        text = profile_text(draft.file, choices, found, words)
        profile = as_profile(text, choices.name)
    except ConfigInvalid as error:
        return shown(request, session, draft, "; ".join(words.mistakes(error.mistakes)))
    if not may_see_profile(session.account, profile) or not is_theirs(session.account, choices):
        return shown(request, session, draft, words("page.fault_entity"))
    try:
        for check in CHECKS.values():
            check(request, session.account, draft, choices)
    except ValueError as error:
        return shown(request, session, draft, fault_of(error, words)[0])
    if choices.edited:
        return _save(request, session, draft, path, text)
    settings.profiles.mkdir(parents=True, exist_ok=True)
    if choices.drop:
        return _leave_to_drop(request, session, draft, path, text)
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
        return shown(request, session, draft, words("page.fault_taken", name=choices.name))
    return RedirectResponse(f"/runs/{run}", 303)


def _leave_to_drop(request: Request, session: Session, draft: Draft, path: Path, text: str) -> Response:
    """Save the profile of a file that lies in a drop, which is fetched by it from there, and once only."""
    choices, words = Choices.of(draft), words_of(request, account=session.account)
    try:
        with db.transaction(engine_of(request)) as conn:
            if not ledger.drafts.drop_draft(conn, draft.id, draft.version):
                return RedirectResponse(f"/drafts/{draft.id}/check", 303)
            with path.open("x", encoding="utf-8") as out:
                out.write(text)
            ledger.people.record_act(conn, session.account.name, "write profile", name=choices.name, before="", after=text)
    except FileExistsError:
        return shown(request, session, draft, words("page.fault_taken", name=choices.name))
    shutil.rmtree(Path(draft.path).parent, ignore_errors=True)
    request.app.state.look(choices.drop)
    return RedirectResponse(f"/runs?profile={quote(choices.name)}", 303)


def _save(request: Request, session: Session, draft: Draft, path: Path, text: str) -> Response:
    """Write the edited profile, if it is still what it was when its draft was begun, and end the draft."""
    choices, words = Choices.of(draft), words_of(request, account=session.account)
    if not path.is_file() or path.read_text(encoding="utf-8") != choices.edited:
        return shown(request, session, draft, words("page.fault_written"))
    try:
        with db.transaction(engine_of(request)) as conn:
            if not ledger.drafts.drop_draft(conn, draft.id, draft.version):
                return RedirectResponse(f"/drafts/{draft.id}/check", 303)
            rewrite(conn, path, text, session.account.name)
    except ConfigInvalid as error:
        return shown(request, session, draft, "; ".join(words.mistakes(error.mistakes)))
    shutil.rmtree(Path(draft.path).parent, ignore_errors=True)
    return RedirectResponse(
        f"/profiles/{choices.name}" if session.account.is_admin else "/runs?profile=" + quote(choices.name), 303
    )


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

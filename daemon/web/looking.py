"""What there is to look at: customers and what they owe, drops and their health, profiles, what was done, who may come in."""

import difflib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger, loading, queue
from daemon.archive import digest
from daemon.datasets import datasets
from daemon.drops import open_drop
from daemon.errors import Vanished
from daemon.importing import DISK, as_profile, rewrite
from daemon.ledger.people import Audited, Session
from daemon.model import basename
from daemon.settings import FILE
from daemon.toml import ConfigInvalid
from daemon.web import smart
from daemon.web.auth import act_of_people, for_people
from daemon.web.rendering import page
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of

_FOUND = 50
_AUDITED = 200
_VERSIONS = 50


def customers(request: Request, session: Session) -> Response:
    """Customers by their code or name; and those that rows wait for."""
    words, account = request.query_params.get("q", "").strip()[:100], session.account
    entities, content = None if account.is_admin else account.entities, dict[str, Any](found=[], waiting=[])
    if words:
        with db.transaction(engine_of(request)) as conn:
            content["found"] = loading.find_customers(conn, words, entities, _FOUND)
            content["waiting"] = loading.find_waiting(conn, words, entities, _FOUND)
    return page("customers.html", words_of(request, account=account), session=session, asked=words, **content)


def customer(request: Request, session: Session) -> Response:
    """One customer: balances, ages, items."""
    entity, code, account = request.query_params.get("entity", ""), request.query_params.get("code", ""), session.account
    if not account.may_see([entity]):
        raise HTTPException(404)
    with db.transaction(engine_of(request)) as conn:
        card = loading.customer_card(conn, entity, code, None if account.is_admin else account.entities)
    if card is None:
        raise HTTPException(404)
    return page("customer.html", words_of(request, account=account), session=session, card=card)


def drops(request: Request, session: Session) -> Response:
    """The drops: what is wrong, when they were looked into, which of their files nobody claims."""
    settings = settings_of(request)
    with db.transaction(engine_of(request)) as conn:
        told = [
            (
                name,
                drop,
                ledger.drops.drop_state(conn, name, queue.this_host()),
                sorted(ledger.drops.unmatched_files(conn, name), key=lambda file: file.name),
            )
            for name, drop in settings.drops.items()
        ]
    return page("drops.html", words_of(request, account=session.account), session=session, drops=told)


def look_now(request: Request, session: Session, form: FormData) -> Response:
    """Have a drop looked into."""
    name = request.path_params["name"]
    if name not in settings_of(request).drops:
        raise HTTPException(404)
    request.app.state.look(name)
    with db.transaction(engine_of(request)) as conn:
        ledger.people.record_act(conn, session.account.name, "look now", drop=name)
    return RedirectResponse("/drops", 303)


def draft_from(request: Request, session: Session, form: FormData) -> Response:
    """Begin a draft with a file that lies in a drop unclaimed: it stays there, and its profile takes it once that is saved."""
    name, wanted, dataset = request.path_params["name"], str(form.get("file", "")), str(form.get("dataset", ""))
    settings = settings_of(request)
    with db.transaction(engine_of(request)) as conn:
        file = next((each for each in ledger.drops.unmatched_files(conn, name) if each.name == wanted), None)
    if file is None or name not in settings.drops or dataset not in datasets():
        raise HTTPException(404)
    try:
        with open_drop(name, settings.drops[name], settings) as drop, drop.read(file) as chunks:
            return smart.begun(request, session, basename(file.name), dataset, chunks, drop=name)
    except Vanished:
        return RedirectResponse("/drops", 303)


def profiles(request: Request, session: Session) -> Response:
    """The profiles in force, and what is wrong with those that are not."""
    known, words = profiles_of(request), words_of(request, account=session.account)
    mistakes = [f"{each.file.name} {words.mistakes([each])[0]}" for each in known.mistakes]
    return page("profiles.html", words, session=session, profiles=list(known), mistakes=mistakes)


def profile(request: Request, session: Session) -> Response:
    """A profile as it is written."""
    return _written(request, session, _file(request).read_text(encoding="utf-8", errors="replace"), [])


def write_profile(request: Request, session: Session, form: FormData) -> Response:
    """Write a profile anew, if it says what it must, and is still the one that was shown; else show what is wrong, and where."""
    file, text = _file(request), str(form.get("text", "")).replace("\r\n", "\n")
    if form.get("stood") != digest([file.read_bytes()]):
        return _written(request, session, text, [words_of(request, account=session.account)("page.fault_written")])
    try:
        as_profile(text, file.stem)
        with db.transaction(engine_of(request)) as conn:
            rewrite(conn, file, text, session.account.name)
    except ConfigInvalid as error:
        return _written(request, session, text, words_of(request, account=session.account).mistakes(error.mistakes))
    return RedirectResponse(f"/profiles/{file.stem}", 303)


def _file(request: Request) -> Path:
    """The file of the profile of an address. Raises HTTPException 404."""
    name = request.path_params["name"]
    files = {path.stem: path for path in settings_of(request).profiles.glob("*.toml")}
    if name not in files:
        raise HTTPException(404)
    return files[name]


def _written(request: Request, session: Session, text: str, faults: list[str]) -> Response:
    words, name = words_of(request, account=session.account), request.path_params["name"]
    with db.transaction(engine_of(request)) as conn:
        acts = ledger.people.profile_acts(conn, name, _VERSIONS)
        latest = ledger.runs.latest_kept(conn, name, queue.this_host())
    file = _file(request)
    versions = [(at, words("console.on_disk") if by == DISK else by, change) for at, by, change in _versions(file, acts)]
    content = {"name": name, "text": text, "faults": faults, "versions": versions, "stood": digest([file.read_bytes()])}
    content["latest"] = latest
    return page("profile.html", words, session=session, status=422 if faults else 200, **content)


def _versions(file: Path, acts: list[Audited]) -> list[tuple[datetime, str, str]]:
    """When a profile was written, by whom, and what changed, the latest first; what was written past the console, too."""
    written = [(act.at, act.by, _difference(act.about.get("before", ""), act.about.get("after", ""))) for act in acts]
    now, last = file.read_text(encoding="utf-8", errors="replace"), acts[0].about.get("after", "") if acts else ""
    if last and now != last:
        at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        written.insert(0, (at, DISK, _difference(last, now)))
    return written


def _difference(before: str, after: str) -> str:
    """The lines that went and came, with two around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return "\n".join(list(lines)[2:])


def settings_page(request: Request, session: Session) -> Response:
    """The settings as they are written; they hold no secret."""
    file = settings_of(request).home / FILE
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return page("settings.html", words_of(request, account=session.account), session=session, text=text)


def audit(request: Request, session: Session) -> Response:
    """What was done, and who may come in."""
    with db.transaction(engine_of(request)) as conn:
        acts, people = ledger.people.audited(conn, _AUDITED), ledger.people.accounts(conn)
    return page("audit.html", words_of(request, account=session.account), session=session, acts=acts, people=people)


routes = [
    Route("/customers", for_people(customers)),
    Route("/customer", for_people(customer)),
    Route("/drops", for_people(drops, admins=True)),
    Route("/drops/{name}", act_of_people(look_now, admins=True), methods=["POST"]),
    Route("/drops/{name}/draft", act_of_people(draft_from, admins=True), methods=["POST"]),
    Route("/settings", for_people(settings_page, admins=True)),
    Route("/profiles", for_people(profiles, admins=True)),
    Route("/profiles/{name}", for_people(profile, admins=True), methods=["GET"]),
    Route("/profiles/{name}", act_of_people(write_profile, admins=True, largest=1 << 20), methods=["POST"]),
    Route("/audit", for_people(audit, admins=True)),
]

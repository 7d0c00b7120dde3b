"""The import runs: listed as asked for, and each with everything about it and what may be done with it."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from daemon import db, ledger, loading, queue, results
from daemon.datasets import datasets
from daemon.errors import Detail
from daemon.importing import choices_of, decisions
from daemon.ledger.people import Session
from daemon.ledger.runs import Wanted
from daemon.model import FINAL, ImportRun, State, basename
from daemon.reading import open_bytes
from daemon.results import Links
from daemon.web import smart
from daemon.web.auth import act_of_people, for_people, may_see_profile, sight_of
from daemon.web.rendering import page
from daemon.web.signed import AT_CONSOLE
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of
from daemon.words import Words

_PER_PAGE = 50
_CHANGES = 50
_CHUNK = 1 << 20
_VALUES = 300


def listed(request: Request, session: Session) -> Response:
    """The runs that are asked for, the newest first; the address says which, so that it can be kept and sent on."""
    asked = request.query_params
    wanted, sight = wanted_of(asked), sight_of(request, session.account)
    before = int(asked["before"]) if asked.get("before", "").isdecimal() and len(asked["before"]) < 18 else None
    with db.transaction(engine_of(request)) as conn:
        runs = ledger.runs.runs_before(conn, wanted, sight, before, _PER_PAGE + 1)
        counts = ledger.runs.counts_for(conn, wanted, sight) if wanted.asked else {}
    more = urlencode(wanted.asked | {"before": runs[_PER_PAGE - 1].id}) if len(runs) > _PER_PAGE else ""
    return page(
        "runs.html",
        words_of(request, account=session.account),
        session=session,
        runs=runs[:_PER_PAGE],
        wanted=wanted,
        more=more,
        counts={action: count for action, count in counts.items() if count},
        done=int(asked["done"]) if asked.get("done", "").isdecimal() else None,
        states=list(State),
        profiles=sorted(p.name for p in profiles_of(request) if may_see_profile(session.account, p)),
    )


def wanted_of(asked: Mapping[str, Any]) -> Wanted:
    """Which runs an address, or a form, asks for."""
    state, profile, file = (str(asked.get(name, ""))[:200] for name in ("state", "profile", "file"))
    return Wanted(state if state in {*State} else "", profile, file, asked.get("problems") == "1")


def shown(request: Request, session: Session) -> Response:
    """Everything about one run."""
    with db.transaction(engine_of(request)) as conn:
        run = run_asked(conn, request, session)
        content: dict[str, Any] = {
            "mails": results.mails_of(conn, run.id),
            "changes": loading.changes(conn, run.id, run.dataset, _CHANGES) if run.state is State.IMPORTED else [],
            "rows_read": ledger.runs.rows_read(conn, run.id),
            "touched": ledger.runs.held_changes(conn, run.id),
            "reasons": ledger.runs.by_reason(conn, run.id, 20),
            "rejected": ledger.runs.rejection_count(conn, run),
            "corrections": ledger.runs.corrections_of(conn, run),
            "siblings": [
                each
                for each in ledger.runs.siblings(conn, run)
                if each.id != run.id and ledger.runs.seen_run(conn, each.id, sight_of(request, session.account))
            ],
        }
    words = words_of(request, account=session.account)
    return page(
        "run.html",
        words,
        session=session,
        run=run,
        rejects=rejects_of(request, session, run, words),
        under_way=(under_way := run.state not in FINAL and run.state is not State.HELD),
        follow=f"/runs/{run.id}/events" if under_way else "",
        editable=editable(request, session, run),
        obstacles=[],
        **content,
    )


def act(request: Request, session: Session, form: FormData) -> Response:
    """Approve, decline, undo or retry a run."""
    with db.transaction(engine_of(request)) as conn:
        run = run_asked(conn, request, session)
        obstacles, made = act_on(conn, request, session, run, str(form.get("action", "")))
    if obstacles:
        words = words_of(request, account=session.account)
        return page("obstacles.html", words, session=session, run=run, obstacles=obstacles, status=409)
    return RedirectResponse(f"/runs/{made}", 303)


def act_on(conn: Connection, request: Request, session: Session, run: ImportRun, action: str) -> tuple[list[Detail], int]:
    """Do to a run what somebody asks for, which the audit keeps, its corrections undone with it; returns what stands in the way
    of it, and the run to look at then: a new one, where it is tried again.

    Raises HTTPException 404 when nothing of the kind can be done.
    """
    settings, profiles, by, done = settings_of(request), profiles_of(request), session.account.name, True
    made = run.id
    match action:
        case "approve":
            done = decisions.approve(conn, run, by)
        case "decline":
            done = decisions.decline(conn, settings, profiles, run, by)
        case "undo":
            if obstacles := decisions.undo(conn, settings, profiles, run, by, with_corrections=True).obstacles:
                return obstacles, run.id
        case "retry" if run.archive and run.state in FINAL:
            made = ledger.runs.retry_run(conn, run)
            queue.enqueue(conn, "import_run", run.archive_host, run_id=made)
        case _:
            raise HTTPException(404)
    after = ledger.runs.run_by_id(conn, run.id) or run
    if done:
        ledger.people.record_act(conn, by, action, run=run.id, before=run.state, after=after.state)
    return [], made


def rejects_of(request: Request, session: Session, run: ImportRun, words: Words) -> str:
    """The address of the page of a run's rejected rows."""
    link = Links.of(settings_of(request)).rejects(run.id, AT_CONSOLE + session.account.name, words.language)
    return link.removeprefix(settings_of(request).web.public_url)


def run_asked(conn: Connection, request: Request, session: Session) -> ImportRun:
    """The run of an address, if whoever asks may see it. Raises HTTPException 404."""
    run = ledger.runs.seen_run(conn, request.path_params["id"], sight_of(request, session.account))
    if run is None:
        raise HTTPException(404)
    return run


def _kept(request: Request, session: Session) -> ImportRun:
    """The run of an address, if all of its file may be seen, and the archive has it. Raises HTTPException 404."""
    with db.transaction(engine_of(request)) as conn:
        run, sight = run_asked(conn, request, session), sight_of(request, session.account)
        whole = all(ledger.runs.seen_run(conn, each.id, sight) for each in ledger.runs.siblings(conn, run))
    if run.archive is None or not run.archive_path.is_file() or not whole:  # another member's rows may be kept from them
        raise HTTPException(404)
    return run


def draft_from(request: Request, session: Session, form: FormData) -> Response:
    """Begin a draft with the file of a run: of a new profile, or of the run's own, to be edited."""
    run, edited = _kept(request, session), None
    if "edit" in form:
        if not editable(request, session, run):
            raise HTTPException(404)
        file = settings_of(request).profiles / f"{run.profile}.toml"
        edited = choices_of(file.read_text(encoding="utf-8"), run.profile)
    dataset = edited.dataset if edited else run.dataset or next(iter(datasets()))
    return smart.begun(request, session, basename(run.name), dataset, _chunks(run), edited=edited)


def editable(request: Request, session: Session, run: ImportRun) -> bool:
    """Whether a run's profile is saved, in order, and somebody's to edit."""
    known = profiles_of(request)
    profile = known.saved(run.profile)
    broken = {mistake.file.stem for mistake in known.mistakes}
    file = settings_of(request).profiles / f"{run.profile}.toml"
    return profile is not None and run.profile not in broken and file.is_file() and may_see_profile(session.account, profile)


def original(request: Request, session: Session) -> Response:
    """The file as it came."""
    run = _kept(request, session)
    name = run.title.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_chunks(run), media_type="application/octet-stream", headers=headers)


def _chunks(run: ImportRun) -> Iterator[bytes]:
    with open_bytes(run.archive_path) as content:
        while chunk := content.read(_CHUNK):
            yield chunk


routes = [
    Route("/runs", for_people(listed)),
    Route("/runs/{id:int}", for_people(shown), methods=["GET"]),
    Route("/runs/{id:int}", act_of_people(act), methods=["POST"]),
    Route("/runs/{id:int}/original", for_people(original)),
    Route("/runs/{id:int}/draft", act_of_people(draft_from), methods=["POST"]),
]

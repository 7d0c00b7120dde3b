"""Rejected rows put right in the console: a value for all its rows, a cell, or the workbook sent back; they go in again."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon import db, ledger
from daemon.errors import Detail
from daemon.importing import as_sent, bring_back, correct, rememberable, remembered, rewrite
from daemon.ledger.people import Session
from daemon.model import ImportRun, Rejection
from daemon.toml import ConfigInvalid, Mistake
from daemon.web.auth import act_of_people, for_people, may_see_profile
from daemon.web.rendering import page
from daemon.web.runs import rejects_of, run_asked
from daemon.web.state import engine_of, profiles_of, settings_of
from daemon.web.tongue import words_of

_BREAKS = re.compile("[\r\n]")
_VALUES = 300
_ROWS = 50
_LARGEST_CORRECTION = 1 << 20
_LARGEST = 64 << 20


def rejected(request: Request, session: Session) -> Response:
    """The values that a run's rows were rejected for, each to be put right for all its rows at once."""
    return _values(request, session, [])


def _values(request: Request, session: Session, faults: list[str]) -> Response:
    with db.transaction(engine_of(request)) as conn:
        run = run_asked(conn, request, session)
        values = ledger.runs.faulty_values(conn, run.id, _VALUES)
        rows = ledger.runs.dearest(conn, run.id, _ROWS)
        count = ledger.runs.rejection_count(conn, run)
    words = words_of(request, account=session.account)
    content: dict[str, Any] = {"run": run, "values": values, "rows": rows, "rejected": count, "faults": faults}
    content |= {"rejects": rejects_of(request, session, run, words), "remembers": _remembers(request, session, run)}
    return page("correct.html", words, session=session, status=422 if faults else 200, **content)


def _remembers(request: Request, session: Session, run: ImportRun) -> dict[str, str]:
    """The columns whose words can be remembered, each with its field: where the profile is saved, and theirs to save."""
    profile = profiles_of(request).saved(run.profile)
    if profile is None or not _file(request, run).exists() or not may_see_profile(session.account, profile):
        return {}
    return next((rememberable(section) for section in profile.sections if section.dataset == run.dataset), {})


def _file(request: Request, run: ImportRun) -> Path:
    return settings_of(request).profiles / f"{run.profile}.toml"


def _learned(
    conn: Connection, request: Request, session: Session, run: ImportRun, wished: list[tuple[str, str, str]]
) -> str | None:
    """The text of the run's profile once it knows what words mean; None where nothing is to be learned.

    Raises ConfigInvalid when they cannot mean that, or the profile has no place for it any more.
    """
    remembers, meanings = _remembers(request, session, run), dict[str, dict[str, str]]()
    standing = {(column, as_sent(value)): value for column, value, *_ in ledger.runs.faulty_values(conn, run.id, _VALUES)}
    for column, stands, text in wished:
        if column not in remembers:
            raise ConfigInvalid([Mistake(_file(request, run), None, column, Detail.of("not_rememberable"))])
        if text and (column, stands) in standing:
            meanings.setdefault(remembers[column], {})[standing[column, stands]] = text
    return remembered(_file(request, run), run.dataset, meanings) if meanings else None


def put_right(request: Request, session: Session, form: FormData) -> Response:
    """Import the rows again in which a value was given another one, or a cell."""
    settings, profiles = settings_of(request), profiles_of(request)
    told = zip(form.getlist("column"), form.getlist("stands"), form.getlist("instead"), strict=False)
    said = [(str(column), as_sent(str(stands)), str(text).strip()) for column, stands, text in told]
    values = {(column, stands): text for column, stands, text in said if text}
    wished = {str(place) for place in form.getlist("remember")}
    try:
        with db.transaction(engine_of(request)) as conn:
            run = _theirs(conn, request, session)
            cells = _cells(ledger.runs.dearest(conn, run.id, _ROWS), len(run.header or []), form)
            text = _learned(conn, request, session, run, [each for place, each in enumerate(said) if str(place) in wished])
            made = correct(conn, settings, profiles, run, values, cells) if values or cells else None
            if made is None:
                return RedirectResponse(f"/runs/{run.id}/rejected", 303)
            if text is not None:
                rewrite(conn, _file(request, run), text, session.account.name)
            changed = [f"{column}: {old} → {new}" for (column, old), new in values.items()]
            changed += [f"{(run.header or [])[place]} ({line}): {new}" for (line, place), new in cells.items()]
            ledger.people.record_act(conn, session.account.name, "correct", run=run.id, made=made, values=changed)
    except ConfigInvalid as error:
        return _values(request, session, words_of(request, account=session.account).mistakes(error.mistakes))
    return RedirectResponse(f"/runs/{made}", 303)


def _cells(rows: Iterable[Rejection], columns: int, form: FormData) -> dict[tuple[int, int], str]:
    """The cells, by line and place, that are no longer what they were."""
    found = {}
    for row in rows:
        for place, stands in enumerate(row.cells[:columns]):
            text = form.get(f"cell_{row.line}_{place}")
            unsaid = (None, as_sent(stands), _BREAKS.sub("", stands).strip())  # a browser's field has no line breaks
            if (said := None if text is None else as_sent(str(text))) not in unsaid and said is not None:
                found[row.line, place] = said
    return found


def send_back(request: Request, session: Session, form: FormData) -> Response:
    """Import the rows again that the workbook of them brings."""
    sent, made = form.get("file"), None
    with db.transaction(engine_of(request)) as conn:
        run = _theirs(conn, request, session)
        if isinstance(sent, UploadFile):
            made = bring_back(conn, settings_of(request), profiles_of(request), run, sent.file)
        if made is not None:
            ledger.people.record_act(conn, session.account.name, "correct", run=run.id, made=made)
    if made is None:
        return _values(request, session, [words_of(request, account=session.account)("page.fault_not_its_workbook")])
    return RedirectResponse(f"/runs/{made}", 303)


def _theirs(conn: Connection, request: Request, session: Session) -> ImportRun:
    """The run of an address, if its rows would still go where whoever asks may see them. Raises HTTPException 404."""
    run = run_asked(conn, request, session)
    profile = profiles_of(request).saved(run.profile)
    if not session.account.is_admin and (profile is None or not may_see_profile(session.account, profile)):
        raise HTTPException(404)
    return run


routes = [
    Route("/runs/{id:int}/rejected", for_people(rejected), methods=["GET"]),
    Route("/runs/{id:int}/rejected", act_of_people(put_right, largest=_LARGEST_CORRECTION), methods=["POST"]),
    Route("/runs/{id:int}/rejected/workbook", act_of_people(send_back, largest=_LARGEST), methods=["POST"]),
]

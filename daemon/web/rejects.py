"""The page of rejected rows, opened by a signed link: the rows, the cells at fault, the reasons; and its downloads."""

import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import iterate_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from daemon import db, ledger, results
from daemon.model import ImportRun, Rejection
from daemon.results import Links
from daemon.web.rendering import nothing_here
from daemon.web.rendering import page as render
from daemon.web.signed import opened_run
from daemon.web.state import engine_of, settings_of
from daemon.web.tongue import words_of

ROWS_PER_PAGE = 100
_AT_ONCE = 1000
_DOWNLOADS = threading.BoundedSemaphore(16)
_WORKBOOKS = threading.BoundedSemaphore(2)
"""Making one is work for a processor."""


def page(request: Request) -> Response:
    """One page of a run's rejected rows, the columns at fault first."""
    opened = opened_run(request, "rejects")
    if opened is None:
        return nothing_here(request)
    found, link = opened
    number = max(int(given), 1) if (given := request.query_params.get("page", "1")).isdecimal() and len(given) < 10 else 1
    with db.transaction(engine_of(request)) as conn:
        rows = ledger.runs.rejections_from(conn, found, (number - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
        total = ledger.runs.rejection_count(conn, found)
        anybody = ledger.people.is_anybody(conn)
    content: dict[str, Any] = {
        "words": words_of(request, link),
        "run": found,
        "rows": rows,
        "columns": _faulty_first(found.header or [], rows),
        "total": total,
        "anybody": anybody,
        "number": number,
        "pages": -(-total // ROWS_PER_PAGE),
        "first": (number - 1) * ROWS_PER_PAGE + 1,
        "token": request.path_params["token"],
    }
    return render("rejects.html", **content)


def _faulty_first(header: list[str], rows: list[Rejection]) -> list[tuple[int, str]]:
    """The places and names of the columns, those first that any of the rows was rejected for."""
    at_fault = {reason.column for row in rows for reason in row.reasons}
    return sorted(enumerate(header), key=lambda column: column[1] not in at_fault)


def download_csv(request: Request) -> Response:
    """All of a run's rejected rows as CSV, streamed."""
    opened = opened_run(request, "rejects")
    if opened is None:
        return nothing_here(request)
    found, link = opened
    if not _DOWNLOADS.acquire(blocking=False):
        raise HTTPException(503)
    rows = _until_left(results.as_csv(found, _every(request, found), words_of(request, link)))
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=_attachment(found, "csv"))


def download_xlsx(request: Request) -> Response:
    """Those of a run's rejected rows that have not gone in since, as a workbook that is known when it comes back."""
    opened = opened_run(request, "rejects")
    if opened is None:
        return nothing_here(request)
    found, link = opened
    mark = Links.of(settings_of(request)).mark(found.id)
    with _WORKBOOKS, tempfile.NamedTemporaryFile(delete=False, suffix=".xlsx") as file:
        results.as_xlsx(found, _every(request, found, unresolved=True), words_of(request, link), file, mark)
    path = Path(file.name)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return FileResponse(path, media_type=kind, headers=_attachment(found, "xlsx"), background=BackgroundTask(path.unlink))


routes = [
    Route("/r/{token}", page),
    Route("/r/{token}/rejects.csv", download_csv),
    Route("/r/{token}/rejects.xlsx", download_xlsx),
]


async def _until_left(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A download's bytes; its place is free again when it has ended, or its reader has gone."""
    try:
        async for chunk in iterate_in_threadpool(chunks):
            yield chunk
    finally:
        _DOWNLOADS.release()


def _every(request: Request, run: ImportRun, *, unresolved: bool = False) -> Iterator[Rejection]:
    """All of a run's rejected rows, some at a time: a reader who stalls holds no connection to the database."""
    after = -1
    while True:
        with db.transaction(engine_of(request)) as conn:
            some = list(ledger.runs.rejections(conn, run.id, limit=_AT_ONCE, unresolved=unresolved, after=after))
        yield from some
        if len(some) < _AT_ONCE:
            return
        after = some[-1].line


def _attachment(run: ImportRun, kind: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{results.file_name(run, kind)}"'}

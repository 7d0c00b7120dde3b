"""The page of rejected rows, opened by a signed link: the rows, the cells at fault, the reasons; and its downloads."""

import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine
from starlette.background import BackgroundTask
from starlette.concurrency import iterate_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from daemon import db, ledger, results
from daemon.model import ImportRun, Rejection
from daemon.results import Links, Words
from daemon.web.signed import opened_run

ROWS_PER_PAGE = 100
_AT_ONCE = 1000
_DOWNLOADS = threading.BoundedSemaphore(16)
_WORKBOOKS = threading.BoundedSemaphore(2)
"""Making one is work for a processor."""

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters |= {"of_the_file": results.of_the_file, "of_the_ledger": results.of_the_ledger}


def page(request: Request) -> Response:
    """One page of a run's rejected rows."""
    found = _run(request)
    if found is None:
        return nothing_here(request)
    number = max(int(given), 1) if (given := request.query_params.get("page", "1")).isdecimal() and len(given) < 10 else 1
    with db.transaction(_engine(request)) as conn:
        rows = list(ledger.runs.rejections(conn, found.id, (number - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE))
        total = ledger.runs.rejection_count(conn, found.id)
    content = {
        "words": words_of(request),
        "run": found,
        "rows": rows,
        "total": total,
        "number": number,
        "pages": -(-total // ROWS_PER_PAGE),
        "first": (number - 1) * ROWS_PER_PAGE + 1,
        "token": request.path_params["token"],
    }
    return HTMLResponse(templates.get_template("rejects.html").render(content))


def download_csv(request: Request) -> Response:
    """All of a run's rejected rows as CSV, streamed."""
    found = _run(request)
    if found is None:
        return nothing_here(request)
    if not _DOWNLOADS.acquire(blocking=False):
        raise HTTPException(503, "too many downloads at once: try again in a minute")
    rows = _until_left(results.as_csv(found, _every(request, found), words_of(request)))
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=_attachment(found, "csv"))


def download_xlsx(request: Request) -> Response:
    """Those of a run's rejected rows that have not gone in since, as a workbook that is known when it comes back."""
    found = _run(request)
    if found is None:
        return nothing_here(request)
    mark = Links.of(request.app.state.settings).mark(found.id)
    with _WORKBOOKS, tempfile.NamedTemporaryFile(delete=False, suffix=".xlsx") as file:
        results.as_xlsx(found, _every(request, found, unresolved=True), words_of(request), file, mark)
    path = Path(file.name)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return FileResponse(path, media_type=kind, headers=_attachment(found, "xlsx"), background=BackgroundTask(path.unlink))


routes = [
    Route("/r/{token}", page),
    Route("/r/{token}/rejects.csv", download_csv),
    Route("/r/{token}/rejects.xlsx", download_xlsx),
]


def nothing_here(request: Request, error: Exception | None = None) -> Response:
    """The one answer to every address that opens nothing, whatever the reason."""
    return HTMLResponse(templates.get_template("nothing.html").render(words=words_of(request)), 404)


def _run(request: Request) -> ImportRun | None:
    opened = opened_run(request, "rejects")
    return opened and opened[0]


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
        with db.transaction(_engine(request)) as conn:
            some = list(ledger.runs.rejections(conn, run.id, limit=_AT_ONCE, unresolved=unresolved, after=after))
        yield from some
        if len(some) < _AT_ONCE:
            return
        after = some[-1].line


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def words_of(request: Request) -> Words:
    """The reader's language, as the browser asks for it."""
    asked = [part.split(";")[0].strip()[:2].casefold() for part in request.headers.get("accept-language", "").split(",")]
    return Words(next((language for language in asked if language in ("en", "fr")), "en"))


def _attachment(run: ImportRun, kind: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{results.file_name(run, kind)}"'}

"""`POST /api/imports`: a file by token, the same journey as a dropped one; `GET` on the URL it answers says what came of it."""

import contextlib
import hmac
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daemon import archive, db, ledger
from daemon.drops import Posted, folder_of, plain, posted_drops
from daemon.errors import FileRefused, SetupFault
from daemon.log import get
from daemon.model import ImportRun, basename
from daemon.pickup import Arriving, record
from daemon.results import run_json
from daemon.web.limits import bounded_form, limited
from daemon.web.state import engine_of, profiles_of, settings_of

log = get(__name__)

_CHUNK = 1 << 20
_IN_MEMORY = 1 << 20
_LONGEST_KEY = 255
_LONGEST_NAME = 200
_LONGEST_HEADER = 4 * _LONGEST_NAME


async def post(request: Request) -> Response:
    """Take a file: a raw body whose name is in `?name=` or Content-Disposition, or a form's field `file`.

    Answers 202 with the run's URL, 200 with the same one to the same `Idempotency-Key`; else what is wrong, as JSON.
    """
    drop = await run_in_threadpool(_drop_of, request)
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise HTTPException(400, f"an Idempotency-Key has 1 to {_LONGEST_KEY} characters")
    too_large = f"this drop takes files up to {drop.most_bytes >> 20} MB"
    if int(request.headers.get("content-length", "0")) > drop.most_bytes:
        raise HTTPException(413, too_large)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with bounded_form(request, drop.most_bytes, too_large, files=1) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile):
                raise HTTPException(400, 'the form has no file in its field "file"')
            return await run_in_threadpool(_take, request, drop, _safe(sent.filename or ""), sent.file, key)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
        file_name = _safe(_raw_name(request))
        async for chunk in Request(request.scope, limited(request.receive, drop.most_bytes, too_large)).stream():
            await run_in_threadpool(body.write, chunk)
        body.seek(0)
        return await run_in_threadpool(_take, request, drop, file_name, body, key)


def get_run(request: Request) -> Response:
    """What came of a posted file, to whoever has the token it was posted with."""
    drop = _drop_of(request)
    with db.transaction(engine_of(request)) as conn:
        run = ledger.runs.run_by_id(conn, request.path_params["id"])
        runs = ledger.runs.siblings(conn, run) if run and run.drop == drop.name else []
    if not runs:
        raise HTTPException(404, "there is no such import run of this drop")
    return JSONResponse(_told(request, runs))


routes = [Route("/api/imports", post, methods=["POST"]), Route("/api/imports/{id:int}", get_run)]


def _take(request: Request, posted: Posted, name: str, body: IO[bytes], key: str | None) -> Response:
    """Keep the file and record it; both before the answer, so that what was answered is never lost."""
    settings = settings_of(request)
    profiles = profiles_of(request)
    drop, folder = posted.name, folder_of(key)
    with db.transaction(engine_of(request)) as conn, posted:
        ledger.runs.lock_post(conn, drop, folder)  # of two posts with one key the second waits, and gets the first one's run
        if known := _known(request, drop, folder):
            if not _same(posted, known[0], name, body):
                raise HTTPException(409, "another file was posted with this Idempotency-Key")
            return JSONResponse(_told(request, known), headers={"location": _url(request, known[0])})
        try:
            claimed = profiles.sections(name, profiles.match(name, drop))
        except FileRefused as refused:
            raise HTTPException(422, f"more than one profile claims {name}: {refused.detail}") from refused
        if not claimed:
            raise HTTPException(422, f"no profile claims {name}")
        file = posted.put(f"{folder}/{name}", _chunks(body))
        record(engine_of(request), settings, profiles, drop, Arriving(file, db.now(conn)))
        runs = _known(request, drop, folder)
    if not runs:
        raise HTTPException(503, "the file was kept, and will be imported; its run is not known yet")
    request.app.state.look(drop)
    return JSONResponse(_told(request, runs), 202, {"location": _url(request, runs[0])})


def _same(posted: Posted, run: ImportRun, name: str, body: IO[bytes]) -> bool:
    """Whether a body is the file that was posted before under the same key."""
    sha256 = run.sha256
    if sha256 is None and (file := posted.stat(run.name)):
        with posted.read(file) as chunks:
            sha256 = archive.digest(chunks)
    return basename(run.name) == name and sha256 in (None, archive.digest(_chunks(body)))


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: body.read(_CHUNK), b"")


def _known(request: Request, drop: str, folder: str) -> list[ImportRun]:
    """The runs of a file posted before."""
    with db.transaction(engine_of(request)) as conn:
        run = ledger.runs.run_of_post(conn, drop, folder)
        return ledger.runs.siblings(conn, run) if run else []


def _told(request: Request, runs: list[ImportRun]) -> dict[str, Any]:
    settings = settings_of(request)
    first, *others = [run_json(run, settings) for run in runs]
    return first | {"url": _url(request, runs[0]), "also": others}


def _url(request: Request, run: ImportRun) -> str:
    settings = settings_of(request)
    return f"{settings.web.public_url}/api/imports/{run.id}"


def _drop_of(request: Request) -> Posted:
    """The drop whose token the caller shows. Raises HTTPException 401."""
    settings = settings_of(request)
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    found = None
    for drop in posted_drops(settings):
        if (token := _token_of(drop)) and hmac.compare_digest(token.encode(), shown.strip().encode()):
            found = drop if scheme.lower() == "bearer" else None
    if found is None:
        raise HTTPException(401, "no drop has this token", {"www-authenticate": "Bearer"})
    return found


def _token_of(drop: Posted) -> str | None:
    """A drop's token; None, and logged, when it has none that is a secret."""
    try:
        return drop.token
    except SetupFault as error:
        log.warning("no_token", drop=drop.name, reason=str(error))
        return None


def _raw_name(request: Request) -> str:
    """The file's name beside a raw body. A header longer than any name is not even looked at: parsing one can take long."""
    header = EmailMessage()
    with contextlib.suppress(ValueError, IndexError):
        header["content-disposition"] = request.headers.get("content-disposition", "")[:_LONGEST_HEADER]
    return request.query_params.get("name") or header.get_filename() or ""


def _safe(name: str) -> str:
    """A file name that is one path segment, and none that a marker or our own files have. Raises HTTPException 400."""
    if not plain(name) or "\\" in name or name.startswith(".") or not name.isprintable() or len(name.encode()) > _LONGEST_NAME:
        raise HTTPException(400, "name the file: ?name=…, or Content-Disposition, or the form's file name; without folders")
    return name


def as_json(request: Request, error: Exception) -> Response:
    """What is wrong with a request to the API."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)

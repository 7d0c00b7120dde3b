"""Workbooks to fill in: the template of a dataset, empty or with what is stored of a company, to be edited and sent back."""

import io

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon import db, loading
from daemon.datasets import Dataset, datasets, template
from daemon.ledger.people import Session
from daemon.web import smart
from daemon.web.auth import for_people
from daemon.web.state import engine_of
from daemon.web.tongue import words_of

_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def empty(request: Request, session: Session) -> Response:
    """The template of a dataset."""
    return _workbook(request, session, _dataset(request.path_params["dataset"]), [])


def filled(request: Request, session: Session) -> Response:
    """The template with all that is stored of a company; where that is too much for it, that is said."""
    dataset, entity = _dataset(request.query_params.get("dataset", "")), request.query_params.get("entity", "").strip()
    if not session.account.may_see([entity]):
        raise HTTPException(404)
    with db.transaction(engine_of(request)) as conn:
        count, rows = loading.stored(conn, dataset, entity, template.MOST_ROWS)
    if count > template.MOST_ROWS:
        words = words_of(request, account=session.account)
        return smart.begin(request, session, words("page.fault_too_many", count=count, most=template.MOST_ROWS))
    return _workbook(request, session, dataset, rows)


def _dataset(name: str) -> Dataset:
    if name not in datasets():
        raise HTTPException(404)
    return datasets()[name]


def _workbook(request: Request, session: Session, dataset: Dataset, rows: list[dict[str, object]]) -> Response:
    book = io.BytesIO()
    template.as_xlsx(dataset, words_of(request, account=session.account).language, book, rows)
    headers = {"content-disposition": f'attachment; filename="{template.file_name(dataset, "xlsx")}"'}
    return Response(book.getvalue(), media_type=_KIND, headers=headers)


routes = [
    Route("/templates/filled.xlsx", for_people(filled)),
    Route("/templates/{dataset}.xlsx", for_people(empty)),
]

"""The page of rejected rows."""

import io
import re
from pathlib import Path

import openpyxl
import pytest
from starlette.testclient import TestClient

from daemon.results import Links
from daemon.web import create_app
from tests.support.office import ITEMS, ITEMS_HEADER, Office


@pytest.fixture
def client(office: Office) -> TestClient:
    """A browser without a window."""
    return TestClient(create_app(office.engine, office.settings, office.profiles, print))


def link(office: Office, run_id: int) -> str:
    return Links(office.settings.link_keys, "", 30).rejects(run_id, "credit@example.com")


def test_the_page_shows_the_rows_and_their_reasons(office: Office, client: TestClient) -> None:
    """Line, cells and reasons are there, the bad cell is marked, and what a cell holds is never HTML."""
    office.customers("C1")
    run = office.items("C1;<b>F1</b>;31/02/2024;02/03/2024;5\n")
    page = client.get(link(office, run.id)).text
    assert "“31/02/2024” is not a date" in page
    assert '<td class="bad" title="the cell at fault" data-label="Issued">31/02/2024</td>' in page
    assert "&lt;b&gt;F1&lt;/b&gt;" in page
    assert "<b>F1</b>" not in page


def test_the_page_speaks_the_browsers_language(office: Office, client: TestClient) -> None:
    """A French browser gets French reasons."""
    run = office.items("C1;F1;31/02/2024;02/03/2024;5\n")
    assert "n&#39;est pas une date" in client.get(link(office, run.id), headers={"accept-language": "fr-FR,fr;q=0.9"}).text


def test_long_lists_are_paged(office: Office, client: TestClient) -> None:
    """A hundred rows a page; numbers that are no page, or none at all, do no harm."""
    office.profile("items", ITEMS.replace("[format]", "[format]\n    header_row = 1"))
    run = office.load("items", ITEMS_HEADER + "short\n" * 250)
    address = link(office, run.id)
    assert "Rows 201 to 250 of 250" in client.get(f"{address}?page=3").text
    assert "Rows 1 to 100 of 250" in client.get(f"{address}?page=-1").text
    assert client.get(f"{address}?page=99999999999999999999").status_code == 200


def test_the_rows_can_be_taken_away(office: Office, client: TestClient) -> None:
    """CSV and Excel come as attachments with all rows and their reasons."""
    run = office.items("C9;F1;01/02/2024;31/02/2024;-5,00\n")
    text = client.get(link(office, run.id) + "/rejects.csv")
    assert text.headers["content-disposition"] == f'attachment; filename="nightporter-rejected-rows-{run.id}.csv"'
    assert text.text.splitlines()[1] == "C9;F1;01/02/2024;31/02/2024;-5,00;Due: “31/02/2024” is not a date"
    sheet = openpyxl.load_workbook(io.BytesIO(client.get(link(office, run.id) + "/rejects.xlsx").content)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]][:2] == ["C9", "F1"]


def test_a_corrected_download_is_imported_as_it_is(office: Office, client: TestClient) -> None:
    """The rejected rows come back, after the customer came, through the same profile."""
    office.customers("C1")
    run = office.items("C9;Fé;01/02/2024;02/03/2024;-5,00\n")
    taken = client.get(link(office, run.id) + "/rejects.csv").content
    office.customers("C9")
    assert office.load("items", taken).state == "imported"
    assert office.rows("SELECT item_number, amount::text FROM ar.receivable") == [("Fé", "-5.00000")]


@pytest.mark.parametrize("path", ["/r/forged", "/r/forged/rejects.csv", "/r/forged/rejects.xlsx"])
def test_what_opens_nothing_has_one_answer(client: TestClient, path: str) -> None:
    """Forged, expired and unknown addresses cannot be told apart."""
    answer = client.get(path)
    assert answer.status_code == 404
    assert "This link does not open anything" in answer.text


def test_every_answer_is_locked_down(office: Office, client: TestClient) -> None:
    """Pages, downloads and errors carry the headers that keep them from being framed, sniffed, stored or scripted."""
    run = office.items("C9;F1;01/02/2024;02/03/2024;5\n")
    for path in (link(office, run.id), link(office, run.id) + "/rejects.csv", "/nothing", "/healthz", "/readyz"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"], headers["cache-control"]) == (
            "nosniff",
            "no-referrer",
            "no-store",
        )


def test_health_and_readiness(client: TestClient) -> None:
    """A supervisor can ask whether the service lives and whether its database answers."""
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_no_page_holds_a_script(office: Office) -> None:
    """No template of ours has a script but the one file that follows what is under way, or an inline style: the policy forbids both."""
    from daemon import web

    for template in (Path(web.__file__).parent / "templates").glob("*.html"):
        assert set(re.findall("<script.*?>", template.read_text())) <= {'<script type="module" src="/static/live.js">'}
        assert "style=" not in template.read_text()

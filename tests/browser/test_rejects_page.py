"""The rejected-rows page in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from daemon.results import Links
from daemon.settings import Settings
from tests.support.office import ITEMS, ITEMS_HEADER, Office


@pytest.fixture
def address(office: Office, served: Settings) -> str:
    """The link of a run with 130 rejected rows."""
    office.profile("items", ITEMS)
    run = office.load(
        "items", ITEMS_HEADER + "C1;F1;31/02/2024;02/03/2024;-5,00\n" + "C9;<i>F</i>;01/02/2024;02/03/2024;x\n" * 129
    )
    return Links.of(served).rejects(run.id, "credit@example.com")


def test_a_credit_manager_sees_pages_and_takes_the_rows_away(page: Page, address: str, tmp_path: Path) -> None:
    """Rows, reasons and the marked cell are seen, the second page turned to, the download saved; nothing is blocked or missing."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(address)
    expect(page.get_by_role("heading", name="file.csv")).to_be_visible()
    bad = page.locator("td.bad").first
    expect(bad).to_have_text("31/02/2024")
    assert bad.evaluate("cell => getComputedStyle(cell).backgroundColor") == "rgb(255, 224, 163)"
    expect(page.get_by_text("<i>F</i>").first).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Rows 101 to 130 of 130")).to_be_visible()
    assert complaints == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    assert len((tmp_path / "rows.csv").read_text("utf-8-sig").splitlines()) == 131


def test_a_dead_link_says_what_to_do(page: Page, address: str) -> None:
    """A damaged link opens a page in words, not an error."""
    page.goto(address[:-3])
    expect(page.get_by_role("heading", name="This link does not open anything")).to_be_visible()

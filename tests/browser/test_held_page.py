"""The page about a held file in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from daemon.results import Links
from daemon.settings import Settings
from tests.support.office import ITEMS, ITEMS_HEADER, Office

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n'
ROWS = [f"C1;F{number};01/02/2026;02/03/2026;100,00\n" for number in range(100)]


@pytest.mark.parametrize(
    ("button", "thanks", "ended"),
    [
        ("Import it all the same", "It is being imported", ("held", None)),
        ("Decline it", "Nothing of it", ("refused", "declined")),
    ],
)
def test_a_credit_manager_decides(page: Page, office: Office, served: Settings, button: str, thanks: str, ended: object) -> None:
    """What the file would do is read, a button pressed, and the decision confirmed; once only."""
    office.customers("C1")
    office.profile("items", SNAPSHOT)
    office.load("items", ITEMS_HEADER + "".join(ROWS))
    held = office.load("items", ITEMS_HEADER + "".join(ROWS[:40]), "OPENITEMS_20261122.csv")
    address = Links.of(served).decision(held.id, "credit@example.com")
    page.goto(address)
    expect(page.get_by_role("heading", name="OPENITEMS_20261122.csv")).to_be_visible()
    expect(page.get_by_text("would clear 60 of 100 open items (6,000.00 EUR)")).to_be_visible()
    assert office.run(held.id).state == "held"
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text(thanks)).to_be_visible()
    run = office.run(held.id)
    assert ((run.state, run.code), run.decided_by) == (ended, "credit@example.com" if run.code or run.approved else None)
    page.goto(address)
    expect(page.get_by_role("button")).to_have_count(0)

"""The console in a real browser: nothing that axe finds fault with, nothing wider than a phone, and no need of scripts."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from daemon import db, ledger
from daemon.importing import attempt, rehearse_draft
from daemon.model import RemoteFile
from daemon.results import Links
from daemon.settings import Settings
from daemon.web import hashed
from tests.support.console import PASSWORD
from tests.support.office import ITEMS, ITEMS_HEADER, Office

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n    [expect]\n    by = "06:00"\n'
ROWS = [f"C1;F{number};01/02/2026;02/03/2026;100,00\n" for number in range(100)]


@pytest.fixture
def address(office: Office, served: Settings) -> str:
    """The console of an office with an import, a held file and a draft."""
    office.settings = served
    office.profile("items", SNAPSHOT)
    office.customers("C1")
    office.load("items", ITEMS_HEADER + "".join(ROWS) + "C1;BAD;31/02/2026;02/03/2026;5\n")
    office.load("items", ITEMS_HEADER + "".join(ROWS[:30]), "a-rather-long-name-of-an-export_20261120_0001.csv")
    with db.transaction(office.engine) as conn:
        ledger.people.add_account(conn, "ada", hashed(PASSWORD), "admin", [], None)
    return served.web.public_url


def logged_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def upload(page: Page, address: str) -> None:
    """Begin a draft."""
    rows = "".join(f"C1;X{n};{'Fr' if n % 3 else 'Av'};{1 + n:02}/03/2026;30/04/2026;{n},50;EUR\n" for n in range(20))
    content = ("Client;Pièce;Type;Emission;Echéance;Montant;Devise\n" + rows).encode()
    page.goto(f"{address}/upload")
    page.get_by_label("File").set_input_files({"name": "OUVERTS_20261120.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_label("Open items").check()
    page.get_by_role("button", name="Go on").click()


PAGES = [
    "/",
    "/runs",
    "/runs/2",
    "/runs/3",
    "/runs/2/rejected",
    "/settings",
    "/upload",
    "/customers?q=C",
    "/customer?entity=&code=C1",
    "/drops",
    "/profiles",
    "/profiles/items",
    "/audit",
    "/nothing-of-the-kind",
]
STEPS = ["shape", "columns", "words", "rules", "check"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_that_axe_knows(page: Page, office: Office, address: str, scheme: str) -> None:
    """Names, contrasts, headings, tables: on every page, light and dark, and none is wider than a phone's screen."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.context.clear_cookies()
    page.goto(f"{address}/login")
    judged(page, "/login")
    links = Links.of(office.settings)
    for link in (links.rejects(2, "credit@example.com"), links.decision(3, "credit@example.com"), f"{address}/r/forged"):
        page.goto(link)
        judged(page, link)
    logged_in(page, address)
    for path in PAGES:
        page.goto(address + path)
        judged(page, path)
    upload(page, address)
    draft = page.url.removesuffix("shape")
    for step in STEPS:
        page.goto(draft + step)
        judged(page, step)


def judged(page: Page, path: str) -> None:
    """Have a page judged by axe, and measured, with everything on it opened that can be."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(page)
    assert found.violations_count == 0, (path, found.generate_report())
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, (path, wide)


def test_an_export_becomes_a_profile_without_a_script(page: Page, office: Office, address: str) -> None:
    """With scripts off: logged in, a file uploaded, its words said, tried, imported, and the profile is there."""
    browser = page.context.browser
    assert browser
    page = browser.new_context(java_script_enabled=False).new_page()
    logged_in(page, address)
    upload(page, address)
    expect(page.get_by_role("columnheader", name="Pièce")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Client").select_option("customer_code")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Fr", exact=True).select_option("invoice")
    page.get_by_label("Av", exact=True).select_option("credit_note")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Changes only").check()
    page.get_by_label("Name of the profile").fill("ouverts")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("The file is being tried")).to_be_visible()
    rehearse_draft(office.engine, office.settings, office.profiles, int(page.url.split("/")[-2]))
    page.reload()
    expect(page.get_by_text("This is what importing it would do")).to_be_visible()
    page.get_by_role("button", name="Save the profile and import the file").click()
    expect(page.get_by_role("heading", name="OUVERTS_20261120.csv")).to_be_visible()
    assert (office.settings.profiles / "ouverts.toml").exists()


def test_a_held_file_is_declined_on_a_phone(page: Page, office: Office, address: str) -> None:
    """From the first screen: the loud button is the safe one."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.context.clear_cookies()
    logged_in(page, address)
    page.get_by_role("link", name="a-rather-long-name").click()
    page.get_by_role("button", name="Decline it").click()
    expect(page.get_by_text("Somebody declined it")).to_be_visible()
    assert office.run(3).decided_by == "ada"


def test_a_page_follows_what_is_under_way(page: Page, office: Office, address: str) -> None:
    """While an import runs its page says how many rows were read, and what came of it when it is done, without being loaded anew."""
    page.context.clear_cookies()
    logged_in(page, address)
    path = office.file("big.csv", ITEMS_HEADER + "".join(ROWS))
    entry = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    with db.transaction(office.engine) as conn:
        run = ledger.arrivals.record_inline(conn, entry, office.profiles.sections("big.csv", office.profiles.get("items")))
    page.goto(f"{address}/runs/{run}")
    page.evaluate("window.same = true")
    expect(page.get_by_text("It waits for its turn")).to_be_visible()
    with db.transaction(office.engine) as conn:
        claimed = ledger.runs.claim_run(conn, run)
    assert claimed
    expect(page.get_by_text("attempt 1")).to_be_visible()
    with db.transaction(office.engine) as conn:
        ledger.runs.tell_rows_read(conn, run, 120_000)
        expect(page.get_by_text("120,000 rows are read so far")).to_be_visible()
    with db.transaction(office.engine) as conn:
        ledger.runs.give_back_run(conn, claimed)
    attempt(office.engine, office.settings, office.profiles, run)
    expect(page.locator("summary", has_text="Undo this import")).to_be_visible()
    assert page.evaluate("window.same")

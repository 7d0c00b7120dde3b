"""The console's stories, in a real browser, on a running service with an FTP server's folder for a drop: each with scripts, and
without.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from daemon import db, ledger
from daemon.web import hashed
from tests.support.console import PASSWORD
from tests.support.ftp_servers import Ftpd
from tests.support.office import CUSTOMERS, Office
from tests.support.servers import MailServer
from tests.support.service import Service

FTP = """
    [drops.nightly]
    kind = "ftp"
    host = "127.0.0.1"
    port = {port}
    username = "erp"
    password_file = "ftp-password"
    path = "/out"
    poll = "1s"
    settle = "1s"
    insecure = true
    imported_to = "done"
"""
HEADER = "Code;Name;City;Limit\n"
EXPORT = "Debitor;Beleg;Art;Belegdatum;Fällig;Offen;Wä\n"
"""The columns of an export that no profile here knows."""
MINUTE = 60_000


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[], Page]]:
    """Opens a browser of somebody's own, with its own cookies."""
    opened: list[BrowserContext] = []

    def open_one() -> Page:
        opened.append(browser.new_context(java_script_enabled=request.param, locale="en-GB"))
        page = opened[-1].new_page()
        page.set_default_timeout(MINUTE)
        return page

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def ftp() -> Iterator[Ftpd]:
    """The ERP's FTP server."""
    with Ftpd() as server:
        (server.root / "out").mkdir()
        yield server


@pytest.fixture
def service(
    office: Office, database: str, mail_server: MailServer, ftp: Ftpd, eventually: Callable[..., object]
) -> Iterator[Service]:
    """The service with that drop, the customers C1 to C9 and some of two companies, and an admin."""
    made = Service(office.home, database, mail_server, eventually, FTP.format(port=ftp.port))
    (office.home / "ftp-password").write_text("secret")
    let_in(office, "ada")
    for entity, codes in (("", range(1, 10)), ("DE01", range(1, 3)), ("FR01", range(1, 3))):
        name = f"customers{entity}"
        office.profile(name, CUSTOMERS.replace("customers*", f"{name}*").replace("pattern", f'entity = "{entity}"\n    pattern'))
        office.load(name, HEADER + "".join(f"C{n};Firm {n} {entity};Ulm;\n" for n in codes), f"{name}.csv")
    with made:
        yield made


def let_in(
    office: Office, name: str, role: str = "admin", *entities: str, language: str | None = None, password: str = PASSWORD
) -> None:
    """Give somebody an account, or a new password."""
    with db.transaction(office.engine) as conn:
        ledger.people.add_account(conn, name, hashed(password), role, entities, language)


def log_in(page: Page, service: Service, name: str = "ada") -> None:
    page.goto(f"http://127.0.0.1:{service.port}/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def export(night: int, items: int = 20) -> bytes:
    """An ERP's open items, in a code page of its own."""
    rows = (
        f"C{1 + n % 9};R{n:04};{'GU' if n % 7 == 6 else 'RE'};0{1 + n % 9}.10.2026;30.11.2026;{n + 1}.1{n % 10:02},50;EUR\n"
        for n in range(items + night)
    )
    return (EXPORT + "".join(rows)).encode("cp1252")


def go_through(page: Page, name: str) -> None:
    """Go through the steps of a draft of such an export, as somebody does who has read them."""
    expect(page.get_by_role("columnheader", name="Beleg", exact=True)).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    chosen = {
        "Debitor": "customer_code",
        "Beleg": "item_number",
        "Art": "item_type",
        "Belegdatum": "issue_date",
        "Fällig": "due_date",
    }
    for column, field in (chosen | {"Offen": "amount", "Wä": "currency"}).items():
        page.get_by_label(column, exact=True).first.select_option(field)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("RE", exact=True).select_option("invoice")
    page.get_by_label("GU", exact=True).select_option("credit_note")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("All that is open").check()
    page.get_by_label("Name of the profile").fill(name)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("This is what importing it would do")).to_be_visible(timeout=MINUTE)


def test_an_export_nobody_has_seen_comes_every_night_from_then_on(
    window: Callable[[], Page], service: Service, ftp: Ftpd
) -> None:
    """Uploaded, said what it is, tried, imported; and the next night's file is taken from the FTP server by what was saved."""
    page = window()
    log_in(page, service)
    page.get_by_role("link", name="Smart Upload").click()
    page.get_by_label("File").set_input_files({"name": "OPOS_20261125.txt", "mimeType": "text/plain", "buffer": export(1)})
    page.get_by_label("Open items").check()
    page.get_by_role("button", name="Go on").click()
    go_through(page, "opos")
    page.get_by_role("button", name="Save the profile and import the file").click()
    expect(page.locator("summary", has_text="Undo this import")).to_be_visible(timeout=MINUTE)
    (ftp.root / "out" / "OPOS_20261126.txt").write_bytes(export(2))
    service.eventually(lambda: ("OPOS_20261126.txt", "imported", None) in service.runs(), 60)
    service.eventually((ftp.root / "out" / "done" / "OPOS_20261126.txt").exists)
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="OPOS_20261126.txt").click()
    expect(page.get_by_role("heading", name="OPOS_20261126.txt")).to_be_visible()
    assert service.query("SELECT count(*) FROM ar.receivable WHERE cleared_at IS NULL") == [(22,)]


def test_a_file_in_a_drop_that_nobody_claims_becomes_a_profile(window: Callable[[], Page], service: Service, ftp: Ftpd) -> None:
    """It lies there, is seen under Drops, and once its profile is saved it is fetched, imported and put away."""
    (ftp.root / "out" / "OPOS_20261125.txt").write_bytes(export(0))
    page = window()
    log_in(page, service)
    service.eventually(lambda: _shows(page, service, "OPOS_20261125.txt"), 60)
    page.get_by_label("Kind of data").select_option("receivables")
    page.get_by_role("button", name="Make a profile from it").click()
    go_through(page, "opos")
    page.get_by_role("button", name="Save the profile and import the file").click()
    service.eventually(lambda: ("OPOS_20261125.txt", "imported", None) in service.runs(), 60)
    service.eventually((ftp.root / "out" / "done" / "OPOS_20261125.txt").exists)
    assert service.query("SELECT count(*) FROM ar.receivable WHERE cleared_at IS NULL") == [(20,)]


def _shows(page: Page, service: Service, text: str) -> bool:
    page.goto(f"http://127.0.0.1:{service.port}/drops")
    return page.get_by_text(text).count() > 0


def test_four_hundred_rows_are_put_right_by_one_value(window: Callable[[], Page], service: Service) -> None:
    """A day that there is not stands in all of them: it is said once what it is, and they are imported."""
    rows = "".join(f"C1;F{n};01/02/2026;31/04/2026;10,00\n" for n in range(400))
    service.arrive("items_1.csv", "Customer;Item;Issued;Due;Amount\n" + rows + "C1;GOOD;01/02/2026;30/04/2026;5,00\n")
    service.wait_for("imported", 4)
    page = window()
    log_in(page, service)
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="items_1.csv").click()
    page.get_by_role("link", name=re.compile("Put the rows right")).click()
    expect(page.get_by_role("cell", name="400", exact=True)).to_be_visible()
    page.get_by_label("Due: 31/04/2026").fill("30/04/2026")
    page.get_by_role("button", name="Try these rows again").click()
    expect(page.get_by_text("400", exact=True).first).to_be_visible(timeout=MINUTE)
    service.eventually(lambda: service.query("SELECT count(*) FROM ar.receivable WHERE cleared_at IS NULL") == [(401,)], 60)


def test_a_held_file_is_declined_on_a_phone(window: Callable[[], Page], service: Service) -> None:
    """It is the first thing on the first screen, what it would clear is said, and the loud button is the safe one."""
    profile = service.home / "profiles" / "items.toml"
    profile.write_text(profile.read_text().replace("[notify]", '[import]\nmode = "snapshot"\n[notify]'))
    rows = [f"C1;F{n};01/02/2026;30/04/2026;100,00\n" for n in range(100)]
    service.arrive("items_1.csv", "Customer;Item;Issued;Due;Amount\n" + "".join(rows))
    service.wait_for("imported", 4)
    service.arrive("items_2.csv", "Customer;Item;Issued;Due;Amount\n" + "".join(rows[:30]))
    service.wait_for("held")
    page = window()
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, service)
    page.get_by_role("link", name="items_2.csv").first.click()
    expect(page.get_by_text("would clear 70 of 100 open items")).to_be_visible()
    page.get_by_role("button", name="Decline it").click()
    expect(page.get_by_text("Somebody declined it")).to_be_visible()
    assert ("items_2.csv", "refused", "declined") in service.runs()


def test_a_manager_sees_nothing_of_another_company(window: Callable[[], Page], service: Service, office: Office) -> None:
    """Neither in lists, nor by an address that they were told, nor in a search; an admin sees both."""
    let_in(office, "max", "manager", "DE01")
    ada, max_ = window(), window()
    log_in(ada, service)
    log_in(max_, service, "max")
    at = f"http://127.0.0.1:{service.port}"
    joined = "nightporter.import_run r JOIN nightporter.arrival a ON a.id = arrival_id"
    [(number,)] = service.query(f"SELECT r.id FROM {joined} WHERE a.name LIKE '%customersFR01.csv'")
    for page, sees in ((ada, True), (max_, False)):
        page.goto(f"{at}/runs")
        expect(page.get_by_role("link", name="customersDE01.csv")).to_be_visible()
        expect(page.get_by_role("link", name="customersFR01.csv")).to_have_count(1 if sees else 0)
        page.goto(f"{at}/customers?q=Firm")
        expect(page.get_by_text("Firm 1 DE01")).to_be_visible()
        expect(page.get_by_text("Firm 1 FR01")).to_have_count(1 if sees else 0)
        page.goto(f"{at}/runs/{number}")
        expect(page.get_by_role("heading", name="customersFR01.csv" if sees else "There is nothing here")).to_be_visible()
        page.goto(f"{at}/customer?entity=FR01&code=C1")
        expect(page.get_by_role("heading", name="Firm 1 FR01" if sees else "There is nothing here")).to_be_visible()


def test_a_session_that_was_ended_does_nothing_any_more(window: Callable[[], Page], service: Service, office: Office) -> None:
    """With a new password every login of before is over: its next page asks who it is, and its open form does nothing."""
    page = window()
    log_in(page, service)
    page.get_by_role("link", name="Drops").click()
    let_in(office, "ada", password=PASSWORD + "2")
    page.get_by_role("button", name="Look now").first.click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert service.query("SELECT count(*) FROM nightporter.audit WHERE action = 'look now'") == [(0,)]
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD + "2")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Smart Upload")).to_be_visible()


def test_two_people_work_in_two_languages(window: Callable[[], Page], service: Service, office: Office) -> None:
    """Each reads the same import in the language of their account; and another one, where they choose it on the page."""
    for name, language in (("heidi", "de"), ("claire", "fr")):
        let_in(office, name, language=language)
    for name, title, other in (("heidi", "Importe", "Français"), ("claire", "Imports", "Deutsch")):
        page = window()
        log_in(page, service, name)
        page.goto(f"http://127.0.0.1:{service.port}/runs")
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        page.locator("summary", has_text=re.compile("Sprache|Langue")).click()
        page.get_by_role("link", name=other, exact=True).click()
        expect(page.locator("html")).to_have_attribute("lang", "fr" if name == "heidi" else "de")

"""Takes README's pictures of the console, from the real pages over made-up nights: `make pictures`."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from daemon import db, ledger, log
from daemon.settings import Settings
from daemon.web import hashed, serve
from tests.support.console import PASSWORD
from tests.support.office import Office, standing_office
from tests.support.servers import free_port

PICTURES = Path(__file__).parent.parent / "deploy" / "pictures"
TODAY = date.today()
PROFILE = """
    dataset = "receivables"
    pattern = "{pattern}"
    entity = "{entity}"
    [format]
    encoding = "utf-8"
    delimiter = ";"
    decimal = ","
    date = "dd/mm/yyyy"
    [columns]
    customer_code = "Customer"
    item_number = "Document"
    issue_date = "Issued"
    due_date = "Due"
    amount = "Amount"
    currency = {{ value = "EUR" }}
    [import]
    mode = "snapshot"
    business_date = "{day}"
    [expect]
    by = "06:00"
    days = "mon-fri"
"""
COUNTRIES = {"FR01": "fr", "DE01": "de"}


def main() -> None:
    """Take them."""
    log.configure("ERROR")
    with _served() as (office, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1180, "height": 760})
        _log_in(page, address)
        page.goto(f"{address}/")
        page.screenshot(path=PICTURES / "console-tonight.png", full_page=True)
        with db.transaction(office.engine) as conn:
            held = ledger.runs.waiting_runs(conn, ledger.runs.Sight(), 14)[0].id
            bad = next(run for run in ledger.runs.latest_runs(conn, 50) if run.tally and run.tally.rejected).id
        page.goto(f"{address}/runs/{bad}/rejected")
        page.screenshot(path=PICTURES / "console-rejected.png", full_page=True)
        _upload(page, address)
        page.screenshot(path=PICTURES / "console-upload.png", full_page=True)
        phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        _log_in(phone, address)
        phone.goto(f"{address}/runs/{held}")
        phone.screenshot(path=PICTURES / "console-held.png")
        browser.close()


def _log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def _upload(page: Page, address: str) -> None:
    """A draft, as far as its columns."""
    rows = "".join(
        f"C{n % 30};FA{n:05};{'FAC' if n % 4 else 'AVO'};0{1 + n % 9}/11/2026;15/12/2026;{n * 37},50;EUR\n" for n in range(60)
    )
    content = ("Code client;N° pièce;Type;Date pièce;Échéance;Solde;Devise\n" + rows).encode()
    page.goto(f"{address}/upload")
    page.get_by_label("File").set_input_files({"name": "OUVERTS_20261120.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_label("Open items").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Go on").click()


@contextmanager
def _served() -> Iterator[tuple[Office, str]]:
    """An office with some weeks of nights behind it, and its pages."""
    with standing_office() as office:
        listen = f"127.0.0.1:{free_port()}"
        office.settings = Settings.model_validate(
            {"home": office.home, "web": {"listen": listen, "public_url": f"http://{listen}"}}
        )
        _nights(office)
        with db.transaction(office.engine) as conn:
            ledger.people.add_account(conn, "ada", hashed(PASSWORD), "admin", [], None)
        serving, stop = threading.Event(), threading.Event()
        pages = threading.Thread(target=serve, args=(office.engine, office.settings, office.profiles, print, serving.set, stop))
        pages.start()
        serving.wait(20)
        yield office, office.settings.web.public_url
        stop.set()
        pages.join()


def _nights(office: Office) -> None:
    chance = random.Random(7)
    for entity, name in COUNTRIES.items():
        office.profile(f"{name}-items", PROFILE.format(pattern=f"{name}_*.csv", entity=entity, day=f"{name}_%Y%m%d.csv"))
        customers = "".join(f"C{n};Customer {n};Paris;\n" for n in range(30))
        office.profile("customers", CUSTOMERS.format(entity=entity))
        office.load("customers", "Code;Name;City;Limit\n" + customers, f"customers-{name}.csv")
    for back in range(28, 0, -1):
        day = TODAY - timedelta(days=back)
        if day.weekday() > 4:
            continue
        for name in COUNTRIES.values():
            if name == "de" and back in (9, 4):
                continue
            count = 30 if name == "fr" and back == 1 else 120 + 2 * (28 - back)
            office.load(f"{name}-items", _items(chance, count, back % 7 == 3), f"{name}_{day:%Y%m%d}.csv")


def _items(chance: random.Random, count: int, bad: bool) -> str:
    rows = [f"C{n % 30};F{n:05};01/10/2026;{1 + n % 28:02}/12/2026;{chance.randrange(100, 90000)},50" for n in range(count)]
    if bad:
        rows[5] = rows[5].replace("/12/2026", "/13/2026")
        rows[9] = rows[9].replace(",50", ",5O")
    return "Customer;Document;Issued;Due;Amount\n" + "\n".join(rows) + "\n"


CUSTOMERS = """
    dataset = "customers"
    pattern = "customers*.csv"
    entity = "{entity}"
    [format]
    delimiter = ";"
    encoding = "utf-8"
    [columns]
    customer_code = "Code"
    business_name = "Name"
    city = "City"
"""


if __name__ == "__main__":
    main()

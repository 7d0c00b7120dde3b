"""What is kept from a manager: everything of a company that is not theirs, by whatever way it is asked for."""

import io
import re
import zipfile

import pytest

from daemon.importing import attempt
from daemon.results import Links
from tests.support.console import Person
from tests.support.night import Night
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office

COLUMNS = {
    "column_0": "customer_code",
    "column_1": "item_number",
    "column_2": "issue_date",
    "column_3": "due_date",
    "column_4": "amount",
    "value_currency": "EUR",
}


def of(entity: str, profile: str) -> str:
    """A profile that fills one entity."""
    return re.sub(r'(dataset = "\w+")', rf'\1\n    entity = "{entity}"', profile, count=1)


def begun(person: Person, name: str, content: str) -> str:
    """The address of a draft of a file of open items, its columns chosen."""
    page = person.send("/upload", person.get("/upload"), dataset="receivables", file=(name, content.encode()))
    draft = page.url.path.removesuffix("shape")
    columns = person.get(f"{draft}columns")
    person.send(f"{draft}columns", columns, version=version(columns), **COLUMNS)
    return str(draft)


def ruled(person: Person, draft: str, **rules: str) -> int:
    """The answer to what is said on the page of rules."""
    page = person.get(f"{draft}rules")
    given = {"name": "mine", "mode": "delta", "pattern": "probe*.csv", "entity": "DE01"}
    return int(person.send(f"{draft}rules", page, version=version(page), **(given | rules)).status_code)


def version(page: str) -> str:
    """The version of a draft that a page shows."""
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found[1]


@pytest.fixture
def gerd(office: Office) -> Person:
    """A manager of DE01, beside a French ledger."""
    office.profile("customers", of("FR01", CUSTOMERS))
    office.load("customers", "Code;Name;City;Limit\nC1;Martin;Paris;\n", "customers_fr.csv")
    office.profile("items", of("FR01", ITEMS))
    office.load("items", ITEMS_HEADER + "C1;FA1;01/02/2026;02/03/2026;7777,00\n", "items_fr.csv")
    return Person(office, "gerd", "manager", "DE01")


def test_a_dry_run_tells_nothing_of_another_company(gerd: Person) -> None:
    """Neither by the company's name, nor by none, nor by a column that names it: the rules are not taken."""
    draft = begun(gerd, "probe_a.csv", ITEMS_HEADER + "C1;FA1;01/02/2026;02/03/2026;1,00\n")
    assert [ruled(gerd, draft, entity=entity) for entity in ("FR01", "", "DE01,FR01")] == [422] * 3
    columns = gerd.get(f"{draft}columns")
    named = gerd.send(f"{draft}columns", columns, version=version(columns), **COLUMNS, value_entity="FR01")
    assert "Upload" in named.text
    gerd.rehearse()
    assert "7777" not in gerd.get(f"{draft}check")
    assert gerd.client.get("/customer?entity=FR01&code=C1").status_code == 404


def test_a_profile_of_a_manager_takes_only_their_files(gerd: Person) -> None:
    """A pattern that matches files of others, or almost any, is not taken; nor is the name of a profile that others' runs have."""
    draft = begun(gerd, "probe_b.csv", ITEMS_HEADER + "C1;FA1;01/02/2026;02/03/2026;1,00\n")
    assert [ruled(gerd, draft, pattern=pattern) for pattern in ("*", "?????*", "it*", "items_f*")] == [422] * 4
    (gerd.office.settings.profiles / "items.toml").unlink()
    assert ruled(gerd, draft, name="items") == 422
    assert ruled(gerd, draft) == 200


def test_of_a_packed_file_only_what_is_theirs_comes_back(office: Office) -> None:
    """Its run shows; the file as it came, which has another company's rows too, does not."""
    night = Night(office, erp={})
    office.profile("customers", of("FR01", CUSTOMERS))
    office.profile("german", of("DE01", CUSTOMERS).replace("customers*.csv", "german*.csv"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("customers_fr.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
        archive.writestr("german_1.csv", "Code;Name;City;Limit\nD1;Own;Berlin;\n")
    night.arrive("erp/night.zip", packed.getvalue())
    night.pass_by()
    night.pass_by()
    gerd = Person(office, "gerd", "manager", "DE01")
    runs = dict(office.rows("SELECT profile, id FROM nightporter.import_run"))
    theirs, french = f"/runs/{runs['german']}", f"/runs/{runs['customers']}"
    assert "customers_fr" not in gerd.get(theirs)
    assert [gerd.client.get(path).status_code for path in (french, f"{french}/original", f"{theirs}/original")] == [404] * 3


def test_a_link_lets_nobody_decide_for_another_company(office: Office) -> None:
    """Whoever is in and has the link of a held file that is not theirs decides nothing."""
    office.profile("items", of("FR01", ITEMS) + '    [import]\n    mode = "snapshot"\n')
    office.profile("customers", of("FR01", CUSTOMERS))
    office.load("customers", "Code;Name;City;Limit\nC1;Martin;Paris;\n", "customers.csv")
    rows = [f"C1;F{number};01/02/2026;02/03/2026;100,00\n" for number in range(100)]
    office.load("items", ITEMS_HEADER + "".join(rows))
    held = office.load("items", ITEMS_HEADER + "".join(rows[:30]), "held.csv")
    gerd, path = Person(office, "gerd", "manager", "DE01"), Links(office.settings.link_keys, "", 30).decision(held.id, "x@y.z")
    for decision in ("approve", "decline"):
        gerd.client.post(path, data={"decision": decision})
    assert office.run(held.id).state == "held"
    assert office.rows("SELECT count(*) FROM nightporter.audit WHERE action IN ('approve', 'decline')") == [(0,)]


def test_rows_that_were_rejected_are_seen_by_those_who_may_see_any(office: Office) -> None:
    """Where a column names the company, a rejected row may be of another one than the rows that went in."""
    office.profile("customers", CUSTOMERS.replace("city =", 'entity = "Company", city ='))
    loaded = office.load("customers", "Code;Name;City;Limit;Company\nD1;Own;Berlin;;DE01\n;Martin;Paris;;FR01\n")
    assert loaded.tally
    assert (loaded.tally.created, loaded.tally.rejected) == (1, 1)
    gerd, ada = Person(office, "gerd", "manager", "DE01"), Person(office)
    assert gerd.client.get(f"/runs/{loaded.id}").status_code == 404
    assert "customers" in ada.get(f"/runs/{loaded.id}")


def test_the_sums_of_a_customer_who_owes_others_too_are_kept(gerd: Person) -> None:
    """Who may not see all that a customer owes sees the items of their own company, and no sum that tells of the others."""
    office = gerd.office
    german = of("DE01", ITEMS).replace('pattern = "items', 'customer_entity = "FR01"\n    pattern = "german')
    office.profile("german", german)
    office.load("german", ITEMS_HEADER + "C1;DE1;01/02/2026;02/03/2026;5,00\n", "german_1.csv")
    fred, both = Person(office, "fred", "manager", "FR01"), Person(office, "ina", "manager", "FR01", "DE01")
    seen = fred.get("/customer?entity=FR01&code=C1")
    assert ("FA1" in seen, "DE1" in seen, "7,782" in seen) == (True, False, False)
    assert "7,782.00" in both.get("/customer?entity=FR01&code=C1")


def test_a_correction_goes_nowhere_that_is_not_theirs(office: Office) -> None:
    """Where the profile fills another company by now, rows that were theirs to put right are not."""
    office.profile("customers", of("DE01", CUSTOMERS))
    office.load("customers", "Code;Name;City;Limit\nC1;Own;Berlin;\n", "customers.csv")
    office.profile("items", of("DE01", ITEMS))
    office.load("items", ITEMS_HEADER + "C1;B1;30/02/2026;02/03/2026;5\n")
    gerd = Person(office, "gerd", "manager", "DE01")
    page = gerd.get("/runs/2/rejected")
    office.profile("items", of("FR01", ITEMS))
    sent = gerd.send("/runs/2/rejected", page, column=["Issued"], stands=["30/02/2026"], instead=["27/02/2026"])
    assert sent.status_code == 404
    assert office.rows("SELECT count(*) FROM nightporter.import_run") == [(2,)]


def test_two_corrections_of_one_file_both_go_in(office: Office) -> None:
    """Each is a file of its own, and says which value it means, whatever the page shows by then."""
    office.profile("items", ITEMS)
    office.customers("C1")
    office.load("items", ITEMS_HEADER + "C1;B1;30/02/2026;02/03/2026;5\nC1;B2;31/02/2026;02/03/2026;6\n")
    ada = Person(office)
    page = ada.get("/runs/2/rejected")
    for stands, instead in (("30/02/2026", "27/02/2026"), ("31/02/2026", "26/02/2026")):
        ada.send("/runs/2/rejected", page, column=["Issued"], stands=[stands], instead=[instead])
    for run in (3, 4):
        attempt(office.engine, office.settings, office.profiles, run)
    issued = office.rows("SELECT item_number, issue_date::text FROM ar.receivable ORDER BY 1")
    assert issued == [("B1", "2026-02-27"), ("B2", "2026-02-26")]


@pytest.mark.parametrize("path", ["/runs?file=%00", "/customers?q=%00", "/login?next=%00", "/r/%00", "/profiles/%00"])
def test_an_address_that_is_no_text_is_refused(office: Office, path: str) -> None:
    """It is the asker's mistake, and no fault of the database's."""
    assert Person(office).client.get(path).status_code == 400


def test_many_passwords_at_once_are_many(office: Office) -> None:
    """Five wrong ones of an account, and the next waits, also when the right one is among them; who is right is not counted."""
    ada = Person(office)
    for _ in range(10):
        assert ada.log_in("ada").status_code == 200
    assert [ada.log_in("ada", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]

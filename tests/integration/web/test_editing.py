"""A saved profile is edited by the steps that make one: what they do not ask stays as it was written."""

import re
from html import unescape
from typing import Any

import pytest
import tomlkit

from daemon import db, ledger
from daemon.importing import attempt
from daemon.words import Words
from tests.support.console import Person
from tests.support.office import CUSTOMERS, Office

WRITTEN = """# Ours: written by hand.
dataset = "receivables"   # open items
pattern = "items_*.csv"
entity = "FR01"

[format]
decimal = ","
date = "dd/mm/yyyy"
ignore = ["Note*"]

[columns]
customer_code = "Customer"   # 100 %: its header
item_number = { join = ["Journal", "Number"], separator = "-" }
item_type = { from = "Type", map = { Fr = "invoice", Zz = "other" } }
issue_date = { first_of = ["Issued", "Booked"] }
due_date = "Due"
amount = "Amount"
remaining = { from = "Amount", default = "0" }
currency = { value = "EUR" }
comment = { from = "Remark", slice = [1, 20], optional = true }

[import]
mode = "delta"
scope = "ours"

[notify]
to = [{ email = "a@example.com", language = "fr" }]
when = "problems"
"""
FILE = """Customer;Journal;Number;Type;Issued;Booked;Due;Amount;Other
C1;A;1;Fr;01/02/2026;;02/03/2026;10,00;
C1;A;2;Fr;;01/02/2026;02/03/2026;20,00;30,00
C1;A;3;Av;01/02/2026;;unknown;-5,00;
C1;A;4;Fr;01/02/2026;;unknown;1,00;
"""
STEPS = ("shape", "columns", "words", "rules")


@pytest.fixture
def ada(office: Office) -> Person:
    """An admin, where a file of the profile came."""
    office.profile("customers", re.sub(r'(dataset = "customers")', r'\1\n    entity = "FR01"', CUSTOMERS))
    office.load("customers", "Code;Name;City;Limit\nC1;One;Paris;\n")
    office.profile("items", WRITTEN)
    office.load("items", FILE, "items_1.csv")
    return Person(office)


def fields(page: str) -> dict[str, Any]:
    """What a browser would send of a page's form, as it stands."""
    found: dict[str, list[str]] = {}
    form = page[page.index('<form method="post" class="fields wide">') :]
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        found.setdefault(name, []).append(chosen[1] if chosen else "")
    for tag in re.findall(r"<input [^>]+>", form):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") not in ("radio", "checkbox") or " checked" in tag:
            found.setdefault(attributes["name"], []).append(attributes.get("value", ""))
    return {name: values for name, values in found.items() if name != "form_token"}


def walk(ada: Person, **changes: dict[str, Any]) -> tuple[str, Any]:
    """Go through the steps with what stands in them, but for some changes; returns where, and the page of the last step."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1")
    path, page = begun.url.path.removesuffix("shape"), begun
    for step in STEPS:
        page = ada.send(f"{path}{step}", page.text, **(fields(page.text) | changes.get(step, {})))
        assert page.status_code == 200, page.text
    ada.rehearse()
    return path, ada.get(f"{path}check")


def saved(ada: Person) -> str:
    """The profile's text."""
    return (ada.office.settings.profiles / "items.toml").read_text()


def test_a_profile_that_is_walked_through_is_the_same_to_the_letter(ada: Person) -> None:
    """Nothing is lost of what the steps do not ask, and nothing is imported; the dry run is no duplicate."""
    assert "Edit the profile step by step" in ada.get("/profiles/items")
    path, check = walk(ada)
    assert "This is what importing it would do" in check
    done = ada.send(f"{path}check", check, **fields(check))
    assert done.url.path == "/profiles/items"
    assert saved(ada) == WRITTEN
    assert ada.client.get(f"{path}check").status_code == 404
    assert ada.office.rows("SELECT count(*) FROM nightporter.import_run") == [(2,)]


def test_what_is_chosen_anew_is_written_where_it_stood(ada: Person) -> None:
    """A column, one where the first is empty, a word, a value that cannot be read, a recipient; all else stays, comments too."""
    columns = {"column_8": "remaining:otherwise"}
    words = {
        "word_item_type": ["Fr", "Av"],
        "means_item_type": ["invoice", "credit_note"],
        "word_due_date": ["unknown"],
        "means_due_date": ["31/12/2026"],
    }
    path, check = walk(ada, columns=columns, words=words, rules={"to": "a@example.com, b@example.com", "by": "06:00"})
    assert "4 rows" not in check
    ada.send(f"{path}check", check, **fields(check))
    was, now = tomlkit.parse(WRITTEN).unwrap(), tomlkit.parse(saved(ada)).unwrap()
    assert now["columns"]["item_type"]["map"] == {"Fr": "invoice", "Zz": "other", "Av": "credit_note"}
    assert now["columns"]["due_date"] == {"from": "Due", "map": {"unknown": "31/12/2026"}}
    assert now["columns"]["remaining"] == {"first_of": ["Amount", "Other"], "default": "0"}
    assert now["notify"]["to"][0] == {"email": "a@example.com", "language": "fr"}
    assert now["notify"]["to"][1]["email"] == "b@example.com"
    assert now["expect"] == {"by": "06:00"}
    for name in ("item_type", "due_date", "remaining"):
        was["columns"].pop(name), now["columns"].pop(name)
    assert now["columns"] == was["columns"]
    assert "# 100 %: its header" in saved(ada)
    ada.office.load("items", f"{FILE}C1;A;5;Fr;01/02/2026;;02/03/2026;;7,00\n", "items_2.csv")
    assert ada.office.rows("SELECT item_number, remaining::int FROM ar.receivable WHERE item_number > 'A-3' ORDER BY 1") == [
        ("A-4", 1)
    ]


def test_values_that_cannot_be_read_are_asked_for(ada: Person) -> None:
    """Each with how often it is there, under the field that it cannot be."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1")
    words = ada.get(begun.url.path.removesuffix("shape") + "words")
    assert 'name="word_due_date" value="unknown"' in words
    assert 'name="word_item_type" value="Av"' in words
    assert re.search(r"<td>unknown</td><td[^>]*>2</td>", words)


def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(ada: Person) -> None:
    """The summary leads to the field; what else was typed still stands."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1")
    assert "add to [format]" not in begun.text  # the order of its dates is said
    path = begun.url.path.removesuffix("shape")
    page = ada.get(f"{path}rules")
    answer = ada.send(f"{path}rules", page, **(fields(page) | {"to": "nobody", "days": "mon-fri", "by": "07:30"}))
    assert answer.status_code == 422
    assert '<a href="#to">' in answer.text
    assert 'id="to" name="to" aria-invalid="true" aria-describedby="fault"' in answer.text
    assert 'value="07:30"' in answer.text
    assert 'value="mon-fri"' in answer.text
    page = ada.get(f"{path}columns")
    twice = ada.send(f"{path}columns", page, **(fields(page) | {"column_8": "customer_code"}))
    assert '<a href="#column_8">' in twice.text


def test_a_profile_that_was_written_meanwhile_is_not_written_over(ada: Person) -> None:
    """What somebody else saved stays, and that is told."""
    path, check = walk(ada, rules={"to": "b@example.com"})
    other = WRITTEN.replace("Ours: written", "Theirs: written")
    (ada.office.settings.profiles / "items.toml").write_text(other)
    assert "meanwhile" in ada.send(f"{path}check", check, **fields(check)).text
    assert saved(ada) == other


def test_a_manager_edits_the_profiles_of_their_companies_only(ada: Person) -> None:
    """By the steps; as text they are the admins'."""
    fred, gerd = Person(ada.office, "fred", "manager", "FR01"), Person(ada.office, "gerd", "manager", "DE01")
    path, check = walk(fred, rules={"to": "fred@example.com"})
    assert fred.send(f"{path}check", check, **fields(check)).url.path == "/runs"
    assert "fred@example.com" in saved(ada)
    assert gerd.send("/runs/2/draft", gerd.get("/upload"), edit="1").status_code == 404
    moved = fred.send("/runs/2/draft", fred.get("/runs/2"), edit="1").url.path.removesuffix("shape")
    page = fred.get(f"{moved}rules")
    assert fred.send(f"{moved}rules", page, **(fields(page) | {"entity": "DE01"})).status_code == 422


def test_the_audit_shows_what_was_imported_and_written(ada: Person) -> None:
    """Profiles that steps have written, and imports that began with a draft."""
    path, check = walk(ada, rules={"to": "b@example.com"})
    ada.send(f"{path}check", check, **fields(check))
    content = "Customer no;Invoice number;Invoice date;Due date;Amount\nC1;F9;01/02/2026;02/03/2026;5,00\n"
    page = ada.send("/upload", ada.get("/upload"), dataset="receivables", file=("other.csv", content.encode()))
    path = page.url.path.removesuffix("shape")
    said = {"columns": {"value_currency": "EUR"}, "rules": {"mode": "delta", "entity": "FR01", "name": "other"}}
    for step in STEPS:
        page = ada.send(f"{path}{step}", page.text, **(fields(page.text) | said.get(step, {})))
    ada.rehearse()
    check = ada.get(f"{path}check")
    done = ada.send(f"{path}check", check, **fields(check))
    assert done.url.path.startswith("/runs/"), re.findall('role="alert".*', done.text)
    assert "/profiles/other" in ada.get("/audit")
    assert "/profiles/items" in ada.get("/audit")


def test_a_dry_run_is_made_whenever_there_is_none_of_what_stands(ada: Person) -> None:
    """Whichever way somebody comes to the last step; and once only, however often it is looked at."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1")
    path = begun.url.path.removesuffix("shape")
    for _ in range(3):
        assert "being tried" in ada.get(f"{path}check")
    assert ada.office.rows("SELECT count(*) FROM nightporter.procrastinate_jobs WHERE task_name = 'rehearse_draft'") == [(1,)]
    ada.rehearse()
    assert "This is what importing it would do" in ada.get(f"{path}check")


def test_what_can_be_no_value_is_not_taken(ada: Person) -> None:
    """Neither a constant, nor what a word is to mean, nor years of two digits whose century nobody says."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1")
    path = begun.url.path.removesuffix("shape")
    page = ada.get(f"{path}columns")
    answer = ada.send(f"{path}columns", page, **(fields(page) | {"value_currency": "real"}))
    assert (answer.status_code, '<a href="#value_currency">' in answer.text) == (422, True)
    page = ada.get(f"{path}shape")
    answer = ada.send(f"{path}shape", page, **(fields(page) | {"date": "dd/mm/yy", "decimal": ","}))
    assert '<a href="#pivot">' in answer.text
    assert 'value="dd/mm/yy"' in answer.text
    answer = ada.send(f"{path}shape", page, **(fields(page) | {"date": "dd/mm/yy", "pivot": "70"}))
    assert answer.url.path.endswith("/columns")


def test_a_filled_template_that_comes_back_has_no_example_for_a_record(ada: Person) -> None:
    """Its rows are what is stored, and no more."""
    content = ada.client.get("/templates/filled.xlsx?dataset=customers&entity=FR01").content
    page = ada.send("/upload", ada.get("/upload"), dataset="customers", file=("mine.xlsx", content))
    path = page.url.path.removesuffix("shape")
    for step in STEPS:
        rules = {"name": "mine", "entity": "FR01", "pattern": "mine*.xlsx"} if step == "rules" else {}
        page = ada.send(f"{path}{step}", page.text, **(fields(page.text) | rules))
        assert page.status_code == 200, page.text
    ada.rehearse()
    check = ada.get(f"{path}check")
    assert "C10042" not in check
    assert re.search(r"Read</dt><dd[^>]*>1<|Read</th><td[^>]*>1<|>1</", check)


def test_a_form_of_an_earlier_login_is_taken_and_an_ended_one_is_told(ada: Person) -> None:
    """What was open in another tab is not lost; without a login nothing is saved, and that is said."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1")
    path = begun.url.path.removesuffix("shape")
    page = ada.get(f"{path}rules")
    ada.send("/logout", page)
    ended = ada.send(f"{path}rules", page, **fields(page))
    assert (ended.status_code, "was not saved" in ended.text) == (401, True)
    ada.log_in("ada")
    assert ada.send(f"{path}rules", page, **fields(page)).url.path.endswith("/check")
    other = Person(ada.office, "eve")
    assert other.send(f"{path}rules", page, **fields(page)).status_code == 403


def test_a_link_of_somebody_who_left_opens_nothing(ada: Person) -> None:
    """The rejected rows that they could see from the console."""
    ada.office.load("items", FILE.replace("02/03/2026", "99/99/2026"), "items_9.csv")
    fred = Person(ada.office, "fred", "manager", "FR01")
    shown = re.search(r'href="(/r/[^"]+)"', fred.get("/runs/3"))
    assert shown
    assert fred.client.get(shown[1]).status_code == 200
    with db.transaction(ada.office.engine) as conn:
        ledger.people.end_account(conn, "fred")
    assert fred.client.get(shown[1]).status_code == 404


def test_a_profile_of_every_habit_is_walked_through_unharmed(ada: Person) -> None:
    """Blank meanings, orders, marks that nobody sees, rules about fields that have no column, tables in several parts."""
    text = (
        WRITTEN.replace('Zz = "other"', 'Zz = "other", "?" = ""')
        .replace('decimal = ","', 'decimal = ","\nthousands = " "\ndelimiter = ";"')
        .replace('first_of = ["Issued", "Booked"]', 'first_of = ["Booked", "Issued"]')
        .replace('mode = "delta"', 'mode = "delta"\nprotect = ["comment", "amount", "dispute_status"]')
        .replace('amount = "Amount"\n', "")
        .replace("[notify]", '[columns.amount]\nfrom = "Amount"\n\n[notify]')
    )
    (ada.office.settings.profiles / "items.toml").write_text(text)
    path, check = walk(ada)
    assert ada.send(f"{path}check", check, **fields(check)).url.path == "/profiles/items"
    assert saved(ada) == text
    path, check = walk(ada, columns={"column_7": ["", "remaining"], "column_8": "amount"})
    ada.send(f"{path}check", check, **fields(check))
    now = tomlkit.parse(saved(ada)).unwrap()
    assert now["columns"]["amount"] == {"from": "Other"}
    assert now["import"]["protect"] == ["comment", "amount", "dispute_status"]


def test_who_gets_the_mail_is_added_where_nobody_did(ada: Person) -> None:
    """A profile without recipients has no such table."""
    (ada.office.settings.profiles / "items.toml").write_text(WRITTEN.partition("[notify]")[0])
    path, check = walk(ada, rules={"to": "new@example.com"})
    ada.send(f"{path}check", check, **fields(check))
    assert tomlkit.parse(saved(ada)).unwrap()["notify"]["to"] == [{"email": "new@example.com", "language": "en"}]


def test_steps_that_were_passed_over_are_checked_all_the_same(ada: Person) -> None:
    """A manager who goes to the last step at once saves no pattern that takes what is another's, and no name that was another's."""
    gerd = Person(ada.office, "gerd", "manager", "DE01")
    for name in ("****************.csv", "items.csv"):
        content = "Customer no;Name\nC7;Seven\n"
        begun = gerd.send("/upload", gerd.get("/upload"), dataset="customers", file=(name, content.encode()))
        path = begun.url.path.removesuffix("shape")
        gerd.get(f"{path}check")
        gerd.rehearse()
        check = gerd.get(f"{path}check")
        assert gerd.send(f"{path}check", check, version=fields(check)["version"]).status_code == 422
    assert sorted(each.stem for each in ada.office.settings.profiles.glob("*.toml")) == ["customers", "items"]


def test_the_first_of_several_columns_is_taken_by_a_new_profile(ada: Person) -> None:
    """Said in the columns; a flag may have words beside it."""
    content = "Customer no;Invoice number;Invoice date;Due date;Amount;Second\nC1;F9;01/02/2026;02/03/2026;;5,00\n"
    begun = ada.send("/upload", ada.get("/upload"), dataset="receivables", file=("other.csv", content.encode()))
    path, page = begun.url.path.removesuffix("shape"), begun
    said: dict[str, dict[str, Any]] = {
        "columns": {"value_currency": "EUR", "column_4": "amount", "column_5": "amount:otherwise"},
        "rules": {"mode": "delta", "entity": "FR01", "name": "other"},
    }
    for step in STEPS:
        page = ada.send(f"{path}{step}", page.text, **(fields(page.text) | said.get(step, {})))
    ada.rehearse()
    check = ada.get(f"{path}check")
    assert ada.send(f"{path}check", check, **fields(check)).url.path.startswith("/runs/")
    written = (ada.office.settings.profiles / "other.toml").read_text()
    assert tomlkit.parse(written).unwrap()["columns"]["amount"] == {"first_of": ["Amount", "Second"]}


def test_who_began_an_import_gets_its_mail(ada: Person) -> None:
    """Where their name at the console is an address, in their language, beside those whom the profile names."""
    eva = Person(ada.office, "eva@example.com", "admin", language="fr")
    content = "Customer no;Invoice number;Invoice date;Due date;Amount\nC1;F9;01/02/2026;02/03/2026;5,00\n"
    page = eva.send("/upload", eva.get("/upload"), dataset="receivables", file=("other.csv", content.encode()))
    path = page.url.path.removesuffix("shape")
    said: dict[str, dict[str, Any]] = {
        "columns": {"value_currency": "EUR"},
        "rules": {"mode": "delta", "entity": "FR01", "name": "other", "to": "credit@example.com"},
    }
    for step in STEPS:
        page = eva.send(f"{path}{step}", page.text, **(fields(page.text) | said.get(step, {})))
    eva.rehearse()
    check = eva.get(f"{path}check")
    done = eva.send(f"{path}check", check, **fields(check)).url.path
    attempt(ada.office.engine, ada.office.settings, ada.office.profiles, int(done.removeprefix("/runs/")))
    mails = "SELECT recipient, language FROM nightporter.email WHERE run_id > 2 ORDER BY 1"
    assert ada.office.rows(mails) == [("credit@example.com", "fr"), ("eva@example.com", "fr")]


def test_a_blank_cell_may_have_a_value_of_its_own(ada: Person) -> None:
    """For each column that is read, whatever else the profile says of it; one that its field cannot have is not taken."""
    blanks = {"default_comment": "none", "default_due_date": "31/12/2026", "default_remaining": ""}
    path, check = walk(ada, columns=blanks)
    ada.send(f"{path}check", check, **fields(check))
    columns = tomlkit.parse(saved(ada)).unwrap()["columns"]
    assert columns["comment"] == {"from": "Remark", "slice": [1, 20], "optional": True, "default": "none"}
    assert (columns["due_date"], columns["remaining"]) == ({"from": "Due", "default": "31/12/2026"}, {"from": "Amount"})
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"), edit="1").url.path.removesuffix("shape")
    page = ada.get(f"{begun}columns")
    answer = ada.send(f"{begun}columns", page, **(fields(page) | {"default_item_type": "nonsense"}))
    assert answer.status_code == 422
    assert '<a href="#default_item_type">' in answer.text


def test_a_page_that_is_none_leads_on_and_speaks_the_readers_language(ada: Person) -> None:
    """With the console's head for who is in it, and not an English word of ours in it for who reads German."""
    words = Words("de")
    gone = ada.client.get("/runs/4711?language=de")
    assert gone.status_code == 404
    assert words("page.nothing_there") in gone.text
    assert f'<a href="/runs">{words("console.runs")}</a>' in gone.text
    foreign = ada.client.post("/drops/erp?language=de", data={"form_token": "another"})
    assert (foreign.status_code, words("page.another_login") in foreign.text) == (403, True)
    large = ada.send("/drops/erp?language=de", ada.get("/drops"), name="x" * 100_000)
    assert (large.status_code, words("page.too_much_sent") in large.text) == (413, True)


def test_the_faults_of_a_profile_are_told_in_the_readers_language(ada: Person) -> None:
    """Each with its line and its key, those of the checks of ours and those of the form of a value."""
    text = WRITTEN.replace('"dd/mm/yyyy"', '"dd.mm."').replace('mode = "delta"', 'mode = "daily"').replace("scope =", "scoop =")
    page = ada.get("/profiles/items")
    stood = re.search(r'name="stood" value="([^"]+)"', page)
    assert stood
    answer = ada.send("/profiles/items?language=de", page, text=text, stood=stood[1])
    words, shown = Words("de"), unescape(answer.text)
    assert f"8 format.date: {words('mistake.date_pattern')}" in shown
    assert f"23 import.mode: {words('mistake.one_of', expected=words._one_of(['delta', 'snapshot']))}" in shown
    assert f"24 import.scoop: {words('mistake.key_close', close='scope')}" in shown

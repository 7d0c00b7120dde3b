"""The console without a window: who comes in, what they see, what they do."""

import io
import re

import openpyxl
import pytest

from daemon import db
from daemon.db import text
from daemon.importing import attempt
from daemon.results import Links
from tests.support.console import PASSWORD, Person
from tests.support.night import Night
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n'
ROWS = [f"C1;F{number};01/02/2026;02/03/2026;100,00\n" for number in range(100)]
PAGES = ["/", "/runs", "/upload", "/customers", "/customers?q=C", "/drops", "/profiles", "/settings", "/audit"]


@pytest.fixture
def ada(office: Office) -> Person:
    """An admin, and two imports: one with a rejected row, one that is held."""
    office.profile("items", SNAPSHOT)
    office.customers("C1")
    office.load("items", ITEMS_HEADER + "".join(ROWS) + "C1;BAD;31/02/2026;02/03/2026;5\n")
    office.load("items", ITEMS_HEADER + "".join(ROWS[:30]), "held.csv")
    return Person(office)


def test_every_page_is_there(ada: Person) -> None:
    """An admin finds each page of the head; each says in its head where one is."""
    for path in PAGES:
        page = ada.get(path)
        assert "Log out ada" in page
    assert "held.csv" in ada.get("/")
    assert 'aria-current="page"' in ada.get("/runs")


def test_who_is_not_in_is_asked_and_told_nothing(office: Office, ada: Person) -> None:
    """Pages lead to the login and back; a wrong password and an unknown name are one answer; five of them, and it takes a while."""
    ada.client.cookies.clear()
    answer = ada.client.get("/runs?state=held", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/runs%3Fstate%3Dheld")
    wrong = [ada.log_in("ada", "wrong") for _ in range(3)] + [ada.log_in("nobody", "wrong") for _ in range(2)]
    assert {each.status_code for each in wrong} == {401}
    assert len({re.sub('value="[^"]*"', "", each.text) for each in wrong}) == 1
    assert [ada.log_in("ada", "wrong").status_code for _ in range(3)] == [401, 401, 429]
    assert ada.log_in("ada").status_code == 429
    assert Person(office, "eve").log_in("eve").status_code == 200


def test_a_session_ends_where_it_began(ada: Person) -> None:
    """The cookie can be read by no script and goes nowhere else; after the log-out it opens nothing, though somebody kept it."""
    answer = ada.client.post(
        "/login", data={"name": "ada", "password": PASSWORD, "next": "//evil.example"}, follow_redirects=False
    )
    assert answer.headers["location"] == "/"
    assert {"HttpOnly", "SameSite=lax"} <= set(answer.headers["set-cookie"].split("; "))
    kept = ada.client.cookies["nightporter"]
    ada.send("/logout", ada.get("/"))
    ada.client.cookies.set("nightporter", kept)
    assert "/login" in str(ada.client.get("/runs").url)


def test_a_form_is_taken_only_from_its_own_login(ada: Person) -> None:
    """Without the session's token, or with another's, nothing is done."""
    for token in ("", "x" * 32):
        answer = ada.client.post("/runs/3", data={"form_token": token, "action": "decline"})
        assert answer.status_code == 403
    assert ada.office.run(3).state == "held"


def test_a_held_file_is_declined_and_an_import_undone(ada: Person) -> None:
    """Each act is done once, told on the run's page, and stands in the audit with what was so before and after."""
    ada.send("/runs/3", ada.get("/runs/3"), action="decline")
    assert ada.office.run(3).code == "declined"
    answer = ada.send("/runs/2", ada.get("/runs/2"), action="undo")
    assert "undone by ada" in answer.text
    assert ada.office.rows("SELECT count(*) FROM ar.receivable WHERE state = 'open'") == [(0,)]
    again = ada.send("/runs/2", ada.get("/runs/2"), action="undo")
    assert again.status_code == 409
    audit = ada.get("/audit")
    assert "decline" in audit
    assert re.search("declined a held file.*held → not imported", audit, re.DOTALL)


def test_the_original_comes_back_byte_by_byte(ada: Person) -> None:
    """What was archived is what is downloaded."""
    answer = ada.client.get("/runs/3/original")
    assert answer.content.decode() == ITEMS_HEADER + "".join(ROWS[:30])
    assert answer.headers["content-disposition"] == 'attachment; filename="held.csv"'


def test_a_held_file_shows_what_it_would_change(ada: Person) -> None:
    """What is and what would be stand side by side, what would be cleared below, the dearest first; the loud button is the safe
    one; and who opens the link of the mail sees the same.
    """
    rows = [f"C1;F{number};01/02/2026;02/03/2026;{100 + number},00\n" for number in range(100)]
    ada.office.load("items", ITEMS_HEADER + "".join(rows), "dearer.csv")
    held = ada.office.load("items", ITEMS_HEADER + "".join(rows[:30]), "short.csv")
    link = Links.of(ada.office.settings).decision(held.id, "x@y.z")
    for path in (f"/runs/{held.id}", link.removeprefix(ada.office.settings.web.public_url)):
        page = ada.get(path)
        assert "With this file" in page
        assert page.index("14,950.00") < page.index("3,435.00")
        assert page.index("C1 F99, 199.00 EUR") < page.index("C1 F98, 198.00 EUR")
        assert page.index('class="button" name="') < page.index("decline") < page.index("approve")


def test_runs_are_filtered_by_their_address(ada: Person) -> None:
    """State, name and trouble are asked for in the address; what is no state is not asked for."""
    assert "held.csv" in ada.get("/runs?state=held")
    assert "held.csv" not in ada.get("/runs?state=imported")
    assert "held.csv" in ada.get("/runs?file=HELD")
    assert "held.csv" in ada.get("/runs?problems=1")
    assert "held.csv" in ada.get("/runs?state=nonsense")


def test_a_manager_sees_nothing_of_another_company(office: Office) -> None:
    """Neither runs, nor customers, nor a file that holds rows of both; nor what is the admins'."""
    office.profile("customers", CUSTOMERS.replace('dataset = "customers"', 'dataset = "customers"\n    entity = "FR01"'))
    office.load("customers", "Code;Name;City;Limit\nC1;Martin;Paris;\n", "french.csv")
    mine, theirs = Person(office, "fred", "manager", "FR01"), Person(office, "gerd", "manager", "DE01")
    assert "french.csv" in mine.get("/runs")
    assert "french.csv" not in theirs.get("/runs")
    assert theirs.client.get("/runs/1").status_code == 404
    assert "Martin" in mine.get("/customers?q=Mar")
    assert "Martin" not in theirs.get("/customers?q=Mar")
    assert theirs.client.get("/customer?entity=FR01&code=C1").status_code == 404
    for path in ("/drops", "/profiles", "/audit"):
        assert mine.client.get(path).status_code == 404


def test_a_link_is_not_enough_to_decide_once_there_are_users(ada: Person) -> None:
    """The page behind it shows; its buttons ask who it is, and then the decision is theirs."""
    from daemon.results import Links

    path = Links(ada.office.settings.link_keys, "", 30).decision(3, "credit@example.com")
    ada.client.cookies.clear()
    assert "Import it all the same" in ada.get(path)
    asked = ada.client.post(path, data={"decision": "decline"})
    assert "Password" in asked.text
    assert ada.office.run(3).state == "held"
    ada.log_in("ada")
    ada.client.post(path, data={"decision": "decline"})
    assert ada.office.run(3).decided_by == "ada"


def test_an_export_nobody_has_seen_is_uploaded_tried_imported_and_saved(office: Office) -> None:
    """From the file to a profile in the home folder: shape, columns, words, rules, dry run, import; each step keeps what was said."""
    office.customers("C1", "C2")
    ada = Person(office)
    export = "Client;Pièce;Type;Emission;Echéance;Solde;Devise\n" + "".join(
        f"C{1 + n % 2};FA{n:04};{'Fr' if n % 3 else 'Av'};{1 + n % 28:02}/03/2026;30/04/2026;{n},50;EUR\n" for n in range(1, 41)
    )
    begun = ada.send("/upload", ada.get("/upload"), dataset="receivables", file=("OUVERTS_20261120.csv", export.encode("cp1252")))
    assert begun.status_code == 200
    assert "Pièce" in begun.text
    path = begun.url.path.removesuffix("shape")
    columns = ada.send(f"{path}shape", begun.text, version=version(begun.text))
    assert str(columns.url).endswith("/columns")
    fields = {name: value for name, value in selected(columns.text) if name.startswith("column_")}
    assert "item_number" in fields.values()
    solde = next(name for name, value in fields.items() if value == "amount")
    unsaid = fields | {solde: ""}
    stays = ada.send(f"{path}columns", columns.text, version=version(columns.text), **unsaid)
    assert "Still without a column: Amount" in stays.text
    words = ada.send(f"{path}columns", stays.text, version=version(stays.text), **fields)
    choices = {"word_item_type": ["Fr", "Av"], "means_item_type": ["invoice", "credit_note"]}
    assert [hidden in words.text for hidden in ('name="word_item_type" value="Fr"', 'name="word_item_type" value="Av"')] == [
        True
    ] * 2
    rules = ada.send(f"{path}words", words.text, version=version(words.text), **choices)
    assert 'value="OUVERTS_%Y%m%d.csv"' in rules.text
    elsewhere = ada.send(
        f"{path}rules", rules.text, version=version(rules.text), name="ouverts", mode="delta", business_date="X_%Y%m%d.csv"
    )
    assert "OUVERTS_20261120.csv: X_%Y%m%d.csv" in elsewhere.text
    silent = ada.send(f"{path}rules", rules.text, version=version(rules.text), name="ouverts", pattern="OUVERTS_*.csv")
    assert "Say whether the file is all that is open" in silent.text
    check = ada.send(
        f"{path}rules",
        rules.text,
        version=version(rules.text),
        name="ouverts",
        pattern="OUVERTS_*.csv",
        mode="delta",
        to="c@example.com",
        business_date="OUVERTS_%Y%m%d.csv",
        by="06:00",
        days="mon-fri",
        protect_due_date="1",
    )
    assert "being tried" in check.text
    assert office.rows("SELECT count(*) FROM ar.receivable") == [(0,)]
    ada.rehearse()
    tried = ada.get(f"{path}check")
    assert "This is what importing it would do" in tried
    assert office.rows("SELECT count(*) FROM ar.receivable") == [(0,)]
    stale = ada.send(f"{path}check", tried, version="1")
    assert "Somebody changed this draft meanwhile" in stale.text
    done = ada.send(f"{path}check", tried, version=version(tried))
    assert done.url.path.startswith("/runs/")
    saved = (office.settings.profiles / "ouverts.toml").read_text()
    assert (
        'map = { "Fr" = "invoice", "Av" = "credit_note" }' in saved or 'map = { "Av" = "credit_note", "Fr" = "invoice" }' in saved
    )
    assert 'to = [{ email = "c@example.com", language = "en" }]' in saved
    profile = office.profiles.get("ouverts")
    assert (profile.import_.business_date, profile.import_.protect) == ("OUVERTS_%Y%m%d.csv", ["due_date"])
    assert profile.expect
    assert (profile.expect.by, profile.expect.days) == ("06:00", "mon-fri")
    assert office.load("ouverts", export.encode("cp1252"), "OUVERTS_20261121.csv").state == "imported"
    assert office.rows("SELECT count(*), count(*) FILTER (WHERE item_type = 'credit_note') FROM ar.receivable") == [(40, 13)]


def test_rows_are_put_right_by_one_value(office: Office) -> None:
    """What 40 rows were rejected for is said once: they go in by a run of their own, and the page shows what is left."""
    office.profile("items", ITEMS)
    office.customers("C1")
    bad = "".join(f"C1;B{n};31/02/2026;02/03/2026;5\n" for n in range(40)) + "C1;X;01/02/2026;02/03/2026;?\n"
    office.load("items", ITEMS_HEADER + bad)
    ada = Person(office)
    listed = ada.get("/runs/2/rejected")
    assert listed.index("31/02/2026") < listed.index("?")
    said = {"column": ["Issued", "Amount"], "stands": ["31/02/2026", "?"], "instead": ["28/02/2026", ""]}
    done = ada.send("/runs/2/rejected", listed, **said)
    assert done.url.path == "/runs/3"
    attempt(office.engine, office.settings, office.profiles, 3)
    assert office.rows("SELECT count(*) FROM ar.receivable WHERE issue_date = '2026-02-28'") == [(40,)]
    left = ada.get("/runs/2/rejected")
    assert "31/02/2026" not in left
    assert "?" in left
    assert "31/02/2026: 28" not in ada.get("/audit")


def test_what_went_in_by_a_second_try_is_left_on_neither_page(office: Office) -> None:
    """Put right with another fault, and then once more from there: no page offers those rows again, and each leads to the others."""
    office.profile("items", ITEMS)
    office.customers("C1")
    office.load("items", ITEMS_HEADER + "".join(f"C1;B{n};31/02/2026;02/03/2026;5\n" for n in range(3)))
    ada = Person(office)
    for run, stands, instead in ((2, "31/02/2026", "30/02/2026"), (3, "30/02/2026", "28/02/2026")):
        said = {"column": ["Issued"], "stands": [stands], "instead": [instead]}
        ada.send(f"/runs/{run}/rejected", ada.get(f"/runs/{run}/rejected"), **said)
        attempt(office.engine, office.settings, office.profiles, run + 1)
    assert office.rows("SELECT count(*) FROM ar.receivable WHERE issue_date = '2026-02-28'") == [(3,)]
    assert "31/02/2026" not in ada.get("/runs/2/rejected")
    assert "30/02/2026" not in ada.get("/runs/3/rejected")
    assert '<a href="/runs/3">' in ada.get("/runs/2")
    assert '<a href="/runs/3">' in ada.get("/runs/4")
    undone = ada.send("/runs/2", ada.get("/runs/2"), action="undo")
    assert "undone" in undone.text
    assert office.rows("SELECT count(*) FROM ar.receivable") == [(0,)]


def test_single_cells_are_put_right_or_the_workbook_sent_back(office: Office) -> None:
    """A row's own cell is edited in the page; the workbook goes back where it came from, and no other is taken for it."""
    office.profile("items", ITEMS)
    office.customers("C1")
    bad = "C1;B1;;02/03/2026;5\nC1;B2;;02/03/2026;6\nC1;B3;;02/03/2026;7\n"
    office.load("items", ITEMS_HEADER + bad)
    office.load("items", ITEMS_HEADER + bad.replace(";B", ";D"))
    ada = Person(office)
    listed = ada.get("/runs/2/rejected")
    done = ada.send("/runs/2/rejected", listed, cell_2_2="01/02/2026", cell_3_2="03/02/2026", cell_4_2="", cell_2_99="x")
    attempt(office.engine, office.settings, office.profiles, int(done.url.path.removeprefix("/runs/")))
    rows = "SELECT item_number, issue_date::text FROM ar.receivable ORDER BY 1"
    assert office.rows(rows) == [("B1", "2026-02-01"), ("B2", "2026-02-03")]
    assert "Issued (2): 01/02/2026" in ada.get("/audit")
    left = ada.get("/runs/2/rejected")
    link = re.search(r'href="(/r/[^"]+)"', left)
    assert link
    workbook = ada.client.get(link[1] + "/rejects.xlsx").content
    name = "rows.xlsx"
    other = ada.send("/runs/3/rejected/workbook", ada.get("/runs/3/rejected"), file=(name, workbook))
    assert (other.status_code, "This is not the workbook" in other.text) == (422, True)
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    sheet = book.worksheets[0]
    sheet.cell(2, 3).value = "05/02/2026"
    mended = io.BytesIO()
    book.save(mended)
    done = ada.send("/runs/2/rejected/workbook", left, file=(name, mended.getvalue()))
    attempt(office.engine, office.settings, office.profiles, int(done.url.path.removeprefix("/runs/")))
    assert office.rows(rows)[2:] == [("B3", "2026-02-05")]


def test_a_ready_made_profile_is_offered_first(office: Office) -> None:
    """Where one knows all columns of a file, it says them all; what is asked is whose files they are; or one goes on by hand."""
    office.customers("C1")
    ada = Person(office)
    header = "CT_Num;EC_No;JO_Num;EC_Piece;EC_RefPiece;EC_Intitule;EC_Date;EC_Echeance;Debit;Credit\n"
    rows = "".join(f"C1;{n};VTE;P{n};FA{n};Étude;0{n}/11/2026;15/12/2026;{n}0.50;0.00\n" for n in range(1, 9))
    begun = ada.send("/upload", ada.get("/upload"), dataset="receivables", file=("S_1.csv", (header + rows).encode("cp1252")))
    assert "The ready-made profile sage100-open-items fits this file" in begun.text
    path = begun.url.path.removesuffix("shape")
    used = ada.send(f"{path}shape", begun.text, version=version(begun.text), ready_made="sage100-open-items")
    words = ada.send(f"{path}columns", used.text, version=version(used.text))
    rules = ada.send(f"{path}words", words.text, version=version(words.text))
    said = {"name": "sage", "pattern": "S_*.csv", "mode": "snapshot", "to": "c@example.com", "entity": "FR01"}
    ada.send(f"{path}rules", rules.text, version=version(rules.text), **said)
    ada.rehearse()
    tried = ada.get(f"{path}check")
    assert "This is what importing it would do" in tried
    ada.send(f"{path}check", tried, version=version(tried))
    profile = office.profiles.get("sage")
    assert (profile.entity, profile.pattern, profile.import_.mode) == ("FR01", "S_*.csv", "snapshot")
    assert "the rule under the headers" in (office.settings.profiles / "sage.toml").read_text()
    by_hand = ada.send("/upload", ada.get("/upload"), dataset="receivables", file=("T_1.csv", (header + rows).encode("cp1252")))
    path = by_hand.url.path.removesuffix("shape")
    used = ada.send(f"{path}shape", by_hand.text, version=version(by_hand.text), ready_made="sage100-open-items")
    back = ada.get(f"{path}shape")
    left = ada.send(f"{path}shape", back, version=version(back), by_hand="1")
    assert "fits this file" in left.text


def test_rows_that_wait_are_found_by_the_customer_that_is_not_there(ada: Person) -> None:
    """Whoever looks for a customer that did not come yet sees what waits for it; who may not see whose rows they are, nothing."""
    ada.office.profile("other", '    entity = "DE01"\n' + ITEMS)
    run = ada.office.load(
        "other", ITEMS_HEADER + "C404;W1;01/02/2026;02/03/2026;5\nC404;W2;01/02/2026;02/03/2026;5\n", "other.csv"
    )
    page = ada.get("/customers?q=C40")
    assert "C404" in page
    assert "2 rows" in page
    assert f"/runs/{run.id}" in page
    assert "C404</b>" not in Person(ada.office, "fred", "manager", "FR01").get("/customers?q=C40")


def test_one_act_is_done_on_all_that_match(ada: Person) -> None:
    """They are counted and shown before; what comes meanwhile is left alone; the audit has each of them."""
    for number in range(3):
        ada.office.load("items", ITEMS_HEADER + "".join(ROWS[: 20 + number]), f"short{number}.csv")
    assert "Decline 3 held files" in ada.get("/runs?file=short")
    assert "Decline" not in ada.get("/runs")
    shown = ada.send("/runs/all", ada.get("/runs?file=short"), file="short", action="decline")
    assert "Decline 3 held files" in shown.text
    seen = re.findall('name="run" value="([0-9.]+)"', shown.text)
    later = ada.office.load("items", ITEMS_HEADER + "".join(ROWS[:19]), "short-later.csv")
    done = ada.send("/runs/all", shown.text, file="short", action="decline", run=[*seen, f"{seen[0].split('.')[0]}.7", "x.1"])
    assert "3 are done" in done.text
    codes = "SELECT count(*) FROM nightporter.import_run WHERE code = 'declined'"
    assert ada.office.rows(codes) == [(3,)]
    assert ada.office.run(later.id).state == "held"
    assert "0 are done" in ada.send("/runs/all", shown.text, file="short", action="decline", run=seen).text
    assert "Try" not in ada.get("/runs?file=short")  # what somebody declined is tried again by itself, and one by one
    assert ada.get("/audit").count("declined a held file") == 3


def test_a_template_comes_empty_or_with_what_is_stored(ada: Person) -> None:
    """Filled in, it has every open item of a company, typed as a spreadsheet types them, and is read back by Smart Upload."""
    empty = openpyxl.load_workbook(io.BytesIO(ada.client.get("/templates/receivables.xlsx").content)).worksheets[0]
    assert empty.cell(3, 1).value is None
    content = ada.client.get("/templates/filled.xlsx?dataset=receivables&entity=").content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    titles = {sheet.cell(1, column).value: column for column in range(1, sheet.max_column + 1)}
    assert [sheet.cell(3, titles[name]).value for name in ("Item number", "Amount")] == ["F0", 100]
    with db.transaction(ada.office.engine) as conn:
        conn.execute(text("UPDATE ar.customer SET business_name = '=1+1' || chr(11)"))
    book = openpyxl.load_workbook(io.BytesIO(ada.client.get("/templates/filled.xlsx?dataset=customers&entity=").content))
    assert ("=1+1", "s") in {(cell.value, cell.data_type) for cell in book.worksheets[0][3]}
    assert sum(sheet.cell(row, 1).value is not None for row in range(3, sheet.max_row + 1)) == 100
    begun = ada.send("/upload", ada.get("/upload"), dataset="receivables", file=("stored.xlsx", content))
    assert begun.url.path.endswith("/shape")
    assert ada.client.get("/templates/nonsense.xlsx").status_code == 404


def test_a_draft_begins_with_a_past_file_and_is_tried_on_others(ada: Person) -> None:
    """What the profile would make of the last files of its pattern is told beside this one's dry run."""
    begun = ada.send("/runs/2/draft", ada.get("/runs/2"))
    path = begun.url.path.removesuffix("shape")
    said = {"name": "again", "pattern": "*.csv", "mode": "delta"}
    (ada.office.settings.profiles / "items.toml").unlink()
    page = begun.text
    for step in ("shape", "columns", "words"):
        fields = {name: value for name, value in selected(page) if name.startswith("column_")} if step == "columns" else {}
        values = {"value_currency": "EUR"} if step == "columns" else {}
        page = ada.send(f"{path}{step}", page, version=version(page), **fields, **values).text
    ada.send(f"{path}rules", page, version=version(page), **said)
    ada.rehearse()
    tried = ada.get(f"{path}check")
    assert "The last files that its name matches" in tried
    assert "held.csv" in tried


def test_a_word_is_remembered_for_the_next_files(office: Office) -> None:
    """Where it is wished, the profile learns what the word means, and stays as it was written; what is no value is not saved."""
    typed = ITEMS.replace("[columns]", '[columns]  # as the ERP prints them\n    item_type = "Type"')
    office.profile("items", typed)
    office.customers("C1")
    header = ITEMS_HEADER.replace("\n", ";Type\n")
    office.load("items", header + "C1;B1;01/02/2026;02/03/2026;5;Facturette\nC1;B2;01/02/2026;02/03/2026;?;Facturette\n")
    ada = Person(office)
    listed = ada.get("/runs/2/rejected")
    assert listed.count("Remember for the next files") == 1
    said: dict[str, list[str]] = {"column": ["Amount", "Type"], "stands": ["?", "Facturette"], "remember": ["1", "x"]}
    wrong = ada.send("/runs/2/rejected", listed, **said, instead=["7", "invoyce"])
    assert (wrong.status_code, "invoyce" in wrong.text) == (422, True)
    assert office.rows("SELECT count(*) FROM nightporter.import_run") == [(2,)]
    ada.send("/runs/2/rejected", listed, **said, instead=["7", "invoice"])
    saved = (office.settings.profiles / "items.toml").read_text()
    assert "# as the ERP prints them" in saved
    assert 'item_type = {from = "Type", map = {Facturette = "invoice"}}' in saved
    attempt(office.engine, office.settings, office.profiles, 3)
    following = office.load("items", header + "C1;B3;01/02/2026;02/03/2026;5;Facturette\n", "items_3.csv")
    assert (following.state, following.tally and following.tally.created) == ("imported", 1)
    assert office.rows("SELECT count(*) FROM ar.receivable") == [(3,)]


def test_what_cannot_be_remembered_changes_nothing(office: Office) -> None:
    """A profile that is broken, gone, or of a column fewer by now is told, and the rows are not tried; a word of no row is not learnt."""
    saved = office.settings.profiles / "items.toml"
    typed = ITEMS.replace("[columns]", '[columns]\n    item_type = "Type"')
    office.profile("items", typed)
    office.customers("C1")
    office.load("items", ITEMS_HEADER.replace("\n", ";Type\n") + "C1;B1;01/02/2026;02/03/2026;5;Facturette\n")
    ada, before = Person(office), saved.read_text()
    page = ada.get("/runs/2/rejected")
    said: dict[str, list[str]] = {"column": ["Type"], "instead": ["invoice"], "remember": ["0"]}
    for written in (before + "[[[", before.replace('item_type = "Type"', ""), None):
        saved.unlink() if written is None else saved.write_text(written)
        answer = ada.send("/runs/2/rejected", page, **said, stands=["Facturette"])
        assert answer.status_code == 422
        assert "alert" in answer.text
    saved.write_text(before)
    ada.send("/runs/2/rejected", page, **said, stands=["Never"])
    assert saved.read_text() == before
    assert office.rows("SELECT count(*) FROM nightporter.import_run") == [(2,)]


def test_a_file_that_nobody_claims_becomes_a_draft(office: Office) -> None:
    """It stays in its drop; an unknown name begins nothing."""
    night = Night(office, erp={})
    night.arrive("erp/KUNDEN.csv", "Kundennummer;Name;Ort\nC1;Martin;Paris\n")
    night.look()
    ada = Person(office)
    page = ada.get("/drops")
    begun = ada.send("/drops/erp/draft", page, file="KUNDEN.csv", dataset="customers")
    assert begun.url.path == "/drafts/1/shape"
    assert "Kundennummer" in begun.text
    assert night.files() == {"KUNDEN.csv"}
    assert ada.send("/drops/erp/draft", page, file="../../etc/passwd", dataset="customers").status_code == 404


def test_a_profile_is_written_with_its_faults_at_their_lines(ada: Person) -> None:
    """What is no profile is not saved, and shown as it was written; what is, is in force, and the audit has both texts."""
    page = ada.get("/profiles/items")
    saved = ada.office.settings.profiles / "items.toml"
    before = saved.read_text()
    wrong = ada.send("/profiles/items", page, stood=stood(page), text=before.replace("item_number", "item_numbr"))
    assert wrong.status_code == 422
    assert "item_numbr" in wrong.text
    assert saved.read_text() == before
    ada.send("/profiles/items", page, stood=stood(page), text=before + "\n# by ada\n")
    assert saved.read_text().endswith("# by ada\n")


def test_no_version_of_a_profile_is_lost(ada: Person) -> None:
    """What was written in the folder is a version too, also once the console wrote after it; who did not see it is told first."""
    saved = ada.office.settings.profiles / "items.toml"
    saved.write_bytes(saved.read_bytes().replace(b"\n", b"\r\n"))
    before = saved.read_text()
    ada.send("/profiles/items", page := ada.get("/profiles/items"), text=before + "# by ada\n", stood=stood(page))
    seen = ada.get("/profiles/items")
    saved.write_bytes(saved.read_bytes() + b"# by vi\r\n")
    late = ada.send("/profiles/items", seen, text=before + "# late\n", stood=stood(seen))
    assert (late.status_code, "was written meanwhile" in late.text, "+# by vi" in late.text) == (422, True, True)
    ada.send("/profiles/items", late.text, text=before + "# late\n", stood=stood(late.text))
    assert saved.read_bytes().endswith(b"\r\n# late\r\n")
    same = ada.get("/profiles/items")
    ada.send("/profiles/items", same, text=before + "# late\n", stood=stood(same))
    versions = ada.get("/profiles/items")
    assert versions.index("+# late") < versions.index("+# by vi") < versions.index("+# by ada")
    assert versions.count("written in the folder") == 1
    assert versions.count("<pre>") == 3
    assert "wrote a profile" in ada.get("/audit")


def stood(page: str) -> str:
    """Which text of a profile a page shows."""
    found = re.search(r'name="stood" value="(\w+)"', page)
    assert found
    return found[1]


def version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found[1]


def selected(page: str) -> list[tuple[str, str]]:
    """What each list of a page has chosen."""
    found = []
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        found.append((name, chosen[1] if chosen else ""))
    return found

"""Files of every shape on their whole way: zips, templates, workbooks with errors, columns that come and go."""

import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from daemon import db, ledger
from daemon.datasets import datasets, labelled
from daemon.datasets.template import as_csv, as_xlsx, examples
from daemon.importing import attempt_file
from daemon.model import ImportRun, RemoteFile
from daemon.words import Words
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts, said

CUSTOMERS_CSV = "Code;Name;City;Limit\nC1;Martin;Paris;\n"
ITEMS_CSV = ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;5\n"


def zipped(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)
    return content.getvalue()


def dropped(office: Office, path: Path) -> list[ImportRun]:
    """What comes of a file that no profile is named for: its name decides."""
    with db.transaction(office.engine) as conn:
        sections = office.profiles.sections(path.name, office.profiles.match(path.name, ""))
        assert sections
        first = ledger.arrivals.record_inline(conn, RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns), sections)
    return attempt_file(office.engine, office.settings, office.profiles, first)


def test_each_file_of_a_zip_is_an_import_of_its_own(office: Office) -> None:
    """Profiles claim the members by their names; customers come first, whatever the order in the archive."""
    office.profile("customers", CUSTOMERS)
    office.profile("items", ITEMS)
    night = office.file("night.zip", zipped(items_1=ITEMS_CSV, customers_1=CUSTOMERS_CSV, notes="hello"))
    runs = dropped(office, night)
    assert [(run.member, run.dataset, str(run.state)) for run in runs] == [
        ("customers_1.csv", "customers", "imported"), ("items_1.csv", "receivables", "imported"),
    ]  # fmt: skip
    assert runs[1].title == "night.zip › items_1.csv"
    assert [run.code for run in dropped(office, night)] == ["duplicate", "duplicate"]


def test_a_zip_that_a_profile_claims_is_that_profiles(office: Office) -> None:
    """Two files of one profile in one archive are two imports."""
    office.customers("C1")
    office.profile("items", ITEMS.replace("items*.csv", "items*.zip"))
    second = ITEMS_HEADER + "C1;F2;01/02/2024;02/03/2024;5\n"
    runs = dropped(office, office.file("items.zip", zipped(a=ITEMS_CSV, b=second)))
    assert [(run.member, str(run.state)) for run in runs] == [("a.csv", "imported"), ("b.csv", "imported")]
    assert office.rows("SELECT count(*) FROM ar.receivable") == [(2,)]


def test_a_zip_with_nothing_for_anybody_is_refused_by_name(office: Office) -> None:
    """The refusal says what was in it."""
    (run,) = dropped(office, office.file("night.zip", zipped(notes="hello")))
    assert (run.code, said(run)) == ("no_profile", "night.zip, notes.csv")


def test_a_gzip_is_claimed_by_the_name_of_what_it_holds(office: Office) -> None:
    """`items.csv.gz` is `items.csv`."""
    office.customers("C1")
    office.profile("items", ITEMS)
    (run,) = dropped(office, office.file("items.csv.gz", gzip.compress(ITEMS_CSV.encode())))
    assert (run.state, counts(run).get("created")) == ("imported", 1)


def filled(path: Path, dataset: str, rows: list[dict[str, object]], language: str = "en") -> Path:
    """A template with rows under its headers, each value by its field."""
    with path.open("wb") as out:
        as_xlsx(datasets()[dataset], language, out)
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    for number, row in enumerate(rows, 3):
        for field, value in row.items():
            book.active.cell(number, datasets()[dataset].mappable.index(field) + 1, value)
    book.save(path)
    return path


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_template_that_was_filled_in_needs_no_profile(office: Office, tmp_path: Path, language: str) -> None:
    """Customers and their items: columns left blank are as if they were not there, the row of examples is none."""
    customers = filled(
        tmp_path / "nightporter-customers Lyon.xlsx",
        "customers",
        [{"customer_code": "0071", "business_name": "Martin"}],
        language,
    )
    (run,) = dropped(office, customers)
    assert (run.profile, run.state, counts(run).get("created"), counts(run).get("ignored")) == (
        "template-customers",
        "imported",
        1,
        1,
    )
    item = {
        "customer_code": "0071",
        "item_number": "F1",
        "issue_date": "2024-02-01",
        "due_date": "2024-03-02",
        "amount": 12.5,
        "currency": "EUR",
    }
    (run,) = dropped(office, filled(tmp_path / "nightporter-receivables.xlsx", "receivables", [item], language))
    assert run.state == "imported", run.detail
    assert office.rows("SELECT customer_code, item_type, remaining::text FROM ar.receivable") == [("0071", "invoice", "12.50000")]


@pytest.mark.parametrize("dataset", datasets())
def test_a_template_shows_every_field(dataset: str, tmp_path: Path) -> None:
    """Each has its header, a comment with its meaning, an example, and drop-downs where there is a choice."""
    described = datasets()[dataset]
    book = openpyxl.load_workbook(filled(tmp_path / "t.xlsx", dataset, []))
    sheet = book.active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == [described.fields[name].label["en"] for name in described.mappable]
    for name, cell in zip(described.mappable, sheet[1], strict=True):
        assert cell.comment
        assert name in cell.comment.text
        assert described.fields[name].description in cell.comment.text
    assert str(sheet["A2"].value).startswith(examples()[1])
    choices = sum(described.fields[name].type in ("enum", "bool") for name in described.mappable)
    assert len(sheet.data_validations.dataValidation) == choices
    assert as_csv(described, "fr").splitlines()[0].split(";") == [
        labelled(described.fields[name].label, "fr") for name in described.mappable
    ]


def test_an_error_cell_costs_its_row_and_no_other(office: Office, tmp_path: Path) -> None:
    """The reason names the column and what stands in it."""
    office.profile("customers", CUSTOMERS)
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [
        ["Code", "Name", "City", "Limit"],
        ["C1", "Martin", "Paris", 5],
        ["C2", "#N/A", "Lyon", 6],
        ["C3", "Durand", "=1+1", 7],
    ]:
        book.active.append(row)
    book.save(tmp_path / "c.xlsx")
    office.profile("customers", CUSTOMERS.replace('format = { delimiter = ";", decimal = "," }', ""))
    run = office.load("customers", (tmp_path / "c.xlsx").read_bytes(), "customers.xlsx")
    assert office.reasons(run) == {3: ["error_cell"], 4: ["error_cell"]}
    assert office.rows("SELECT customer_code FROM ar.customer") == [("C1",)]


def test_columns_that_come_and_go_are_told(office: Office) -> None:
    """Reordered columns are fine; a new one and one that is gone are said with the run."""
    office.profile("customers", CUSTOMERS.replace('city = "City"', 'city = { from = "City", optional = true }'))
    first = office.load("customers", CUSTOMERS_CSV)
    assert first.read_as
    assert first.read_as.columns("new") == ""
    run = office.load("customers", "Limit;Name;Code;Region;VAT\n;Martin SA;C1;IDF;\n")
    assert run.read_as
    assert (run.state, run.read_as.columns("new"), run.read_as.columns("gone")) == ("imported", "Region, VAT", "City")
    assert office.rows("SELECT business_name, city FROM ar.customer") == [("Martin SA", "Paris")]


def test_contacts_and_open_credits_are_imported(office: Office) -> None:
    """Each by its own key: the same file again changes nothing, one of an unknown customer waits."""
    office.customers("C1")
    office.profile(
        "contacts", 'dataset = "contacts"\npattern = "contacts*"\ncolumns = { customer_code = "C", name = "N", email = "E" }\n'
    )
    rows = "C;N;E\nC1;Ada;ada@x.example\nC1;Bob;bob@x.example\nC9;Eve;eve@x.example\n"
    run = office.load("contacts", rows)
    assert (counts(run).get("created"), counts(run).get("parked")) == (2, 1)
    assert counts(office.load("contacts", rows + "\n")).get("unchanged") == 2
    office.profile("credits", 'dataset = "open_credits"\npattern = "credits*"\n[format]\ndecimal = ","\n'
                   'date = "dd/mm/yyyy"\n[columns]\ncustomer_code = "C"\ncredit_number = "N"\ncredit_date = "D"\nbalance = "B"\ncurrency = { value = "EUR" }\n')  # fmt: skip
    run = office.load("credits", "C;N;D;B\nC1;A1;01/02/2024;5,50\nC1;A2;01/02/2024;-5\n")
    assert (counts(run).get("created"), office.reasons(run)) == (1, {3: ["credit_not_positive"]})


def test_what_the_first_import_decided_holds_for_the_next(office: Office) -> None:
    """The thousands mark that a file proved is pinned like its decimal mark: another one in a later file is rejected."""
    office.customers("C1")
    office.profile("items", ITEMS.replace('decimal = ","', ""))
    assert office.load("items", ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;1.234,50\n").state == "imported"
    run = office.load("items", ITEMS_HEADER + "C1;F2;01/02/2024;02/03/2024;1 234,50\n")
    assert office.reasons(run) == {2: ["not_a_number"]}


def test_a_pin_that_contradicts_the_profile_is_dropped(office: Office) -> None:
    """An admin who declares another decimal mark is believed, whatever the first import found."""
    office.customers("C1")
    office.profile("items", ITEMS.replace('decimal = ","', ""))
    assert office.load("items", ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;1.234,50\n").state == "imported"
    office.profile("items", ITEMS.replace('decimal = ","', 'decimal = "."'))
    run = office.load("items", ITEMS_HEADER + "C1;F2;01/02/2024;02/03/2024;1,234.50\n")
    assert (run.state, office.reasons(run)) == ("imported", {})


def test_a_member_that_was_refused_is_no_duplicate_when_it_comes_again(office: Office) -> None:
    """Of one archive the customers loaded and the items did not: dropped again after the profile was mended, they do."""
    office.profile("customers", CUSTOMERS)
    office.profile("items", ITEMS.replace('"Amount"', '"Betrag"'))
    night = office.file("night.zip", zipped(items_1=ITEMS_CSV, customers_1=CUSTOMERS_CSV))
    assert [run.code for run in dropped(office, night)] == [None, "column_missing"]
    office.profile("items", ITEMS)
    assert [run.code for run in dropped(office, night)] == ["duplicate", None]


def test_what_stands_in_a_file_acts_on_no_terminal_and_no_mail(office: Office) -> None:
    """A member's name with line breaks and escapes is shown on one line."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a\nFrom: x\x1b[31m.csv", "hello")
    (run,) = dropped(office, office.file("night.zip", content.getvalue()))
    told = Words("en").refusal(str(run.code), run.detail)
    assert "a·From: x·[31m.csv" in told
    assert told.isprintable()


@pytest.mark.parametrize(
    ("first", "later", "code"),
    [
        ("31/12/2024;31/12/2024;5,50", "01/31/2024;02/01/2024;5,50", "date_order_ambiguous"),
        ("31/12/2024;31/12/2024;5,50", "01/02/2024;02/03/2024;1,234.50", "decimal_ambiguous"),
    ],
)
def test_a_file_that_disproves_what_was_pinned_is_refused(office: Office, first: str, later: str, code: str) -> None:
    """Rows that happen to fit the old convention would be misread beside those that do not: none is loaded."""
    office.customers("C1")
    office.profile("items", ITEMS.replace('decimal = ","', "").replace('date = "dd/mm/yyyy"', ""))
    assert office.load("items", ITEMS_HEADER + f"C1;F1;{first}\n").state == "imported"
    run = office.load("items", ITEMS_HEADER + f"C1;F2;{later}\nC1;F3;01/02/2024;02/03/2024;1,500\n")
    assert (run.state, run.code) == ("refused", code)
    assert "earlier files had" in said(run)

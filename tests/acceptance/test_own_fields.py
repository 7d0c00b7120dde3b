"""What an admin adds: fields of the department's own, and whole datasets; and what the settings say of companies."""

import io
from decimal import Decimal

import openpyxl
import pytest

from daemon import loading
from daemon.config import ConfigInvalid
from daemon.datasets import datasets
from daemon.db import transaction
from daemon.errors import SetupFault
from daemon.mapping.names import Names
from daemon.template import as_csv, as_xlsx
from tests.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

REGION = """
    [datasets.customers.custom]
    region = { type = "text", label = "Region", synonyms = ["Vertriebsgebiet"] }
    turnover = { type = "money", owner = "app" }
    since = { type = "date" }
"""
WITH_REGION = CUSTOMERS.replace('credit_limit = "Limit"', 'region = "Region", turnover = "Turnover", since = "Since"').replace(
    'decimal = ","', 'decimal = ",", date = "dd/mm/yyyy"'
)
HEAD = "Code;Name;City;Region;Turnover;Since\n"

MACHINES = """
    label = "Machines"
    keys = [["serial_number"]]
    refers_to = "customers"
    [presence]
    protects = "serial_number"
    [fields.customer_code]
    type = "text"
    required = true
    [fields.serial_number]
    type = "text"
    required = true
    synonyms = ["Serial"]
    [fields.price]
    type = "money"
"""
MACHINES_PROFILE = """
    dataset = "machines"
    pattern = "machines*.csv"
    columns = { customer_code = "Customer", serial_number = "Serial", price = "Price" }
    format = { delimiter = ";", decimal = "," }
    [import]
    mode = "snapshot"
"""


def test_fields_of_ones_own_are_imported_like_any_other(office: Office) -> None:
    """They are converted, compared, protected and kept when blank, as their settings say; all in the row's `custom`."""
    office.settle(REGION)
    office.profile("customers", WITH_REGION)
    run = office.load("customers", HEAD + "C1;Martin;Paris;North;1 000,50;01/02/2020\nC2;Dupont;Lyon;;;31/31/2020\n")
    assert office.reasons(run) == {3: ["not_a_date"]}
    again = office.load("customers", HEAD + "C1;Martin;Paris;South;7,00;\n")
    assert counts(again) == {"read": 1, "updated": 1, "suppressed": 1}
    ((custom,),) = office.rows("SELECT custom FROM ar.customer")
    assert custom == {"region": "South", "turnover": 1000.5, "since": "2020-02-01"}
    assert counts(office.load("customers", HEAD + "C1;Martin;Paris;;;\n"))["unchanged"] == 1
    with transaction(office.engine) as conn:
        (change,) = loading.changes(conn, again.id, "customers", 10)
        assert change.fields == {"region": ("North", "South")}
        assert loading.undo(conn, again.id, "customers").restored == 1
    assert office.rows("SELECT custom->>'region' FROM ar.customer") == [("North",)]


def test_rows_may_be_matched_by_a_field_of_ones_own(office: Office) -> None:
    """And two that have the same are told apart by nobody."""
    office.settle(REGION)
    office.profile("customers", WITH_REGION)
    office.load("customers", HEAD + "C1;Martin;Paris;North;;\nC2;Dupont;Lyon;South;;\nC3;Durand;Nice;South;;\n")
    office.profile("matched", WITH_REGION + '    [import]\n    match = ["region"]\n')
    run = office.load("matched", HEAD + "X1;Martin;Lille;North;;\nX2;Dupont;Brest;South;;\n")
    assert office.reasons(run) == {3: ["ambiguous"]}
    assert office.rows("SELECT city FROM ar.customer WHERE customer_code = 'C1'") == [("Lille",)]


def test_fields_of_ones_own_are_in_templates_and_suggestions(office: Office) -> None:
    """As soon as the settings are read."""
    office.settle(REGION)
    customers = datasets()["customers"]
    assert as_csv(customers, "fr").splitlines()[0].endswith(";Region;Turnover;Since")
    assert Names(customers).likeness("Vertriebsgebiet", "region", "de").exact


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            "[datasets.customers.custom]\ncity = { type = 'text' }",
            "nightporter.toml:2: datasets.customers.custom.city: customers has city",
        ),
        ("[datasets.customer.custom]\nx = { type = 'text' }", 'no dataset "customer"; did you mean "customers"?'),
        ("[datasets.customers.custom]\nx = { type = 'txt' }", "nightporter.toml:2: datasets.customers.custom.x.type"),
    ],
)
def test_settings_that_add_what_cannot_be_are_told(office: Office, settings: str, told: str) -> None:
    """With their file, line and key."""
    with pytest.raises(ConfigInvalid) as error:
        office.settle(settings)
    assert told in str(error.value)


def _with_machines(office: Office, toml: str = MACHINES) -> None:
    (office.home / "datasets").mkdir(exist_ok=True)
    (office.home / "datasets" / "machines.toml").write_text(toml)
    office.settle()


def test_a_dataset_of_ones_own(office: Office) -> None:
    """A TOML file makes its table; snapshots, parked rows, rejections, templates and undo work for it as for the others."""
    _with_machines(office)
    office.customers("C1")
    office.profile("machines", MACHINES_PROFILE)
    first = office.load("machines", "Customer;Serial;Price\nC1;M1;1,50\nC9;M2;3,00\nC1;M3;x\nC1;M4;2,00\n")
    assert counts(first) == {"read": 4, "created": 2, "parked": 1, "rejected": 1}
    second = office.load("machines", "Customer;Serial;Price\nC1;M1;1,50\n")
    assert counts(second) == {"read": 1, "unchanged": 1, "cleared": 1}
    assert office.rows("SELECT serial_number, price, state FROM ar.machines ORDER BY 1") == [
        ("M1", Decimal("1.5"), "open"),
        ("M4", Decimal(2), "cleared"),
    ]
    with transaction(office.engine) as conn:
        assert loading.undo(conn, second.id, "machines").restored == 1
    as_xlsx(datasets()["machines"], "en", out := io.BytesIO())
    assert [cell.value for cell in openpyxl.load_workbook(out).worksheets[0][1]] == ["Customer code", "Serial number", "Price"]


def test_a_dataset_grows_with_its_file(office: Office) -> None:
    """A field that is added gets its column; what cannot be changed without the admin is told with the statement to run."""
    _with_machines(office)
    _with_machines(office, MACHINES + '    [fields.colour]\n    type = "text"\n')
    assert office.rows("SELECT colour FROM ar.machines") == []
    with pytest.raises(SetupFault, match="ALTER COLUMN price TYPE date"):
        _with_machines(office, MACHINES.replace('type = "money"', 'type = "date"'))
    office.do("CREATE TABLE ar.lease (id bigint)")
    with pytest.raises(SetupFault, match=r"ar\.lease.*ADD COLUMN entity text NOT NULL DEFAULT ''"):
        _with_machines(office, 'table = "ar.lease"\n' + MACHINES)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('keys = [["numbr"]]\n[fields.number]\ntype = "text"', 'keys: no field "numbr"; did you mean "number"?'),
        ('[fields.number]\ntype = "text"', 'say in "keys"'),
        ('keys = [["id"]]\n[fields.id]\ntype = "text"', '"id" is a column of ours'),
        ('keys = [["kind"]]\n[fields.kind]\ntype = "enum"', 'needs its "words"'),
    ],
)
def test_a_dataset_that_cannot_be_is_told(office: Office, toml: str, told: str) -> None:
    """With its file."""
    with pytest.raises(ConfigInvalid) as error:
        _with_machines(office, toml)
    assert "machines.toml" in str(error.value)
    assert told in str(error.value)


CREDITS = """
    dataset = "open_credits"
    pattern = "credits*.csv"
    columns = { customer_code = "Customer", credit_number = "Credit", credit_date = "Date", balance = "Balance", currency = "Cur" }
    format = { delimiter = ";", decimal = ",", date = "dd/mm/yyyy" }
"""
TYPED = ITEMS + '    item_type = { from = "Type", map = { INV = "invoice", CN = "credit_note" } }\n'
TYPED_HEADER = ITEMS_HEADER.strip() + ";Type\n"
CREDIT = "Customer;Credit;Date;Balance;Cur\nC1;K1;01/02/2026;10,00;EUR\n"


def test_no_credit_counts_twice(office: Office) -> None:
    """An entity's credits come by the dataset that brought them first; those of the other are rejected, and the mail says why."""
    office.customers("C1")
    office.profile("items", TYPED)
    office.profile("credits", CREDITS)
    office.load("items", TYPED_HEADER + "C1;F1;01/02/2026;01/03/2026;100,00;INV\n")
    assert counts(office.load("credits", CREDIT))["created"] == 1
    rows = "C1;F2;01/02/2026;01/03/2026;50,00;INV\nC1;A1;01/02/2026;01/03/2026;-10,00;CN\n"
    assert office.reasons(office.load("items", TYPED_HEADER + rows)) == {3: ["credit_elsewhere"]}
    assert office.rows("SELECT balance FROM ar.customer_balance") == [(Decimal(140),)]


def test_the_settings_say_by_which_dataset_credits_come(office: Office) -> None:
    """And in which time zone the days of an entity begin; what they no longer say is forgotten."""
    office.customers("C1")
    office.settle('[entities.FR01]\ntimezone = "Europe/Paris"\ncredits = "receivables"\n[entities.""]\ncredits = "receivables"')
    office.profile("credits", CREDITS)
    assert office.reasons(office.load("credits", CREDIT)) == {2: ["credit_elsewhere"]}
    office.settle('[entities.FR01]\ntimezone = "Europe/Paris"')
    assert office.rows("SELECT * FROM ar.entity") == [("FR01", "Europe/Paris", None)]
    assert counts(office.load("credits", CREDIT + " "))["created"] == 1

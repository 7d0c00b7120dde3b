"""What an admin adds: fields of the department's own, and whole datasets; and what the settings say of companies."""

import io
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openpyxl
import pytest

from daemon import loading, settings
from daemon.datasets import datasets
from daemon.datasets.template import as_csv, as_xlsx
from daemon.db import tables, transaction
from daemon.errors import SetupFault
from daemon.mapping.likeness import Names
from daemon.model import Note
from daemon.toml import ConfigInvalid
from tests.support.office import CREDITS, CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

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


def test_what_the_department_writes_beside_them_stays(office: Office) -> None:
    """An amount is the same with or without its zeros, and what no file is about is nobody's business, empty or not."""
    office.settle(REGION)
    office.profile("customers", WITH_REGION)
    office.load("customers", HEAD + "C1;Martin;Paris;North;;\n")
    own = '{"region": "North", "turnover": 12.5, "app": {"a": null}, "b": null}'
    office.do(f"UPDATE ar.customer SET custom = '{own}'")
    office.profile("by-turnover", WITH_REGION + '    [import]\n    match = ["turnover"]\n')
    assert counts(office.load("by-turnover", HEAD + "C1;Martin;Paris;North;12,50;\n")) == {"read": 1, "unchanged": 1}
    assert counts(office.load("customers", HEAD + "C1;Martin;Paris;South;12,50;\n")) == {"read": 1, "updated": 1}
    assert office.rows("SELECT custom FROM ar.customer") == [
        ({"region": "South", "turnover": 12.5, "app": {"a": None}, "b": None},)
    ]


def test_a_snapshot_may_be_matched_by_a_field_of_ones_own(office: Office) -> None:
    """What it leaves out is cleared."""
    office.settle('[datasets.receivables.custom]\nref = { type = "text" }')
    office.customers("C1")
    office.profile(
        "items", ITEMS + '    ref = "Ref"\n    [import]\n    mode = "snapshot"\n    match = ["customer_code", "ref"]\n'
    )
    rows = [f"C1;F{n};01/02/2026;01/03/2026;1,00;R{n}\n" for n in (1, 2)]
    office.load("items", ITEMS_HEADER.strip() + ";Ref\n" + "".join(rows))
    run = office.load("items", ITEMS_HEADER.strip() + ";Ref\n" + rows[1])
    assert counts(run) == {"read": 1, "unchanged": 1, "cleared": 1}


def test_several_processes_start_at_once(office: Office) -> None:
    """With settings that ask for new tables and columns: each finds them there, and none waits for another for ever."""
    (office.home / "datasets").mkdir()
    (office.home / "datasets" / "machines.toml").write_text(MACHINES)
    (office.home / "nightporter.toml").write_text(REGION + '[entities.""]\ncredits = "receivables"\n')
    loaded = settings.load(office.home)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: tables.ensure(office.engine, loaded), range(6)))
    assert office.rows("SELECT credits FROM ar.entity") == [("receivables",)]


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
        ("[datasets.receivables.custom]\nstate = { type = 'text' }", "receivables has state already"),
        ("[datasets.customers.custom]\nx = { type = 'text', default = 'y' }", "x: default, default_from"),
        ("[datasets.contacts.custom]\nx = { type = 'bool', sole = true }", "a profile can give a default"),
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
    assert Names(datasets()["machines"]).likeness("Kundennummer", "customer_code", "de").exact
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
    """A field that is added gets its column, a state too, other keys their index; what cannot be changed without the admin is told
    with the statement to run.
    """
    plain = MACHINES.replace("[presence]", "").replace('protects = "serial_number"', "")
    _with_machines(office, plain)
    office.customers("C1", "C2")
    office.profile("machines", MACHINES_PROFILE.replace('mode = "snapshot"', ""))
    office.load("machines", "Customer;Serial;Price\nC1;M1;1,50\n")
    _with_machines(office, MACHINES + '    [fields.colour]\n    type = "text"\n')
    assert office.rows("SELECT colour, state FROM ar.machines") == [(None, "open")]
    _with_machines(office, MACHINES.replace('[["serial_number"]]', '[["customer_code", "serial_number"]]'))
    assert counts(office.load("machines", "Customer;Serial;Price\nC1;M1;1,50\nC2;M1;1,50\n"))["created"] == 1
    with pytest.raises(SetupFault, match="ALTER COLUMN price TYPE date"):
        _with_machines(office, MACHINES.replace('type = "money"', 'type = "date"'))
    office.do("CREATE TABLE ar.lease (id bigint)")
    with pytest.raises(SetupFault, match=r"ar\.lease.*ADD COLUMN entity text NOT NULL DEFAULT ''"):
        _with_machines(office, 'table = "ar.lease"\n' + MACHINES)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('keys = [["numbr"]]\n[fields.number]\ntype = "text"', 'no field "numbr" in keys; did you mean "number"?'),
        ('[fields.number]\ntype = "text"', 'say in "keys"'),
        ('keys = [["id"]]\n[fields.id]\ntype = "text"', '"id" is a column of ours'),
        ('keys = [["kind"]]\n[fields.kind]\ntype = "enum"', 'needs its "words"'),
        ('keys = [["a"]]\n[fields.a]\ntype = "text"\n[fields.b]\ntype = "text"\ndefault = "x"', "only a text of the key"),
        ('keys = [["a"]]\npresence = { protects = "a" }\n[fields.a]\ntype = "integer"', "by which rows are known is text"),
        ('keys = [["a", "b"]]\none_key = true\n[fields.a]\ntype = "text"\n[fields.b]\ntype = "text"', "one_key"),
        ('keys = [["a"]]\n[fields.a]\ntype = "text"\n[fields.b]\ntype = "bool"\nsole = true', "only what refers to customers"),
        ('keys = [["a"]]\n[fields.a]\ntype = "text"\nvat = true', "needs the field that says the country"),
        ('table = "ar.customer"\nkeys = [["a"]]\n[fields.a]\ntype = "text"', "ar.customer is a table of something else"),
        ('table = "nightporter.parked"\nkeys = [["a"]]\n[fields.a]\ntype = "text"', "nightporter.parked is a table of"),
        ('keys = [["later"]]\n[fields.later]\ntype = "text"', '"later" is a column of ours'),
        ('keys = [["a"]]\npresence = { protects = "a", here = "100%" }\n[fields.a]\ntype = "text"', "presence.here"),
    ],
)
def test_a_dataset_that_cannot_be_is_told(office: Office, toml: str, told: str) -> None:
    """With its file."""
    with pytest.raises(ConfigInvalid) as error:
        _with_machines(office, toml)
    assert "machines.toml" in str(error.value)
    assert told in str(error.value)


TYPED = ITEMS + '    item_type = { from = "Type", map = { INV = "invoice", CN = "credit_note" } }\n'
TYPED_HEADER = ITEMS_HEADER.strip() + ";Type\n"
CREDIT = "Customer;Credit;Date;Balance;Cur\nC1;K1;01/02/2026;10,00;EUR\n"


SOURCE = '[entities.""]\ncredits = "open_credits"\n'


def test_no_credit_counts_twice(office: Office) -> None:
    """Where the settings say by which dataset credits come, one that stands in the other is rejected, with a type or without."""
    office.settle(SOURCE)
    office.customers("C1")
    office.profile("items", TYPED)
    office.profile("plain", ITEMS)
    office.profile("credits", CREDITS)
    assert counts(office.load("credits", CREDIT))["created"] == 1
    rows = "C1;F2;01/02/2026;01/03/2026;50,00;INV\nC1;K1;05/02/2026;01/03/2026;-10,00;CN\n"
    assert office.reasons(office.load("items", TYPED_HEADER + rows)) == {3: ["credit_elsewhere"]}
    other_number = "C1;X9;01/02/2026;01/03/2026;-10,00\n"
    assert office.reasons(office.load("plain", ITEMS_HEADER + other_number)) == {2: ["credit_elsewhere"]}
    assert office.rows("SELECT balance FROM ar.customer_balance") == [(Decimal(40),)]


def test_a_credit_that_stands_nowhere_else_is_taken_and_told(office: Office) -> None:
    """It may be that the other export lacks it; whichever of the two comes second is rejected."""
    office.settle(SOURCE)
    office.customers("C1")
    office.profile("items", ITEMS)
    office.profile("credits", CREDITS)
    run = office.load("items", ITEMS_HEADER + "C1;K1;01/02/2026;01/03/2026;-10,00\n")
    assert (counts(run)["created"], run.notes) == (1, (Note("credit_unexplained", 1, "2"),))
    assert office.reasons(office.load("credits", CREDIT)) == {2: ["credit_twice"]}
    assert office.rows("SELECT balance FROM ar.customer_balance") == [(Decimal(-10),)]


def test_nothing_is_inferred_of_who_declares_nothing(office: Office) -> None:
    """A negative item and a credit are two things, where nobody says otherwise."""
    office.customers("C1")
    office.profile("items", ITEMS)
    office.profile("credits", CREDITS)
    office.load("items", ITEMS_HEADER + "C1;K1;01/02/2026;01/03/2026;-10,00\n")
    assert counts(office.load("credits", CREDIT))["created"] == 1


def test_credits_that_wait_do_not_come_twice(office: Office) -> None:
    """Whichever dataset brought them first, though their customer is not known yet."""
    office.settle(SOURCE)
    office.customers("C1")
    office.profile("items", TYPED)
    office.profile("credits", CREDITS)
    office.load("credits", CREDIT.replace("C1", "C9"))
    run = office.load("items", TYPED_HEADER + "C9;K1;01/02/2026;01/03/2026;-10,00;CN\n")
    assert office.reasons(run) == {2: ["credit_elsewhere"]}


def test_what_the_settings_say_of_entities_is_known_to_the_database(office: Office) -> None:
    """And what they no longer say is forgotten."""
    office.settle('[entities.FR01]\ntimezone = "Europe/Paris"\ncredits = "receivables"\n[entities.""]\ncredits = "receivables"')
    office.settle('[entities.FR01]\ntimezone = "Europe/Paris"\nclosed_until = 2026-01-31')
    assert office.rows("SELECT entity, timezone, credits, closed_until::text FROM ar.entity") == [
        ("FR01", "Europe/Paris", None, "2026-01-31")
    ]

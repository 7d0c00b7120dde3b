"""Owner rules and match keys: whose word counts for what is stored, and which row is meant."""

from decimal import Decimal

from tests.support.office import CUSTOMERS, Office, counts

HEAD = "Code;Name;City;Limit\n"


def test_a_customers_file_never_touches_the_credit_limit(office: Office) -> None:
    """credit_limit, insurer_guarantee and other_guarantees are the department's own; each value not taken is counted and listed."""
    office.profile(
        "customers",
        CUSTOMERS.replace(
            'credit_limit = "Limit"', 'credit_limit = "Limit", insurer_guarantee = "Limit", other_guarantees = "Limit"'
        ),
    )
    office.load("customers", HEAD + "C1;Martin;Paris;1000\n")
    run = office.load("customers", HEAD + "C1;Martin;Paris;9000\n")
    assert counts(run) == {"read": 1, "unchanged": 1, "suppressed": 3}
    assert office.rows("SELECT credit_limit, insurer_guarantee, other_guarantees FROM ar.customer") == [(Decimal(1000),) * 3]
    assert office.rows("SELECT line, field, kept::numeric, offered::numeric FROM nightporter.suppressed ORDER BY field") == [
        (2, name, Decimal(1000), Decimal(9000)) for name in ("credit_limit", "insurer_guarantee", "other_guarantees")
    ]


def test_a_profile_may_take_a_field_out_of_protection(office: Office) -> None:
    """An admin whose ERP knows the limit best says so; and may protect what the ERP else owns."""
    office.profile("customers", CUSTOMERS + '    [import]\n    protect = ["city"]\n')
    office.load("customers", HEAD + "C1;Martin;Paris;1000\n")
    assert counts(office.load("customers", HEAD + "C1;Martin;Lyon;9000\n")) == {"read": 1, "updated": 1, "suppressed": 1}
    assert office.rows("SELECT city, credit_limit FROM ar.customer") == [("Paris", Decimal(9000))]


def test_a_blank_leaves_or_clears(office: Office) -> None:
    """An empty cell leaves what is stored, unless the profile says that it clears."""
    office.profile("customers", CUSTOMERS)
    office.load("customers", HEAD + "C1;Martin;Paris;\n")
    assert counts(office.load("customers", HEAD + "C1;Martin;;\n"))["unchanged"] == 1
    office.profile("customers", CUSTOMERS + '    [import]\n    blank = "clear"\n')
    assert counts(office.load("customers", HEAD + "C1;Martin ;;\n"))["updated"] == 1
    assert office.rows("SELECT city FROM ar.customer") == [(None,)]


def test_customers_may_be_matched_by_another_field(office: Office) -> None:
    """The code in the table stays; a row that fits two customers is rejected and names them, never made a third."""
    office.profile("customers", CUSTOMERS)
    office.load("customers", HEAD + "C1;Martin;Paris;\nC2;Dupont;Lyon;\nC3;Dupont;Nice;\n")
    office.profile("named", CUSTOMERS + '    [import]\n    match = ["business_name"]\n')
    run = office.load("named", HEAD + "X1;Martin;Lille;\nX2;Dupont;Brest;\n;Durand;Metz;\nC1;Petit;Metz;\n")
    assert office.reasons(run) == {3: ["ambiguous"], 4: ["missing"], 5: ["key_taken"]}
    (ambiguous, _, _) = office.rejections(run)
    assert ambiguous.reasons[0].detail == "#2 C2, #3 C3"
    assert office.rows("SELECT customer_code, city FROM ar.customer ORDER BY 1") == [
        ("C1", "Lille"),
        ("C2", "Lyon"),
        ("C3", "Nice"),
    ]
    assert counts(run)["suppressed"] == 1


def test_a_blank_match_field_is_a_rejection(office: Office) -> None:
    """What a row is told apart by cannot be empty."""
    office.profile(
        "named", CUSTOMERS.replace('city = "City"', 'vat_number = "City"') + '    [import]\n    match = ["vat_number"]\n'
    )
    run = office.load("named", HEAD + "C1;Martin;;\n")
    assert office.reasons(run) == {2: ["match_key_blank"]}


CONTACTS = """
    dataset = "customers"
    pattern = "upsales*"
    columns = { customer_code = "Client", business_name = "Company" }
    [[also]]
    dataset = "contacts"
    columns = { customer_code = "Client", name = "Contact", email = "E-mail" }
"""
UPSALES = (
    "Client;Company;Contact;E-mail\nC1;Acme;Ada;ada@acme.example\nC1;Acme;Bob;bob@acme.example\nC1;Acme;Cy;cy@acme.example\n"
)


def test_three_rows_of_one_company_make_one_customer_and_three_contacts(office: Office) -> None:
    """As in Upsales' guide; the same file again makes nothing, whatever the case of the addresses."""
    office.profile("upsales", CONTACTS)
    office.load("upsales", UPSALES)
    assert office.rows("SELECT (SELECT count(*) FROM ar.customer), (SELECT count(*) FROM ar.contact)") == [(1, 3)]
    office.load("upsales", UPSALES.replace("ada@acme", "ADA@Acme"))
    assert office.rows("SELECT (SELECT count(*) FROM ar.customer), (SELECT count(*) FROM ar.contact)") == [(1, 3)]


def test_two_contacts_that_are_alike_make_a_rejection(office: Office) -> None:
    """A row that fits two contacts is rejected as ambiguous, and no third one is made."""
    office.profile("upsales", CONTACTS)
    office.load("upsales", UPSALES)
    office.do("UPDATE ar.contact SET email = 'ada@acme.example' WHERE name = 'Bob'")
    office.profile(
        "contacts",
        'dataset = "contacts"\npattern = "c*"\ncolumns = { customer_code = "Client", name = "Contact", email = "E-mail" }\n',
    )
    run = office.load("contacts", "Client;Contact;E-mail\nC1;Ada;ada@acme.example\n")
    assert office.reasons(run) == {2: ["ambiguous"]}
    assert office.rows("SELECT count(*) FROM ar.contact") == [(3,)]


def test_insert_only(office: Office) -> None:
    """`on_match = "skip"` leaves alone what is there."""
    office.profile("customers", CUSTOMERS + '    [import]\n    on_match = "skip"\n')
    office.load("customers", HEAD + "C1;Martin;Paris;\n")
    assert counts(office.load("customers", HEAD + "C1;Other;Lyon;\nC2;New;Nice;\n")) == {"read": 2, "skipped": 1, "created": 1}
    assert office.rows("SELECT business_name FROM ar.customer ORDER BY 1") == [("Martin",), ("New",)]


def test_a_negative_open_credit_is_rejected_with_its_reason(office: Office) -> None:
    """As in Komet's guide: a credit that is owed has no place here."""
    office.customers("C1")
    office.profile(
        "credits",
        'dataset = "open_credits"\npattern = "credits*"\n[format]\ndecimal = ","\ndate = "dd/mm/yyyy"\n[columns]\ncustomer_code = "C"\ncredit_number = "N"\ncredit_date = "D"\nbalance = "B"\ncurrency = { value = "EUR" }\n[import]\nmode = "snapshot"\n',
    )
    run = office.load("credits", "C;N;D;B\nC1;A1;01/02/2024;5,50\nC1;A2;01/02/2024;-5\nC1;A3;01/02/2024;7\n")
    assert office.reasons(run) == {3: ["credit_not_positive"]}
    run = office.load("credits", "C;N;D;B\nC1;A3;01/02/2024;7\n")
    assert counts(run) == {"read": 1, "unchanged": 1, "cleared": 1}
    assert run.tally
    assert run.tally.money["EUR"].open_after == Decimal("7.00")

"""What a customers file says beside names: groups, payment terms, countries, VAT numbers; and who is written to."""

from daemon import loading
from daemon.db import transaction
from daemon.model import Note
from tests.support.office import CUSTOMERS, Office, counts

PROFILE = """
    dataset = "customers"
    pattern = "customers*.csv"
    columns = { customer_code = "Code", business_name = "Name", groups = "Groups", payment_term = "Term", country = "Country", vat_number = "VAT" }
    format = { delimiter = ";" }
"""
HEAD = "Code;Name;Groups;Term;Country;VAT\n"

CONTACTS = """
    dataset = "contacts"
    pattern = "contacts*.csv"
    columns = { customer_code = "Customer", name = "Name", email = "Email", is_collection_contact = "Collects" }
    format = { delimiter = ";" }
"""
CONTACTS_HEAD = "Customer;Name;Email;Collects\n"


def test_groups_appear_as_they_are_named(office: Office) -> None:
    """The cell "Paris,Key accounts" makes two groups; a customer may be in several, and leaves those that the file no longer names."""
    office.profile("customers", PROFILE)
    office.load("customers", HEAD + 'C1;Martin;Paris,Key accounts;;;\nC2;Dupont;" Paris , ""North""";;;\nC3;Petit; , ;;;\n')
    assert office.rows("SELECT group_name, customers FROM ar.customer_group ORDER BY 1") == [
        ('"North"', 1),
        ("Key accounts", 1),
        ("Paris", 2),
    ]
    assert counts(office.load("customers", HEAD + "C1;Martin;Key accounts;;;\nC2;Dupont;;;;\n")) == {
        "read": 2,
        "updated": 1,
        "unchanged": 1,
    }
    assert office.rows("SELECT customer_code FROM ar.customer_group_member WHERE group_name = 'Paris'") == [("C2",)]


def test_a_payment_term_is_told_in_days(office: Office) -> None:
    """And whether they run to the end of the month; of one that says more, or nothing clear, no days are made up."""
    office.profile("customers", PROFILE)
    terms = ("30 days", "45 jours fin de mois", "as agreed", "30 jours fin de mois le 10")
    office.load("customers", HEAD + "".join(f"C{n};N;;{term};;\n" for n, term in enumerate(terms, 1)))
    told = "SELECT payment_days, payment_end_of_month FROM ar.customer ORDER BY customer_code"
    assert office.rows(told) == [(30, False), (45, True), (None, None), (None, None)]
    office.load("customers", HEAD + "C1;N;;as agreed;;\nC2;N;;;;\n")
    assert office.rows(told)[:2] == [(None, None), (45, True)]


def test_days_go_with_their_term(office: Office) -> None:
    """Where a blank clears, and where the term is the department's own."""
    office.profile("customers", PROFILE)
    office.load("customers", HEAD + "C1;N;;30 days;;\nC2;N;;30 days;;\n")
    office.profile("protected", PROFILE + '    [import]\n    protect = ["payment_term"]\n')
    office.load("protected", HEAD + "C1;N;;60 days;;\n")
    office.profile("clearing", PROFILE + '    [import]\n    blank = "clear"\n')
    office.load("clearing", HEAD + "C2;N;;;;\n")
    told = "SELECT payment_term, payment_days FROM ar.customer ORDER BY customer_code"
    assert office.rows(told) == [("30 days", 30), (None, None)]


def test_countries_are_codes_whatever_they_are_called(office: Office) -> None:
    """A code of two or three letters, or a name in any language; what is none is a rejection."""
    office.profile("customers", PROFILE)
    said = ("fr", "DEU", "Allemagne", "Österreich", "日本", "U.K.", "Atlantis", "ZZ", "")
    run = office.load("customers", HEAD + "".join(f"C{n};N;;;{country};\n" for n, country in enumerate(said, 1)))
    assert office.reasons(run) == {8: ["country_unknown"], 9: ["country_unknown"]}
    codes = [row[0] for row in office.rows("SELECT country FROM ar.customer ORDER BY customer_code")]
    assert codes == ["FR", "DE", "DE", "AT", "JP", "GB", None]


def test_a_vat_number_that_cannot_be_is_told_not_rejected(office: Office) -> None:
    """By its own country's rules or the customer's; once, when it comes, and not every night."""
    office.profile("customers", PROFILE)
    rows = "C1;A;;;FR;FR44732829320\nC2;B;;;FR;FR00000000000\nC3;C;;;CH;CHE-107.787.577 IVA\nC4;D;;;IT;123\nC5;E;;;;123\n"
    run = office.load("customers", HEAD + rows)
    assert counts(run)["created"] == 5
    assert run.notes == (Note("vat_numbers", 2, "FR00000000000 – 3, 123 – 5"),)
    assert office.load("customers", HEAD + rows + "C6;F;;;;\n").notes == ()


def test_one_collection_contact_per_customer(office: Office) -> None:
    """The latest wins, in a file and after it; the mail says that another one lost it, and an undo gives it back."""
    office.customers("C1", "C2")
    office.profile("contacts", CONTACTS)
    office.load("contacts", CONTACTS_HEAD + "C1;Ann;a@x.com;yes\nC1;Bob;b@x.com;yes\nC2;Cas;c@x.com;yes\n")
    marked = "SELECT name FROM ar.contact WHERE is_collection_contact ORDER BY 1"
    assert office.rows(marked) == [("Bob",), ("Cas",)]
    run = office.load("contacts", CONTACTS_HEAD + "C1;Ann;a@x.com;yes\n")
    assert (counts(run), run.notes) == ({"read": 1, "updated": 1}, (Note("marks_moved", 1),))
    assert office.rows(marked) == [("Ann",), ("Cas",)]
    with transaction(office.engine) as conn:
        assert loading.undo(conn, run.id, "contacts").restored == 2
    assert office.rows(marked) == [("Bob",), ("Cas",)]


def test_a_late_file_takes_no_mark(office: Office) -> None:
    """The contact that a younger file named keeps it."""
    office.customers("C1")
    office.profile("contacts", CONTACTS + '    [import]\n    business_date = "contacts-%Y%m%d*"\n')
    office.load("contacts", CONTACTS_HEAD + "C1;Ann;a@x.com;yes\n", "contacts-20260205.csv")
    office.load("contacts", CONTACTS_HEAD + "C1;Bob;b@x.com;yes\n", "contacts-20260203.csv")
    assert office.rows("SELECT name FROM ar.contact WHERE is_collection_contact") == [("Ann",)]


def test_a_mark_of_the_department_s_own(office: Office) -> None:
    """Protected, it stays where it is; a customer without one gets it by a new contact."""
    office.customers("C1", "C2")
    office.profile("contacts", CONTACTS)
    office.load("contacts", CONTACTS_HEAD + "C1;Ann;a@x.com;yes\nC1;Bob;b@x.com;no\nC2;Cas;c@x.com;no\n")
    office.profile("protected", CONTACTS + '    [import]\n    protect = ["is_collection_contact"]\n')
    rows = "C1;Bob;b@x.com;yes\nC1;Dan;d@x.com;yes\nC2;Eve;e@x.com;yes\nC2;Cas;c@x.com;yes\n"
    office.load("protected", CONTACTS_HEAD + rows)
    assert office.rows("SELECT name FROM ar.contact WHERE is_collection_contact ORDER BY 1") == [("Ann",), ("Eve",)]


def test_two_companies_write_to_one_contact(office: Office) -> None:
    """Where they share their customers, a customer has one collection contact all the same."""
    office.customers("C1")
    office.profile("contacts", CONTACTS.replace("columns = {", 'customer_entity = ""\n    columns = { entity = "E",'))
    office.load("contacts", "E;" + CONTACTS_HEAD + "A;C1;Ann;a@x.com;yes\nB;C1;Bob;b@x.com;yes\n")
    assert office.rows("SELECT name FROM ar.contact WHERE is_collection_contact") == [("Bob",)]


def test_a_collection_contact_that_waited_wins_when_it_comes(office: Office) -> None:
    """As any other: what is loaded last is the latest."""
    office.profile("contacts", CONTACTS)
    office.load("contacts", CONTACTS_HEAD + "C1;Ann;a@x.com;yes\nC1;Bob;b@x.com;yes\n")
    office.customers("C1")
    assert office.rows("SELECT name, is_collection_contact FROM ar.contact ORDER BY 1") == [("Ann", False), ("Bob", True)]


def test_a_customers_state_is_imported(office: Office) -> None:
    """The part of a country that an address is in, whatever else is called a state."""
    office.profile("customers", CUSTOMERS.replace('city = "City"', 'city = "City", state = "State"'))
    assert counts(office.load("customers", "Code;Name;City;State;Limit\nC1;One;Austin;TX;\n")) == {"read": 1, "created": 1}
    assert office.rows("SELECT state FROM ar.customer") == [("TX",)]

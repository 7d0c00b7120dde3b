"""What happens to the ledger beside its files: the same bytes are news then, and items in two places are told."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from daemon import db, loading
from daemon.model import Note
from tests.support.office import CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts

DAY = '    [import]\n    business_date = "s_%Y%m%d.csv"\n'
SNAPSHOT = ITEMS + DAY + '    mode = "snapshot"\n'


@pytest.fixture
def books(office: Office) -> Office:
    """Customers C1 and C2, and snapshots that tell their day."""
    office.customers("C1", "C2")
    office.profile("snap", SNAPSHOT)
    return office


def night(office: Office, day: int, *items: str, profile: str = "snap") -> "dict[str, int] | str | None":
    """The items of a night, each a customer, a number and an amount; what its run counted, or why it was refused."""
    rows = ""
    for item in items:
        customer, number, amount = item.split()
        rows += f"{customer};{number};01/10/2026;01/12/2026;{amount},00\n"
    run = office.load(profile, ITEMS_HEADER + rows, f"s_202611{day:02}.csv")
    return run.code or run.state if run.state != "imported" else counts(run)


def balances(office: Office) -> dict[str, int]:
    """By customer what is open."""
    rows = office.rows("SELECT customer_code, sum(remaining) FROM ar.receivable WHERE state = 'open' GROUP BY 1")
    return {code: int(amount) for code, amount in rows}


def test_an_item_whose_new_customer_came_is_booked_once(books: Office) -> None:
    """It waited under C9 and stood open under C1: once C9 is there, that is told, and the same file of the next night clears it."""
    night(books, 1, "C1 F1 10", "C1 F2 20")
    moved = ("C1 F1 10", "C9 F2 20")
    night(books, 2, *moved)
    books.profile("customers", CUSTOMERS)
    came = books.load("customers", "Code;Name;City;Limit\nC9;Nine;Paris;\n", "c.csv")
    assert Note("alike_elsewhere", 1, "F2") in came.notes
    assert night(books, 3, *moved) == {"read": 2, "unchanged": 2, "cleared": 1}
    assert balances(books) == {"C1": 10, "C9": 20}
    assert night(books, 4, *moved) == "duplicate"


def test_what_was_adopted_is_judged_by_the_same_file_again(books: Office) -> None:
    """Rows that were given to the ledger, and are not in the night's file, are cleared by it."""
    (books.settings.profiles / "snap.toml").unlink()
    books.profile("old", SNAPSHOT.replace("    mode", '    scope = "old"\n    mode'))
    night(books, 1, "C1 F0 7", profile="old")
    (books.settings.profiles / "old.toml").unlink()
    books.profile("snap", SNAPSHOT)
    night(books, 2, "C1 F1 10")
    with db.transaction(books.engine) as conn:
        loading.adopt(conn, "receivables", None, "old", "", "clerk")
    assert balances(books) == {"C1": 17}
    night(books, 3, "C1 F1 10")
    assert balances(books) == {"C1": 10}


def test_a_merge_that_was_undone_makes_the_same_file_news(books: Office) -> None:
    """What came for the old code meanwhile goes where the file says."""
    night(books, 1, "C1 F1 100")
    with db.transaction(books.engine) as conn:
        act = loading.merge_customers(conn, "", "C2", "C1", "clerk").id
    night(books, 2, "C1 F1 100", "C2 F2 60")
    with db.transaction(books.engine) as conn:
        assert act
        loading.undo_act(conn, act, "clerk")
    night(books, 3, "C1 F1 100", "C2 F2 60")
    assert balances(books) == {"C1": 100, "C2": 60}


def test_a_profile_that_was_put_right_reads_the_same_file_anew(books: Office) -> None:
    """Another column is read now, so the bytes are news; by the profile as it was they are none."""
    file = ITEMS_HEADER.strip() + ";Open\nC1;F1;01/10/2026;01/12/2026;100,00;60,00\n"
    books.load("snap", file, "s_20261101.csv")
    assert books.load("snap", file, "s_20261102.csv").code == "duplicate"
    books.profile("snap", SNAPSHOT.replace("    [import]", '    remaining = "Open"\n    [import]'))
    assert counts(books.load("snap", file, "s_20261103.csv")) == {"read": 1, "updated": 1}
    assert balances(books) == {"C1": 60}


def test_two_snapshots_of_one_scope_clear_nothing_of_each_other(books: Office) -> None:
    """Neither runs, and both are named: each would take for paid what only the other has."""
    for name in ("snap", "other"):
        books.profile(name, SNAPSHOT.replace("    mode", '    scope = "a"\n    mode'))
    run = books.load("snap", ITEMS_HEADER + "C1;F1;01/10/2026;01/12/2026;10,00\n", "s_20261101.csv")
    assert (run.code, run.detail and run.detail.values) == ("scope_unnamed", {"profiles": "other, snap"})


def test_a_first_night_before_the_customers_is_compared_as_it_came(books: Office) -> None:
    """Rows that waited for their customers were in the file: once they are in, the next one is as large as it."""
    items = [f"P{n} F{n} 10" for n in range(25)]
    night(books, 1, "C1 F0 10", *items)
    books.profile("customers", CUSTOMERS)
    rows = "".join(f"P{n};Name;Paris;\n" for n in range(25))
    assert books.load("customers", "Code;Name;City;Limit\n" + rows, "c.csv").tally
    assert night(books, 2, "C1 F0 10", *items, "C1 F99 1") == {"read": 27, "created": 1, "unchanged": 26}


def test_a_credit_that_came_by_the_wrong_export_is_told_as_that(books: Office) -> None:
    """Where credits come by the one dataset, and the other had it first, the reason names where it stands."""
    books.settle('[entities.""]\ncredits = "open_credits"\n')
    books.profile(
        "credits",
        """
        dataset = "open_credits"
        pattern = "c*.csv"
        columns = { customer_code = "C", credit_number = "N", credit_date = "D", balance = "B", currency = { value = "EUR" } }
        format = { delimiter = ";", decimal = ",", date = "dd/mm/yyyy" }
    """,
    )
    night(books, 1, "C1 K9 -15")
    run = books.load("credits", "C;N;D;B\nC1;K9;01/10/2026;15,00\n", "c.csv")
    (reason,) = books.rejections(run)[0].reasons
    assert (str(reason.code), reason.detail) == ("credit_twice", "receivables")


def test_an_item_given_to_another_customer_by_a_delta_is_told(books: Office) -> None:
    """A delta takes nothing away: the item stands under both, and the mail says so."""
    books.profile("delta", ITEMS + DAY)
    night(books, 1, "C1 F7 900", profile="delta")
    run = books.load("delta", ITEMS_HEADER + "C2;F7;01/10/2026;01/12/2026;900,00\n", "s_20261102.csv")
    assert (counts(run), run.notes) == ({"read": 1, "created": 1}, (Note("alike_elsewhere", 1, "F7"),))


def test_an_item_that_is_paid_did_not_move(books: Office) -> None:
    """Another customer's item of that number was there before, as with all who number by customer."""
    night(books, 1, "C1 F1 100", "C2 F1 100")
    assert night(books, 2, "C1 F1 100") == {"read": 1, "unchanged": 1, "cleared": 1}
    assert night(books, 3, "C2 F2 50") == {"read": 1, "created": 1, "cleared": 1}
    assert night(books, 4, "C1 F2 50") == {"read": 1, "created": 1, "cleared": 1, "moved": 1}
    with db.transaction(books.engine) as conn:
        assert conn.execute(text("SELECT sum(balance) FROM ar.customer_balance")).scalar_one() == Decimal(50)

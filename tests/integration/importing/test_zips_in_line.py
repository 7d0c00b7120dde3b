"""Archives among the files of a night: their members keep the order, the rules and the people of their own profiles."""

import io
import zipfile

import pytest

from daemon import db
from daemon.upkeep.rescue import rescue
from tests.support.night import Night, customers, items
from tests.support.office import CUSTOMERS, ITEMS, Office

NOTIFY = '    [notify]\n    to = [{ email = "credit@example.com" }]\n'


def packed(**members: str) -> bytes:
    """A zip of CSV files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return out.getvalue()


@pytest.fixture
def night(office: Office) -> Night:
    """A night with a drop."""
    return Night(office, erp={})


def test_one_archive_after_the_other(night: Night) -> None:
    """Three zips whose members have profiles of their own are all imported, with nobody's help."""
    for number in range(3):
        night.arrive(f"erp/pack-{number}.zip", packed(customers=customers(f"C{number}")))
    night.pass_by()
    assert [state for _, state, _ in night.runs()] == ["imported"] * 3
    assert night.files() == {f"processed/pack-{number}.zip" for number in range(3)}


def test_members_wait_as_their_profiles_say(night: Night) -> None:
    """Items in a zip wait for the customers that come in another file."""
    night.office.profile("items", ITEMS + '    [import]\n    after = ["customers"]\n')
    night.arrive("erp/pack.zip", packed(items=items("F1")))
    night.look()
    night.work()
    assert night.runs() == [("pack.zip", "arrived", None)]
    night.arrive("erp/customers.csv", customers("C1"))
    night.look()
    for _ in range(2):
        night.do("UPDATE nightporter.procrastinate_jobs SET scheduled_at = NULL")
        night.work()
    assert [state for _, state, _ in night.runs()] == ["imported"] * 2
    assert night.office.rows("SELECT count(*) FROM ar.receivable") == [(1,)]


def test_a_refused_member_is_told_to_its_profiles_people(night: Night) -> None:
    """Not to the admins, who would not know what it is about."""
    night.office.profile("customers", CUSTOMERS + NOTIFY)
    night.arrive("erp/pack.zip", packed(customers="nonsense\n"))
    night.pass_by()
    assert night.mails() == [("result", "credit@example.com")]


def test_of_several_zips_only_the_last_may_count(night: Night) -> None:
    """`latest_only` holds for zips that a profile claims by name."""
    whole = '    [import]\n    mode = "snapshot"\n    latest_only = true\n'
    night.office.profile("customers", CUSTOMERS.replace("customers*.csv", "pack-*.zip") + whole)
    for number in range(3):
        night.arrive(f"erp/pack-{number}.zip", packed(customers=customers(f"C{number}")))
    night.pass_by()
    assert [code for *_, code in night.runs()] == ["passed_over", "passed_over", None]


def test_what_cannot_go_on_holds_up_a_line_for_a_while_only(night: Night) -> None:
    """A section whose first one is deferred, and a file whose machine is gone, are passed by after a quarter of an hour."""
    night.office.profile("both", CUSTOMERS.replace("customers*.csv", "both-*.csv") + ALSO)
    for number in (1, 2):
        night.arrive(f"erp/both-{number}.csv", f"Code;Name;City;Limit;Contact\nC{number};Martin;Paris;;Anna\n")
    night.look()
    night.do("UPDATE nightporter.import_run SET not_before = now() + interval '1 hour' WHERE id = 1")
    night.do("DELETE FROM nightporter.procrastinate_jobs")
    assert rescued(night) == 0
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '1 hour'")
    assert rescued(night) == 1
    assert night.work() == [3, 4]

    night.do("UPDATE nightporter.import_run SET not_before = NULL")
    night.do("UPDATE nightporter.arrival SET archive_host = 'dead' WHERE id = 1")
    night.arrive("erp/both-3.csv", "Code;Name;City;Limit;Contact\nC3;Martin;Paris;;Anna\n")
    night.look()
    assert night.work() == [5, 6]


ALSO = """
    [[also]]
    dataset = "contacts"
    columns = { customer_code = "Code", name = "Contact" }
"""


def rescued(night: Night) -> int:
    with db.transaction(night.office.engine) as conn:
        return rescue(conn, 30)

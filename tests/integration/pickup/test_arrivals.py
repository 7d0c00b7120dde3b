"""Arrivals: which files are taken, in what order, which file is which, and what becomes of the source."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.pickup.look import look
from daemon.upkeep.retention import prune_archive
from tests.support.night import Night, customers, items
from tests.support.office import Office, said


@pytest.fixture
def night(office: Office) -> Night:
    """A night with one drop, whose customer C1 is in."""
    made = Night(office, erp={})
    made.arrive("erp/customers.csv", customers("C1"))
    made.pass_by()
    return made


def test_a_file_goes_from_the_drop_to_its_folder(night: Night) -> None:
    """A file is set aside, imported, and moved to `processed`; a refused one to `refused`."""
    night.arrive("erp/items.csv", items("F1"))
    night.look()
    assert night.files() == {"processed/customers.csv", "processing/2~items.csv"}
    night.work()
    night.arrive("erp/items-2.csv", "nonsense\n")
    night.pass_by()
    assert night.files() == {"processed/customers.csv", "processed/items.csv", "refused/items-2.csv"}


def test_a_name_used_again_is_a_new_file_that_follows_the_first(night: Night) -> None:
    """An ERP that always uses one name: each file is a run of its own, and says which one it follows."""
    night.arrive("erp/items.csv", items("F1"))
    night.look()
    night.arrive("erp/items.csv", items("F1", "F2"))
    night.look()
    night.work()
    night.look()
    assert [(run.state, run.follows) for run in map(night.run, (2, 3))] == [("imported", None), ("imported", 2)]
    assert night.files() == {"processed/customers.csv", "processed/items.csv", "processed/items.run-3.csv"}


def test_the_same_content_again_is_a_duplicate(night: Night) -> None:
    """Case 6: the same bytes under the same name or another are told as `duplicate`, and merged once."""
    for name in ("items.csv", "items.csv", "items-again.csv"):
        night.arrive(f"erp/{name}", items("F1"))
        night.pass_by()
    assert night.runs()[1:] == [
        ("items.csv", "imported", None),
        ("items.csv", "refused", "duplicate"),
        ("items-again.csv", "refused", "duplicate"),
    ]


def test_new_bytes_of_the_same_size_and_second_are_noticed(night: Night) -> None:
    """Case 5: a file overwritten while the first is being imported, with equal size and time, is imported as well."""
    night.arrive("erp/items.csv", items("F1"), mtime=1e9)
    night.look()
    night.arrive("erp/items.csv", items("F2"), mtime=1e9)
    night.work()
    night.look()
    night.pass_by()
    assert night.office.rows("SELECT item_number FROM ar.receivable ORDER BY 1") == [("F1",), ("F2",)]
    assert night.runs()[1:] == [("items.csv", "imported", None)] * 2


def test_a_file_replaced_before_it_was_fetched_has_vanished(night: Night) -> None:
    """Case 4: what was listed is gone, what is there now is another arrival, and the admins hear of it."""
    file = night.arrive("erp/items.csv", items("F1"))
    original = os.stat(file)
    visitor = night.visitors["erp"]
    with night.drop() as drop:
        look(night.office.engine, night.office.settings, night.office.profiles, "erp", drop, visitor._seen)
    night.arrive("erp/items.csv", items("F1", "F2"), mtime=original.st_mtime + 5)
    night.pass_by()
    assert night.runs()[1:] == [("items.csv", "vanished", None), ("items.csv", "imported", None)]
    assert ("result", "it@example.com") in night.mails()


def test_left_files_are_read_again_daily(office: Office) -> None:
    """Under `leave` nothing is moved; a file whose bytes changed under the same size and time is found within a day."""
    night = Night(office, erp={"imported": "leave"})
    night.arrive("erp/customers.csv", customers("C1"), mtime=1e9)
    night.pass_by()
    night.arrive("erp/customers.csv", customers("C2"), mtime=1e9)
    night.pass_by()
    assert office.rows("SELECT customer_code FROM ar.customer") == [("C1",)]
    night.do("UPDATE nightporter.arrival SET left_at = left_at - interval '25 hours'")
    night.look()
    night.pass_by()
    assert office.rows("SELECT customer_code FROM ar.customer ORDER BY 1") == [("C1",), ("C2",)]
    assert night.files() == {"customers.csv"}


def test_source_files_are_deleted_only_where_the_drop_says(office: Office) -> None:
    """Imported ones deleted, refused ones moved to a folder named by day and run."""
    night = Night(office, erp={"imported": "delete", "refused_to": "bad/{date}/{run}"})
    night.arrive("erp/customers.csv", customers("C1"))
    night.arrive("erp/items.csv", "nonsense\n")
    night.pass_by()
    assert night.files() == {f"bad/{time.strftime('%Y-%m-%d')}/2/items.csv"}


def test_a_drop_that_allows_no_rename_is_imported_from_and_told(office: Office) -> None:
    """Where we may only read, files are imported once, the failed move is tried again and shown, and nothing is imported twice."""
    night = Night(office, erp={})
    folder = office.home / "erp"
    night.arrive("erp/customers.csv", customers("C1"))
    with _read_only(folder):
        for _ in range(6):
            night.pass_by()
        assert night.runs() == [("customers.csv", "imported", None)]
        assert night.run(1).fault
        assert [mail for mail in night.mails() if mail[0] == "file_fault"] == [("file_fault", "it@example.com")]
    night.pass_by()
    assert night.files() == {"processed/customers.csv"}


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """A folder that nobody may change; root only minds a read-only mount."""
    if os.geteuid():
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
    yield
    subprocess.run(["umount", folder], check=True)


def test_files_are_taken_in_the_drops_order(office: Office) -> None:
    """By business date in the name, or by time: each profile's files go in one after the other, in that order."""
    profile = 'dataset = "customers"\npattern = "K*.csv"\ncolumns = { customer_code = "Code", business_name = "Name" }\n'
    for order, expected in (("business_date", ["K21112026.csv", "K22112026.csv"]), ("mtime", ["K22112026.csv", "K21112026.csv"])):
        night = Night(office, **{order: {"order": order, "path": order}})
        office.profile("k", profile + 'format = { delimiter = ";" }\nimport = { business_date = "K%d%m%Y.csv" }\n')
        night.arrive(f"{order}/K22112026.csv", customers(order), mtime=1e9)
        night.arrive(f"{order}/K21112026.csv", customers(order, "C2"), mtime=2e9)
        before = len(night.runs())
        night.look(order)
        night.work()
        assert [name for name, *_ in night.runs()[before:]] == expected


def test_of_several_files_only_the_last_may_count(night: Night) -> None:
    """`latest_only`: the others are refused as `passed_over`, told, and put away."""
    profile = night.office.settings.profiles / "items.toml"
    profile.write_text(profile.read_text() + '[import]\nmode = "snapshot"\nlatest_only = true\n')
    for number in (1, 2, 3):
        night.arrive(f"erp/items-{number}.csv", items(f"F{number}"))
    night.pass_by()
    assert night.runs()[1:] == [
        ("items-1.csv", "refused", "passed_over"),
        ("items-2.csv", "refused", "passed_over"),
        ("items-3.csv", "imported", None),
    ]
    assert said(night.run(2)) == "run 4: items-3.csv"


def test_a_look_takes_in_no_more_than_its_batch(office: Office) -> None:
    """The rest is taken in by the next look, which comes at once."""
    night = Night(office, erp={"batch": 2})
    for number in range(5):
        night.arrive(f"erp/customers-{number}.csv", customers(f"C{number}"))
    assert [night.visitors["erp"].visit(listing=True) for _ in range(4)] == [0, 0, None, None]
    assert len(night.runs()) == 5


def test_names_are_chosen_by_pattern_and_depth(office: Office) -> None:
    """Included, ignored, and in subfolders as deep as the drop says; paths keep files of one name apart."""
    night = Night(office, erp={"include": ["*.csv"], "ignore": ["*old*"], "depth": 1})
    for path in ("customers.csv", "fr/customers.csv", "fr/be/customers.csv", "customers-old.csv", "customers.txt"):
        night.arrive(f"erp/{path}", customers(path))
    night.pass_by()
    assert [name for name, *_ in night.runs()] == ["customers.csv", "fr/customers.csv"]


def test_a_file_that_nobody_claims_stays_and_is_told_once(night: Night) -> None:
    """It is imported as soon as a profile claims it."""
    night.arrive("erp/K.csv", customers("C7"))
    for _ in range(3):
        night.pass_by()
    assert [mail for mail in night.mails() if mail[0] == "unmatched"] == [("unmatched", "it@example.com")]
    night.office.profile("k", (night.office.settings.profiles / "customers.toml").read_text().replace("customers*.csv", "K.csv"))
    night.pass_by()
    assert night.runs()[-1] == ("K.csv", "imported", None)


def test_a_listing_that_is_briefly_empty_means_nothing(night: Night) -> None:
    """Case 17: a drop that lists nothing, or denies, loses no file and doubles none."""
    night.arrive("erp/items.csv", items("F1"))
    night.look()
    (night.office.home / "erp").rename(night.office.home / "away")
    night.look()
    (night.office.home / "erp").mkdir()
    night.look()
    (night.office.home / "erp").rmdir()
    (night.office.home / "away").rename(night.office.home / "erp")
    night.work()
    night.look()
    assert night.runs()[1:] == [("items.csv", "imported", None)]
    assert "processed/items.csv" in night.files()


def test_the_archive_keeps_its_days(night: Night) -> None:
    """Bytes older than the archive keeps are deleted; newer ones, and those a run still needs, stay."""
    night.arrive("erp/items.csv", items("F1"))
    night.look()
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '91 days'")
    assert prune_archive(night.office.engine, night.office.settings) == 1
    assert night.run(1).archive is None
    assert Path(night.run(2).archive).exists()
    night.work()
    night.look()
    assert prune_archive(night.office.engine, night.office.settings) == 1

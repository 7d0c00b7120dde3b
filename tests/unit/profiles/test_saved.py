"""Profiles: found by filename pattern, checked when read, the last good one kept."""

import os
from pathlib import Path

import pytest

from daemon.profiles import Profiles, ready_made
from daemon.profiles.profile import Profile
from tests.support.refusals import refused

BODY = 'dataset = "customers"\ncolumns = { customer_code = "C", business_name = "N" }\n'


def save(folder: Path, name: str, head: str, body: str = BODY) -> None:
    (folder / f"{name}.toml").write_text(head + "\n" + body)


def test_a_file_is_paired_by_glob_or_regex_and_drop(tmp_path: Path) -> None:
    """A pattern covers the whole name; a profile bound to a drop takes no other drop's files."""
    save(tmp_path, "glob", 'pattern = "CUST_*.csv"')
    save(tmp_path, "regex", r"regex = 'items_\d{8}\.txt'" + '\ndrop = "erp"')
    profiles = Profiles(tmp_path)

    def name(file: str, drop: str) -> str | None:
        found = profiles.match(file, drop)
        return found.name if found else None

    assert name("CUST_1.csv", "any") == "glob"
    assert name("CUST_1.csv.bak", "any") is None
    assert name("items_20240101.txt", "erp") == "regex"
    assert name("items_20240101.txt", "other") is None


def test_two_profiles_for_one_name_are_both_named(tmp_path: Path) -> None:
    """A name that two profiles claim is refused, and the refusal names them."""
    save(tmp_path, "one", 'pattern = "*.csv"')
    save(tmp_path, "two", 'pattern = "a*"')
    with refused("two_profiles: one and two"):
        Profiles(tmp_path).match("a.csv", "drop")


def test_a_broken_profile_leaves_the_last_good_one_in_force(tmp_path: Path) -> None:
    """A slip in an edited profile is reported and does not stop the night's files."""
    save(tmp_path, "p", 'pattern = "*.csv"')
    profiles = Profiles(tmp_path)
    assert profiles.match("a.csv", "d")
    save(tmp_path, "p", 'patern = "*.txt"')
    os.utime(tmp_path / "p.toml", (1, 1))
    assert profiles.match("a.csv", "d")
    assert any('patern: unknown key; did you mean "pattern"?' in str(fault) for fault in profiles.mistakes)


def test_an_editors_leavings_are_no_profiles(tmp_path: Path) -> None:
    """A lock file that points nowhere stops nobody."""
    save(tmp_path, "p", 'pattern = "*.csv"')
    (tmp_path / ".#p.toml").symlink_to("nowhere")
    (tmp_path / "gone.toml").symlink_to("nowhere")
    profiles = Profiles(tmp_path)
    assert profiles.match("a.csv", "d")
    assert profiles.mistakes == []


def test_a_changed_profile_is_read_again(tmp_path: Path) -> None:
    """A saved change is in force at once, and so is a profile's removal."""
    save(tmp_path, "p", 'pattern = "*.csv"')
    profiles = Profiles(tmp_path)
    assert profiles.match("a.txt", "d") is None
    save(tmp_path, "p", 'pattern = "*.txt"')
    os.utime(tmp_path / "p.toml", (1, 1))
    assert profiles.match("a.txt", "d")
    (tmp_path / "p.toml").unlink()
    assert profiles.match("a.txt", "d") is None


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        ('pattern = "*"', BODY.replace("customers", "custmers"), 'no dataset "custmers"; did you mean "customers"?'),
        (
            'pattern = "*"',
            BODY.replace("business_name", "busness_name"),
            'no field "busness_name" in customers; did you mean "business_name"?',
        ),
        (
            'pattern = "*"',
            'dataset = "customers"\ncolumns = { customer_code = "C" }',
            'the required field "business_name" is not mapped',
        ),
        ('pattern = "*"\nregex = "x"', BODY, 'give either "pattern" or "regex"'),
        ("regex = '('", BODY, "not a regular expression that RE2 knows"),
        ('pattern = "*"', BODY.replace('"N"', '{ from = "N", value = "x" }'), "give exactly one of"),
        ('pattern = "*"', BODY + '[format]\ndate = "dd/mm"', "not a date pattern"),
    ],
)
def test_a_profile_that_cannot_work_is_told_when_it_is_read(tmp_path: Path, head: str, body: str, message: str) -> None:
    """Unknown datasets and fields, unmapped required fields and bad patterns are faults of the profile, not of a night."""
    save(tmp_path, "p", head, body)
    assert any(message in str(fault) for fault in Profiles(tmp_path).mistakes)


def test_a_pattern_cannot_hang_the_daemon() -> None:
    """An expression that takes other engines for ever is matched in linear time."""
    profile = Profile.model_validate(
        {"name": "p", "regex": "(a+)+b", "dataset": "customers", "columns": {"customer_code": "C", "business_name": "N"}}
    )
    assert not profile.matches("a" * 10_000, "d")


def test_sections_come_customers_first() -> None:
    """A file that feeds customers and open items feeds the customers first."""
    items = {
        "customer_code": "C",
        "item_number": "N",
        "issue_date": "D",
        "due_date": "D",
        "amount": "A",
        "currency": {"value": "EUR"},
    }
    also = [{"dataset": "customers", "columns": {"customer_code": "C", "business_name": "C"}}]
    profile = Profile.model_validate({"name": "p", "pattern": "*", "dataset": "receivables", "columns": items, "also": also})
    assert [section.dataset for section in profile.sections] == ["customers", "receivables"]


def test_every_ready_made_profile_is_whole(tmp_path: Path) -> None:
    """The profiles that come with the installation load as they are."""
    for path in ready_made():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    profiles = Profiles(tmp_path)
    assert profiles.mistakes == []
    assert len(list(profiles)) == len(ready_made()) > 0

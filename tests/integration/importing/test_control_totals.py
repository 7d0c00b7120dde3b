"""Control: what the ERP says the file holds, in a trailer or a file beside it, is compared before anything is committed."""

import pytest

from daemon.errors import Detail
from daemon.model import Effect
from tests.support.night import Night, customers, items
from tests.support.office import ITEMS, Office

TRAILER = ITEMS.replace("[columns]", 'trailer = "T"\n    [columns]') + (
    "    [control]\n    rows = '^T;(\\d+)'\n    total = '^T;\\d+;([\\d., -]+)'\n"
)
CONTROL_FILE = ITEMS + "    [control]\n    file = \"{stem}.ctl\"\n    rows = 'ROWS=(\\d+)'\n"


@pytest.fixture
def night(office: Office) -> Night:
    """A night with a drop, whose customer is in."""
    made = Night(office, erp={})
    made.arrive("erp/customers.csv", customers("C1"))
    made.pass_by()
    return made


@pytest.mark.parametrize(("trailer", "outcome"), [
    ("T;2;10,00;;\n", "imported"),
    ("T;2;10,00\n", "imported"),
    ("T;3;10,00;;\n", "held"),
    ("T;2;1 000,00;;\n", "held"),
    ("", "held"),
])  # fmt: skip
def test_a_trailer_must_agree(night: Night, trailer: str, outcome: str) -> None:
    """Case 3: a file cut short, or one whose sum is another, is held, and the full one sent again takes its place."""
    night.office.profile("items", TRAILER)
    night.arrive("erp/items.csv", items("F1", "F2") + trailer)
    night.pass_by()
    assert night.runs()[-1][1] == outcome
    night.arrive("erp/items-again.csv", items("F1", "F2", "F3") + "T;3;15,00;;\n")
    night.pass_by()
    assert night.runs()[-1][1:] == ("imported", None)
    assert night.office.rows("SELECT count(*) FROM ar.receivable") == [(3,)]


def test_rejected_rows_count_as_rows(night: Night) -> None:
    """The control counts what the ERP wrote, good or bad."""
    night.office.profile("items", TRAILER.replace("    total = '^T;\\d+;([\\d., -]+)'\n", ""))
    night.arrive("erp/items.csv", items("F1") + "C9;F2;31/02/2024;02/03/2024;5\nT;2;;;\n")
    night.pass_by()
    assert night.runs()[-1][1:] == ("imported", None)


def test_a_file_waits_for_its_control_file(night: Night) -> None:
    """Without it the file is not complete; with it, it is compared; neither is ever matched, and both leave the drop."""
    night.office.profile("items", CONTROL_FILE)
    night.arrive("erp/items.csv", items("F1"))
    night.pass_by()
    assert len(night.runs()) == 1
    night.arrive("erp/items.ctl", "SENDER=ERP\nROWS=1\n")
    night.pass_by()
    assert night.runs()[1:] == [("items.csv", "imported", None)]
    assert night.files() == {"processed/customers.csv", "processed/items.csv"}
    assert [mail for mail in night.mails() if mail[0] == "unmatched"] == []


def test_a_control_file_may_contradict(night: Night) -> None:
    """It says so, with both counts."""
    night.office.profile("items", CONTROL_FILE)
    night.arrive("erp/items.csv", items("F1"))
    night.arrive("erp/items.ctl", "ROWS=2")
    night.pass_by()
    assert night.runs()[1:] == [("items.csv", "held", None)]
    assert night.run(2).effect == Effect(control=Detail.of("control_file_rows", told="2", read=1))


def test_a_control_without_a_place_is_a_fault_of_the_profile(night: Night) -> None:
    """`[control]` needs its file or a trailer, and expressions with one group."""
    for wrong in (
        "[control]\nrows = '(1)'\n",
        "[control]\nfile = '{stem}.ctl'\nrows = 'no group'\n",
        "[control]\nfile = '{stem}.ctl'\n",
    ):
        night.office.profile("wrong", ITEMS.replace("    [format]", "    [format]") + wrong)
        assert any(fault.file.stem == "wrong" for fault in night.office.profiles.mistakes), wrong

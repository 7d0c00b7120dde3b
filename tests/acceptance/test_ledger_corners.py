"""Corners of the ledger's rules, each once wrong: what waits beside what is open, acts that are taken back, what is alike and what is not."""

import pytest

from daemon import db, loading
from daemon.importing import decisions
from daemon.loading import Act
from daemon.model import ImportRun
from tests.support.money import balance
from tests.support.office import CREDITS, CUSTOMERS, ITEMS, ITEMS_HEADER, Office, counts
from tests.support.snapshots import SNAPSHOT, night

ROW = "{};{};01/02/2024;02/03/2024;{}\n"
DATED = '    [import]\n    business_date = "items-%Y%m%d*"\n'


@pytest.fixture
def ledger(office: Office) -> Office:
    """Two customers, a snapshot and a delta."""
    office.customers("C1", "C2")
    office.profile("items", SNAPSHOT.replace('    scope = "ledger"\n', ""))
    office.profile("delta", ITEMS + DATED)
    return office


def come(office: Office, code: str) -> ImportRun:
    """A customer comes."""
    office.profile("customers", CUSTOMERS)
    return office.load("customers", f"Code;Name;City;Limit\n{code};Newcomer;Lyon;\n")


def merge(office: Office, old: str, new: str) -> Act:
    """Merge two customers."""
    with db.transaction(office.engine) as conn:
        return loading.merge_customers(conn, "", old, new, "clerk")


def take_back(office: Office, act: Act) -> list[str]:
    """Undo an act; the codes of what forbids it."""
    assert act.id
    with db.transaction(office.engine) as conn:
        return [each.code for each in loading.undo_act(conn, act.id, "clerk").obstacles]


def undo(office: Office, run: ImportRun) -> None:
    """Undo a run."""
    with db.transaction(office.engine) as conn:
        assert decisions.undo(conn, office.settings, office.profiles, run, "clerk").obstacles == []


def test_a_merge_lets_nothing_that_waits_overwrite_what_is_open(ledger: Office) -> None:
    """A parked row of the one with the key of the other's item refuses it, named."""
    night(ledger, 1, "P1 F1 5", "C1 F1 1", profile="delta")
    act = merge(ledger, "P1", "C1")
    assert [(each.code, each.values["row"]) for each in act.obstacles] == [("both_have", "F1 2024")]
    assert balance(ledger) == 1


def test_a_merge_of_which_something_changed_since_is_not_taken_back(ledger: Office) -> None:
    """Nor one through whose old code another went, or whose old code is no customer any more."""
    night(ledger, 1, "P1 F1 5", profile="delta")
    released = merge(ledger, "P1", "C1")
    night(ledger, 2, "P1 F1 4", profile="delta")
    assert take_back(ledger, released) == ["row_changed_by"]
    brought = come(ledger, "B9")
    night(ledger, 3, "B9 F7 1", profile="delta")
    first = merge(ledger, "B9", "C2")
    through = merge(ledger, "A9", "B9")
    assert take_back(ledger, first) == ["merged_on"]
    assert take_back(ledger, through) == []
    undo(ledger, brought)
    assert take_back(ledger, first) == ["no_customer"]


def test_a_run_made_while_merged_is_undone_under_the_code_of_today(ledger: Office) -> None:
    """Whatever its customer was called when it was imported."""
    night(ledger, 1, "C1 F1 100", profile="delta")
    act = merge(ledger, "C1", "C2")
    changed = night(ledger, 2, "C1 F1 80", profile="delta")
    assert take_back(ledger, act) == []
    undo(ledger, changed)
    assert counts(night(ledger, 3, "C1 F1 80", profile="delta")) == {"read": 1, "updated": 1}
    assert balance(ledger) == 80


def test_a_merge_does_not_make_a_credit_count_twice(ledger: Office) -> None:
    """Where the settings say by which dataset credits come."""
    ledger.settle('[entities.""]\ncredits = "open_credits"\n')
    ledger.profile("credits", CREDITS)
    ledger.load("credits", "Customer;Credit;Date;Balance;Cur\nC1;N1;01/02/2024;250;EUR\n")
    night(ledger, 1, "C2 N1 -250", profile="delta")
    assert [each.code for each in merge(ledger, "C1", "C2").obstacles] == ["both_have"]


def test_an_undo_after_a_renumbering_keeps_the_key(ledger: Office) -> None:
    """The item is not open twice."""
    ledger.settle('[entities.""]\nnumbering = "continuous"\n')
    night(ledger, 1, "C1;F1;31/12/2023;02/03/2024;100", profile="delta")
    changed = night(ledger, 2, "C1;F1;31/12/2023;02/03/2024;60", profile="delta")
    ledger.settle('[entities.""]\nnumbering = "yearly"\n')
    with db.transaction(ledger.engine) as conn:
        assert loading.renumber(conn, "", "yearly", "admin").rows == {"receivables": 1}
    undo(ledger, changed)
    assert counts(night(ledger, 3, "C1;F1;31/12/2023;02/03/2024;90", profile="delta")) == {"read": 1, "updated": 1}
    assert balance(ledger) == 90


def test_an_adopted_row_keeps_its_scope_and_its_days(ledger: Office) -> None:
    """When an older run is undone; and what is older than the adopted scope's snapshot is late in its new one."""
    ledger.profile("items", SNAPSHOT)
    night(ledger, 3, "C1 F1 100")
    ledger.profile("items", SNAPSHOT.replace('    scope = "ledger"\n', ""))
    with db.transaction(ledger.engine) as conn:
        act = loading.adopt(conn, "receivables", None, "ledger", "", "admin")
    assert counts(night(ledger, 2, "C1 F9 7", profile="delta")) == {"read": 1, "skipped": 1}
    assert night(ledger, 2, "C1 F9 7", "C1 F1 100").code == "stale"
    assert take_back(ledger, act) == []
    assert ledger.rows("SELECT scope FROM nightporter.snapshot") == [("ledger",)]


def test_years_are_told_apart_among_parked_rows_too(ledger: Office) -> None:
    """A number that waits under another year may be the same item."""
    night(ledger, 1, "C9;F1;31/12/2023;02/03/2024;100", profile="delta")
    run = night(ledger, 2, "C9;F1;01/01/2024;02/03/2024;100", profile="delta")
    assert ledger.reasons(run) == {2: ["ambiguous"]}
    come(ledger, "C9")
    assert balance(ledger) == 100


def test_an_instalment_is_not_another(office: Office) -> None:
    """Nor are five dollars five euros; but a part-paid item is the same as before."""
    office.customers("C1")
    office.profile("parts", ITEMS.replace('item_number = "Item"', 'item_number = "Item"\n    instalment = "Part"'))
    head, row = "Customer;Item;Part;Issued;Due;Amount\n", "{};F1;{};01/02/2024;02/03/2024;5\n"
    office.load("parts", head + row.format("C9", 1) + row.format("C9", 2))
    assert counts(office.load("parts", head + row.format("C1", 1)))["moved"] == 1
    office.profile("usd", ITEMS.replace('"EUR"', '"USD"'))
    assert "moved" not in counts(office.load("usd", ITEMS_HEADER + ROW.format("C1", "F1", 5)))
    office.profile("open", ITEMS.replace('amount = "Amount"', 'amount = "Amount"\n    remaining = "Open"'))
    opened = ITEMS_HEADER.strip() + ";Open\n"
    office.load("open", opened + "C9;F5;01/02/2024;02/03/2024;50;50\n")
    assert counts(office.load("open", opened + "C1;F5;01/02/2024;02/03/2024;50;20\n"))["moved"] == 1
    come(office, "C9")
    assert office.rows("SELECT customer_code, item_number, instalment, remaining::int, currency FROM ar.receivable ORDER BY 2, 3, 5") == [
        ("C1", "F1", "", 5, "USD"), ("C1", "F1", "1", 5, "EUR"), ("C9", "F1", "2", 5, "EUR"), ("C1", "F5", "", 20, "EUR"),
    ]  # fmt: skip


def test_a_snapshot_is_no_duplicate_of_a_delta(ledger: Office) -> None:
    """The same rows as changes said nothing of what they left out."""
    night(ledger, 1, "C1 F1 10", "C1 F2 20")
    night(ledger, 2, "C1 F1 15", profile="delta")
    assert counts(night(ledger, 3, "C1 F1 15")) == {"read": 1, "unchanged": 1, "cleared": 1}
    assert balance(ledger) == 15


def test_a_file_of_which_nothing_was_taken_may_come_again(ledger: Office) -> None:
    """It pins nothing, either."""
    cut = (ITEMS_HEADER + ROW.format("C1", "F1", "x"))[:-1]
    assert ledger.load("delta", cut, "items-20241101.csv").state == "imported"
    assert ledger.load("delta", cut, "items-20241101.csv").state == "imported"
    assert night(ledger, 1, "C1 F1 5", profile="delta").state == "imported"


def test_part_paid_items_are_alike(ledger: Office) -> None:
    """A first snapshot under another entity is held, though something was paid of each of its items that night."""
    opened = (
        ITEMS.replace('amount = "Amount"', 'amount = "Amount"\n    remaining = "Open"') + '    [import]\n    mode = "snapshot"\n'
    )
    head, row = ITEMS_HEADER.strip() + ";Open\n", "C1;F{};01/02/2024;02/03/2024;100;{}\n"
    ledger.profile("items", opened)
    ledger.load("items", head + "".join(row.format(n, 100) for n in range(30)))
    ledger.profile("items", opened.replace("dataset", 'entity = "FR"\n    customer_entity = ""\n    dataset', 1))
    assert ledger.load("items", head + "".join(row.format(n, 50) for n in range(30))).state == "held"


def test_the_words_of_a_dry_run(ledger: Office) -> None:
    """A file that would be held is told with the reasons, and ends as the import itself would."""
    from daemon.importing import rehearse
    from daemon.model import Held, RemoteFile

    night(ledger, 1, "C1 F1 20000", "C1 F2 5000")
    path = ledger.file("items-20241102.csv", ITEMS_HEADER + ROW.format("C1", "F2", 5000))
    entry = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    (told,) = rehearse(ledger.engine, ledger.settings, ledger.profiles, ledger.profiles.get("items"), entry, lambda rows: None)
    assert isinstance(told.outcome, Held)
    assert told.outcome.effect.why == "value"

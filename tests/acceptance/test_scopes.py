"""Scopes: what a snapshot speaks for is the entity's ledger, as long as one profile speaks for it; nobody's items are orphans."""

from decimal import Decimal

import pytest

from daemon import db, loading
from daemon.upkeep import tell_orphaned
from tests.support.money import balance, told
from tests.support.office import ITEMS, Office, counts
from tests.support.snapshots import night, open_items

DATED = '    [import]\n    business_date = "items-%Y%m%d*"\n'
DELTA, SNAPSHOT = ITEMS + DATED, ITEMS + DATED + '    mode = "snapshot"\n'


@pytest.fixture
def ledger(office: Office) -> Office:
    """Two customers, a nightly snapshot, and a delta by day; neither names a scope."""
    office.customers("C1", "C2")
    office.profile("items", SNAPSHOT)
    office.profile("delta", DELTA)
    return office


def test_what_a_delta_brought_the_night_may_clear(ledger: Office) -> None:
    """An invoice of the day that is paid before the night's snapshot is not open for ever."""
    night(ledger, 1, "C1 F1 100")
    night(ledger, 1, "C1 F2 40", profile="delta")
    assert balance(ledger) == 140
    run = night(ledger, 2, "C1 F1 100")
    assert balance(ledger) == 100
    assert told(run) == {"file_total": 100, "taken": 100, "open_before": 140, "cleared": 40, "open_after": 100}


def test_a_profile_may_be_renamed_or_change_its_mode(ledger: Office) -> None:
    """The ledger is the entity's, whatever the profile is called, and however it spoke before."""
    night(ledger, 1, "C1 F1 100", "C1 F2 50")
    (ledger.settings.profiles / "items.toml").rename(ledger.settings.profiles / "renamed.toml")
    assert counts(night(ledger, 2, "C1 F1 100", profile="renamed"))["cleared"] == 1
    ledger.profile("delta", SNAPSHOT)
    (ledger.settings.profiles / "renamed.toml").unlink()
    assert counts(night(ledger, 3, "C2 F3 7", profile="delta")) == {"read": 1, "created": 1, "cleared": 1}
    assert balance(ledger) == 7


def test_where_several_speak_each_names_its_scope(ledger: Office) -> None:
    """While one does not, none of them runs, nor what else fills the entity; `check` says which, and the last good version is none."""
    night(ledger, 1, "C1 F1 100")
    ledger.profile("other", SNAPSHOT + '    scope = "export"\n')
    for profile in ("items", "other", "delta"):
        run = night(ledger, 2, "C1 F9 9", profile=profile)
        assert (run.state, run.code) == ("refused", "scope_unnamed")
    assert ledger.profiles.waiting_for_names() == [["delta", "items"]]
    ledger.profile("items", "nonsense = [")
    assert night(ledger, 2, "C1 F9 9", profile="other").code == "scope_unnamed"
    ledger.profile("items", SNAPSHOT + '    scope = "domestic"\n')
    ledger.profile("delta", DELTA + '    scope = "domestic"\n')
    assert ledger.profiles.waiting_for_names() == []
    assert night(ledger, 2, "C2 X1 1", profile="other").state == "imported"


def test_a_changed_entity_does_not_book_everything_twice(ledger: Office) -> None:
    """A first snapshot whose items are open under another entity or scope is held, and says how many and how much."""
    night(ledger, 1, "C1 F1 100", "C1 F2 50", "C2 F3 7")
    ledger.profile("items", SNAPSHOT.replace("dataset", 'entity = "FR"\n    customer_entity = ""\n    dataset', 1))
    run = night(ledger, 2, "C1 F1 100", "C1 F2 55", "C2 F4 1")
    assert run.state == "held"
    assert run.effect
    assert run.effect.open_elsewhere
    assert run.effect.open_elsewhere.values["rows"] == 1
    assert run.effect.open_elsewhere.values["amounts"] == "100.00000 EUR"
    assert balance(ledger) == 157


def test_orphans_are_counted_and_adopted(ledger: Office) -> None:
    """Open rows that no snapshot speaks for are told to the admins once; a command gives them to a scope, and takes that back."""
    night(ledger, 1, "C1 F1 100", "C1 F2 50")
    ledger.profile("items", SNAPSHOT + '    scope = "domestic"\n')
    ledger.settle('[mail]\nhost = "localhost"\nadmins = [{ email = "it@example.com" }]\n')
    with db.transaction(ledger.engine) as conn:
        found = loading.orphans(conn, *ledger.profiles.scopes())
    assert [(each.scope, each.rows, each.amount) for each in found] == [("", 2, Decimal(150))]
    for _ in range(2):
        tell_orphaned(ledger.engine, ledger.settings, ledger.profiles)
    assert ledger.rows("SELECT kind, about->>'count', about->'money'->>'EUR' FROM nightporter.email") == [
        ("orphans", "2", "150.00000")
    ]
    with db.transaction(ledger.engine) as conn:
        act = loading.adopt(conn, "receivables", None, "", "domestic", "admin")
        assert act.rows == {"receivables": 2}
        assert loading.orphans(conn, *ledger.profiles.scopes()) == []
    assert counts(night(ledger, 2, "C1 F1 100"))["cleared"] == 1
    with db.transaction(ledger.engine) as conn:
        assert act.id
        loading.undo_act(conn, act.id, "admin")
    assert ledger.rows("SELECT DISTINCT scope FROM ar.receivable") == [("",)]
    assert open_items(ledger) == [("F1", Decimal(100))]

"""Rehearsals: `import --dry-run` says what would become of every row, field by field, and changes nothing."""

import pytest

from daemon import db, loading
from daemon.errors import TryLater
from daemon.importing.rehearsal import Rehearsed, rehearse
from daemon.model import Change, RemoteFile
from daemon.model.outcome import Held, Imported
from tests.support.office import ITEMS, ITEMS_HEADER, Office

SNAPSHOT = ITEMS + '    [import]\n    mode = "snapshot"\n'


def rehearsed(office: Office, text: str) -> Rehearsed:
    """What a file would come to."""
    path = office.file("next.csv", text)
    entry = RemoteFile(str(path), path.stat().st_size, path.stat().st_mtime_ns)
    profile = office.profiles.get("items")
    (came_to,) = rehearse(office.engine, office.settings, office.profiles, profile, entry, lambda rows: None)
    return came_to


def items(*rows: str) -> str:
    """A file: each row `customer item amount`."""
    return ITEMS_HEADER + "".join("{};{};01/02/2024;02/03/2024;{}\n".format(*row.split()) for row in rows)


def test_every_row_is_told_before_and_after(office: Office) -> None:
    """Created, changed field by field, cleared and reopened; and afterwards everything is as it was."""
    office.customers("C1")
    office.profile("items", SNAPSHOT)
    office.load("items", items("C1 F1 1", "C1 F2 2", "C1 F3 3"))
    office.load("items", items("C1 F1 1", "C1 F2 2"))
    before = office.rows("SELECT to_jsonb(r) FROM ar.receivable r ORDER BY id")
    came_to = rehearsed(office, items("C1 F1 5", "C1 F3 3", "C1 F4 4"))
    assert isinstance(came_to.outcome, Imported)
    assert came_to.changes[:3] == [
        Change("changed", "C1 F1", {"amount": (1.0, 5.0), "remaining": (1.0, 5.0)}, "1.00000", "EUR"),
        Change("cleared", "C1 F2", {"state": ("open", "cleared")}, "2.00000", "EUR"),
        Change("reopened", "C1 F3", {"state": ("cleared", "open")}, "3.00000", "EUR"),
    ]
    assert [(change.kind, change.row) for change in came_to.changes[3:]] == [("created", "C1 F4")]
    assert office.rows("SELECT to_jsonb(r) FROM ar.receivable r ORDER BY id") == before
    assert office.rows("SELECT count(*) FROM nightporter.row_change") == [(1,)]


def test_a_hold_is_told_beforehand(office: Office) -> None:
    """What would be held says why."""
    office.customers("C1")
    office.profile("items", SNAPSHOT)
    office.load("items", items(*(f"C1 F{n} 1" for n in range(50))))
    came_to = rehearsed(office, items("C1 F1 1"))
    assert isinstance(came_to.outcome, Held)
    assert came_to.outcome.effect.why == "cleared, rows, total"


def test_a_rehearsal_gives_way_to_an_import(office: Office) -> None:
    """Whoever comes for something that stays does not wait for a dry run; one dry run waits for another."""
    with pytest.raises(TryLater, match="the database"):
        _lock(office, "FR01", "DE01", "FR01")


def test_a_rehearsal_waits_for_another(office: Office) -> None:
    """Neither ends the other."""
    with db.transaction(office.engine) as first:
        loading.rehearses(first)
        loading.lock_entities(first, {"FR01"})
        with pytest.raises(TryLater, match="lock timeout"):
            _lock(office, "FR01")
        db.driver(first).execute("SELECT 1")


def _lock(office: Office, entity: str, *imported: str) -> None:
    """Lock an entity in a rehearsal, go on with it, and meanwhile lock others, one after the other, in imports."""
    with db.transaction(office.engine) as trying:
        loading.rehearses(trying)
        db.driver(trying).execute("SET LOCAL lock_timeout = '100ms'")
        loading.lock_entities(trying, {entity})
        for each in imported:
            if each == entity:
                db.driver(trying).execute("SELECT 1")  # so far nobody ended it
            with db.transaction(office.engine) as importing:
                loading.lock_entities(importing, {each})
        db.driver(trying).execute("SELECT 1")

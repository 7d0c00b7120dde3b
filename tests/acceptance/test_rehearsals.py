"""Rehearsals: `import --dry-run` says what would become of every row, field by field, and changes nothing."""

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

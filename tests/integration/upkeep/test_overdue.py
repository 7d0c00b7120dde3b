"""What waits longer than it should, and is told."""

from daemon import db
from daemon.upkeep import see_to_overdue
from tests.support.office import ITEMS, ITEMS_HEADER, Office


def told(office: Office) -> list[tuple[str, str]]:
    """Look what is overdue; the mails owed for it, each with the codes it names."""
    see_to_overdue(office.engine, office.settings, office.profiles)
    found = office.rows("SELECT kind, about->>'codes' FROM nightporter.email WHERE kind IN ('parked', 'loaded') ORDER BY id")
    return [(kind, codes) for kind, codes in found]


def test_rows_that_wait_long_are_told_once_and_again_when_they_load(office: Office) -> None:
    """Who was told that rows wait is told that they loaded; who was not told, is not."""
    office.profile("items", ITEMS + '    [notify]\n    to = [{ email = "credit@example.com" }]\n')
    office.customers("C1")
    office.load("items", ITEMS_HEADER + "C8;F1;01/02/2026;02/03/2026;5\nC9;F2;01/02/2026;02/03/2026;5\n")
    assert told(office) == []
    with db.transaction(office.engine) as conn:
        conn.exec_driver_sql(
            "UPDATE nightporter.parked SET parked_at = parked_at - interval '40 days' WHERE customer_code = 'C9'"
        )
    assert told(office) == told(office) == [("parked", "C9")]
    office.customers("C8", "C9")
    assert office.rows("SELECT count(*) FROM ar.receivable WHERE state = 'open'") == [(2,)]
    assert told(office) == told(office) == [("parked", "C9"), ("loaded", "C9")]


def test_a_row_that_comes_again_every_night_has_waited_since_the_first(office: Office) -> None:
    """An export that repeats what is open neither hides how long a row waits, nor that somebody was told."""
    office.profile(
        "items", ITEMS + '    [import]\n    mode = "snapshot"\n    [notify]\n    to = [{ email = "credit@example.com" }]\n'
    )
    office.customers("C1")
    rows = ITEMS_HEADER + "C1;F1;01/02/2026;02/03/2026;5\nC9;F2;01/02/2026;02/03/2026;5\n"
    office.load("items", rows)
    with db.transaction(office.engine) as conn:
        conn.exec_driver_sql("UPDATE nightporter.parked SET parked_at = parked_at - interval '40 days'")
    office.load("items", rows + "C1;F3;01/02/2026;02/03/2026;5\n", "night2.csv")
    assert told(office) == [("parked", "C9")]
    office.load("items", rows + "C1;F4;01/02/2026;02/03/2026;5\n", "night3.csv")
    assert told(office) == [("parked", "C9")]
    office.customers("C9")
    assert told(office) == [("parked", "C9"), ("loaded", "C9")]

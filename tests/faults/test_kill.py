"""kill -9 at every step of the journey, over a night of files."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.office import ITEMS_HEADER
from tests.support.servers import MailServer
from tests.support.service import Service

IN_THE_WORKER = [
    "claimed", "fetched", "staged", "checked", "merged", "before commit", "committed", "finished", "mail taken",
]  # fmt: skip
IN_THE_SERVICE = ["listed", "arrived", "set aside", "archived", "moved"]
FILES, ROWS = 3, 40


@pytest.fixture
def service(tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]) -> Iterator[Service]:
    """The service, with its failpoints ready to be armed, and a customer."""
    made = Service(tmp_path, database, mail_server, eventually)
    made.start(NIGHTPORTER_FAILPOINT=str(tmp_path / "failpoint"))
    made.arrive("customers.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
    made.wait_for_mails(1)
    yield made
    made.stop()


@pytest.mark.timeout(400)
def test_promises_hold_though_the_process_is_killed_at_every_step(service: Service, eventually: Callable[..., object]) -> None:
    """P1-P5: after SIGKILL at each failpoint every file is loaded once, told, moved and archived, as if nothing had been."""
    armed = service.home / "failpoint"
    names = (f"items-{number}.csv" for number in itertools.count())
    for number, failpoint in enumerate(IN_THE_WORKER + IN_THE_SERVICE, 1):
        armed.with_suffix(".new").write_text(failpoint)
        armed.with_suffix(".new").rename(armed)
        for name in itertools.islice(names, FILES):
            rows = (f"C1;{name}-{row};01/02/2024;02/03/2024;{row},50\n" for row in range(ROWS))
            service.arrive(
                name, ITEMS_HEADER + "".join(rows) + f"C1;{name};31/02/2024;02/03/2024;1\nC9;{name};01/02/2024;02/03/2024;1\n"
            )
        eventually(lambda: not armed.exists())
        if failpoint in IN_THE_SERVICE:
            assert service.process.wait(10) == -9, failpoint
            service.start(NIGHTPORTER_FAILPOINT=str(armed))
        service.wait_for("imported", number * FILES + 1, 60)

    count = FILES * len(IN_THE_WORKER + IN_THE_SERVICE)
    eventually(lambda: len(list((service.drop / "processed").iterdir())) == count + 1, 60)
    assert not [path for path in service.drop.rglob("*") if path.is_file() and path.parent.name != "processed"]
    eventually(lambda: service.query("SELECT FROM nightporter.email WHERE sent_at IS NULL") == [], 60)

    assert [run[1] for run in service.runs()] == ["imported"] * (count + 1)
    assert service.query("SELECT count(*), count(DISTINCT item_number) FROM ar.receivable") == [(count * ROWS, count * ROWS)]
    for aside in ("rejection", "parked"):
        assert service.query(f"SELECT count(*), count(DISTINCT run_id) FROM nightporter.{aside}") == [(count, count)]
    assert {message["Message-ID"] for message in service.mail.messages} == {
        row[0] for row in service.query("SELECT message_id FROM nightporter.email")
    }
    assert service.query("SELECT count(*) FROM nightporter.email") == [(count + 1,)]
    kept = {row[0] for row in service.query("SELECT archive FROM nightporter.arrival")}
    assert {str(path) for path in (service.home / "archive").rglob("*.zst")} >= kept
    assert len(kept) == count + 1
    assert service.query("SELECT count(*) FROM nightporter.stage_receivables") == [(0,)]

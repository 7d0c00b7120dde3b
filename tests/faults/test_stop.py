"""Stopping in the middle of the work, and a database that goes away."""

from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.support.office import ITEMS_HEADER
from tests.support.servers import MailServer
from tests.support.service import Service

ROWS = 150_000
LARGE = ITEMS_HEADER + "".join(f"C1;F{n};01/02/2024;02/03/2024;{n},50\n" for n in range(ROWS))


def loaded_once(service: Service) -> bool:
    return service.query("SELECT count(*), count(DISTINCT item_number) FROM ar.receivable") == [(ROWS, ROWS)]


def test_a_stop_in_the_middle_of_an_import_loses_nothing(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """SIGTERM mid-import: the service ends with status 0, the file is done or rolled back, and taken up again at the next start."""
    service = Service(tmp_path, database, mail_server, eventually).start()
    service.arrive("customers.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
    service.wait_for("imported")
    service.arrive("items.csv", LARGE)
    service.wait_for("importing")
    assert service.stop() == 0
    service.start()
    service.wait_for("imported", 2, 60)
    assert loaded_once(service)
    assert service.stop() == 0


def test_a_database_that_throws_everybody_out_costs_no_file(
    tmp_path: Path, database: str, mail_server: MailServer, eventually: Callable[..., object]
) -> None:
    """Every connection cut in the middle of an import: rolled back, tried again without anybody's help, loaded once."""
    with Service(tmp_path, database, mail_server, eventually) as service:
        service.arrive("customers.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
        service.wait_for("imported")
        service.arrive("items.csv", LARGE)
        service.wait_for("importing")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        service.wait_for("imported", 2, 90)
        assert loaded_once(service)
        service.wait_for_mails(2)

"""The rescue: nothing owed stays without a job, however the job was lost."""

import pytest
import sqlalchemy as sa

from daemon import db, ledger, queue, results
from daemon.drops import open_drop
from daemon.importing.attempt import attempt
from daemon.model import RemoteFile
from daemon.pickup.transfer import fetch_owed
from daemon.settings import Person
from daemon.upkeep.rescue import rescue
from tests.support.drop_kinds import settings_with
from tests.support.office import CUSTOMERS, Office

JOBS = "SELECT task_name, queue_name, status::text FROM nightporter.procrastinate_jobs ORDER BY id"


@pytest.fixture
def run_id(office: Office) -> int:
    """A run whose file came to a local drop and is in the archive, with its job."""
    (office.home / "drop").mkdir()
    path = office.file("drop/customers.csv", "Code;Name;City;Limit\nC1;Martin;Paris;\n")
    office.settings = settings_with(office.home, {"kind": "local", "path": "drop"})
    office.profile("customers", CUSTOMERS)
    with db.transaction(office.engine) as conn:
        entry = RemoteFile(path.name, path.stat().st_size, path.stat().st_mtime_ns)
        made = ledger.arrivals.record_arrival(conn, "d", entry, [("customers", "customers")], db.now(conn), queue.this_host())
        assert made
        ledger.drops.mark_looking(conn, "d", queue.this_host())
    with open_drop("d", office.settings.drops["d"], office.settings) as drop:
        fetch_owed(office.engine, office.settings, "d", drop)
    return made


def rescued(office: Office) -> int:
    with db.transaction(office.engine) as conn:
        return rescue(conn, 30)


def do(office: Office, statement: str) -> None:
    with db.transaction(office.engine) as conn:
        conn.execute(sa.text(statement))


def test_what_has_its_job_is_left_alone(office: Office, run_id: int) -> None:
    """A healthy queue needs no rescue."""
    assert rescued(office) == 0
    assert office.rows(JOBS) == [("import_run", f"imports@{queue.this_host()}", "todo")]


@pytest.mark.parametrize("loss", ["DELETE FROM nightporter.procrastinate_jobs", "UPDATE nightporter.procrastinate_jobs SET status = 'failed'",
                                  "UPDATE nightporter.procrastinate_jobs SET status = 'doing'"])  # fmt: skip
def test_an_import_whose_job_was_lost_gets_another(office: Office, run_id: int, loss: str) -> None:
    """A job that is gone, failed, or held by a worker that is no more is replaced, and its run is to be had again."""
    with db.transaction(office.engine) as conn:
        ledger.runs.claim_run(conn, run_id)
    do(office, loss)
    assert rescued(office) == 1
    assert office.rows(JOBS) == [("import_run", f"imports@{queue.this_host()}", "todo")]
    assert office.rows("SELECT state FROM nightporter.import_run") == [("arrived",)]
    assert rescued(office) == 0


def test_a_machine_that_seldom_looks_still_imports(office: Office, run_id: int) -> None:
    """A drop that is polled hourly, or fails, holds up no file that was fetched: its machine says itself that it is there."""
    do(office, "UPDATE nightporter.drop_state SET looked_at = now() - interval '1 hour', alive_at = now() - interval '1 hour'")
    do(office, "DELETE FROM nightporter.procrastinate_jobs")
    assert rescued(office) == 1
    assert office.rows(JOBS) == [("import_run", f"imports@{queue.this_host()}", "todo")]


def test_mails_are_owed_until_sent(office: Office, run_id: int) -> None:
    """A mail that was not sent has a job again."""
    attempt(office.engine, office.settings, office.profiles, run_id)
    with db.transaction(office.engine) as conn:
        run = ledger.runs.run_by_id(conn, run_id)
        assert run
        results.owe_result(conn, run, [Person(email="credit@example.com")])
    do(office, "DELETE FROM nightporter.procrastinate_jobs")
    assert rescued(office) == 1
    assert {row[0] for row in office.rows(JOBS)} == {"send_result_email"}


def test_a_file_that_kills_its_process_runs_out_of_tries(office: Office, run_id: int) -> None:
    """Attempts that end without a word are counted, and after as many as the settings allow the file is refused."""
    for _ in range(office.settings.imports.attempts):
        with db.transaction(office.engine) as conn:
            ledger.runs.claim_run(conn, run_id)
        do(office, "DELETE FROM nightporter.procrastinate_jobs")
        rescued(office)
    attempt(office.engine, office.settings, office.profiles, run_id)
    assert office.rows("SELECT state, code FROM nightporter.import_run") == [("refused", "gave_up")]
    assert office.rows("SELECT count(*) FROM ar.customer") == [(0,)]


def test_the_worlds_fault_never_gives_a_file_up(office: Office, run_id: int) -> None:
    """Through twenty attempts without the archive the run is deferred, the admins told once; then the file is imported."""
    mail = {"host": "smtp", "admins": [{"email": "it@example.com"}]}
    office.settings = settings_with(office.home, {"kind": "local", "path": "drop"}, mail=mail)
    office.settings.archive_folder.rename(office.home / "away")
    for _ in range(20):
        attempt(office.engine, office.settings, office.profiles, run_id)
    assert office.rows("SELECT state, attempt, deferrals FROM nightporter.import_run") == [("arrived", 20, 20)]
    assert office.rows("SELECT recipient FROM nightporter.email") == [("it@example.com",)]
    (office.home / "away").rename(office.settings.archive_folder)
    attempt(office.engine, office.settings, office.profiles, run_id)
    assert office.rows("SELECT state FROM nightporter.import_run") == [("imported",)]

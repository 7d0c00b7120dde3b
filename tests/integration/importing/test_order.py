"""Order between files: lines, and files that wait for others."""

import sys
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from daemon import db, ledger, queue
from daemon.importing.attempt import attempt, begin
from daemon.importing.order import circle
from daemon.profiles.day import night_of
from daemon.service.tasks import take_turn
from daemon.upkeep.rescue import rescue
from tests.support.night import Night, customers, items
from tests.support.office import CUSTOMERS, ITEMS, Office, said

JOBS = "SELECT (args->>'run_id')::int FROM nightporter.procrastinate_jobs WHERE task_name = 'import_run' ORDER BY id"
AFTER = ITEMS + '    [import]\n    after = ["customers*"]\n    wait = "1h"\n'


@pytest.fixture
def night(office: Office) -> Night:
    """A night with two drops."""
    return Night(office, erp={}, crm={})


def test_each_profile_has_one_job_at_a_time(night: Night) -> None:
    """Of a hundred files that wait, the queue holds the first; a file of another profile, or drop, is right behind it."""
    for number in range(100):
        night.arrive(f"erp/customers-{number:03}.csv", customers(f"C{number}"))
    night.look()
    night.arrive("crm/customers.csv", customers("C200"))
    night.arrive("erp/items.csv", items("F1"))
    night.look("crm")
    night.look()
    assert night.office.rows(JOBS) == [(1,), (101,), (102,)]
    assert night.work() == [1, 101, 102, *range(2, 101)]


def test_two_small_files_are_merged_in_their_order(night: Night) -> None:
    """Read side by side, the later one waits for the earlier one's rows; a value of the later file is what stays."""
    night.arrive("erp/customers.csv", customers("C1"))
    night.pass_by()
    for number in range(20):
        night.arrive(f"erp/items-{number:02}.csv", items("F1", amount=str(number + 1)))
    night.look()
    together = [threading.Thread(target=_work, args=(night,)) for _ in range(2)]
    for each in together:
        each.start()
    for each in together:
        each.join()
    assert [state for _, state, _ in night.runs()] == ["imported"] * 21
    assert night.office.rows("SELECT amount::int FROM ar.receivable") == [(20,)]
    ended = night.office.rows("SELECT id FROM nightporter.import_run ORDER BY finished_at")
    assert ended == sorted(ended)


def test_nobody_takes_a_file_for_lost_that_a_lane_goes_on_with(night: Night) -> None:
    """The job of the first file of a line is about the next one, as soon as that is being read."""
    night.arrive("erp/customers-1.csv", customers("C1"))
    night.arrive("erp/customers-2.csv", customers("C2"))
    night.look()
    ((worker,),) = night.office.rows("INSERT INTO nightporter.procrastinate_workers DEFAULT VALUES RETURNING id")
    ((job,),) = night.office.rows(
        f"UPDATE nightporter.procrastinate_jobs SET status = 'doing', worker_id = {worker} RETURNING id"
    )

    module = sys.modules[begin.__module__]
    load = module.load

    def rescued_meanwhile(*given: Any) -> Any:
        with db.transaction(night.office.engine) as conn:
            rescue(conn, 30)
        return load(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load", rescued_meanwhile)
        take_turn(night.office.engine, night.office.settings, night.office.profiles, 1, job)
    assert [(night.run(number).state, night.run(number).attempt) for number in (1, 2)] == [("imported", 1)] * 2


def _work(night: Night) -> None:
    """Do as a worker's lane does, until nothing is owed."""
    ((worker,),) = night.office.rows("INSERT INTO nightporter.procrastinate_workers DEFAULT VALUES RETURNING id")
    while night.run(21).state != "imported":
        for job, run_id in night.office.rows(
            f"UPDATE nightporter.procrastinate_jobs SET status = 'doing', worker_id = {worker} WHERE id = ("
            "SELECT id FROM nightporter.procrastinate_jobs WHERE task_name = 'import_run' AND status = 'todo' ORDER BY id LIMIT 1 "
            "FOR UPDATE SKIP LOCKED) RETURNING id, (args->>'run_id')::bigint"
        ):
            take_turn(night.office.engine, night.office.settings, night.office.profiles, run_id, job)
            night.do(f"DELETE FROM nightporter.procrastinate_jobs WHERE id = {job}")
        with db.transaction(night.office.engine) as conn:
            rescue(conn, 30)


def test_a_file_whose_turn_has_not_come_is_given_back(night: Night) -> None:
    """Where the file before it is put off, a file that was read already waits as well, and that is no attempt of it."""
    night.arrive("erp/customers.csv", customers("C1"))
    night.pass_by()
    for number in (1, 2):
        night.arrive(f"erp/items-{number}.csv", items("F1", amount=str(number)))
    night.look()
    night.do("UPDATE nightporter.import_run SET not_before = now() + interval '1 hour' WHERE id = 2")
    attempt(night.office.engine, night.office.settings, night.office.profiles, 3)
    assert (night.run(3).state, night.run(3).attempt) == ("arrived", 0)
    assert night.office.rows("SELECT count(*) FROM ar.receivable") == [(0,)]


def test_a_deferred_file_holds_up_its_own_line_for_a_while_only(night: Night) -> None:
    """The files behind it wait, so that none passes it; after a quarter of an hour they go on without it."""
    for number in (1, 2):
        night.arrive(f"erp/customers-{number}.csv", customers(f"C{number}"))
    night.look()
    archive = night.office.settings.archive_folder
    first = night.office.rows("SELECT archive FROM nightporter.arrival WHERE id = 1")[0][0]
    (archive / "000000").joinpath(first).rename(archive / "away")
    assert night.work() == [1]
    with db.transaction(night.office.engine) as conn:
        assert not ledger.runs.advance_line(conn, "erp", "customers")
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '16 minutes'")
    with db.transaction(night.office.engine) as conn:
        assert ledger.runs.advance_line(conn, "erp", "customers")
    assert night.work() == [2]
    assert night.runs() == [("customers-1.csv", "arrived", None), ("customers-2.csv", "imported", None)]


def test_receivables_wait_for_their_customers(night: Night) -> None:
    """With `after`, items that came first are imported after the same night's customers, wherever those come from."""
    night.office.profile("items", AFTER)
    night.arrive("erp/items.csv", items("F1"))
    night.look()
    night.work()
    assert night.runs() == [("items.csv", "arrived", None)]
    assert "waits for customers, until" in said(night.run(1))
    night.arrive("crm/customers.csv", customers("C1"))
    night.look("crm")
    night.do("UPDATE nightporter.procrastinate_jobs SET scheduled_at = NULL")
    night.work()
    night.do("UPDATE nightporter.procrastinate_jobs SET scheduled_at = NULL")
    night.work()
    assert night.runs() == [("items.csv", "imported", None), ("customers.csv", "imported", None)]
    assert night.run(1).attempt == 1
    assert night.office.rows("SELECT item_number FROM ar.receivable") == [("F1",)]


def test_a_circle_of_waiting_is_told(night: Night) -> None:
    """Profiles that wait for each other are named, in their order; profiles that do not are not."""
    assert circle(night.office.profiles) == []
    night.office.profile("items", AFTER)
    assert circle(night.office.profiles) == []
    night.office.profile("customers", CUSTOMERS + '    [import]\n    after = ["items"]\n')
    assert sorted(circle(night.office.profiles)[1:]) == ["customers", "items"]


def test_after_the_deadline_they_go_on(night: Night) -> None:
    """Customers that never come hold nothing up for ever; last night's do not count for tonight."""
    night.office.profile("items", AFTER)
    night.arrive("erp/customers.csv", customers("C1"))
    night.pass_by()
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '1 day'")
    night.arrive("erp/items.csv", items("F1"))
    night.look()
    night.work()
    assert night.run(2).state == "arrived"
    night.do("UPDATE nightporter.arrival SET arrived_at = arrived_at - interval '61 minutes'")
    night.do("UPDATE nightporter.procrastinate_jobs SET scheduled_at = NULL")
    night.work()
    assert night.run(2).state == "imported"


def test_a_night_ends_when_the_day_starts(office: Office) -> None:
    """A file of 23:00 and one of 05:00 are of one night; one of 07:00, local time, is of the next."""
    office.profile("items", ITEMS + '    [expect]\n    by = "06:00"\n    timezone = "Europe/Paris"\n')
    profile = office.profiles.get("items")
    nights = [night_of(datetime(2026, 11, day, hour, tzinfo=UTC), profile) for day, hour in ((20, 22), (21, 4), (21, 6))]
    assert nights[0] == nights[1] == datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert nights[2] == datetime(2026, 11, 21, 5, tzinfo=UTC)


def test_another_machines_files_are_taken_over_when_it_is_silent(night: Night) -> None:
    """Files that a machine recorded on a server and did not fetch are fetched by another, a quarter of an hour later."""
    with db.transaction(night.office.engine) as conn:
        ledger.drops.mark_well(conn, "erp", "other")
        night.arrive("erp/customers.csv", customers("C1"))
        file = night.drop().list().files[0]
        ledger.arrivals.record_arrival(conn, "erp", file, [("customers", "customers")], db.now(conn), "other")
        assert ledger.arrivals.adopt_arrivals(conn, "erp", queue.this_host(), 900) == 0
    night.do("UPDATE nightporter.drop_state SET alive_at = alive_at - interval '16 minutes'")
    with db.transaction(night.office.engine) as conn:
        assert ledger.arrivals.adopt_arrivals(conn, "erp", queue.this_host(), 900) == 1
    night.pass_by()
    assert night.runs() == [("customers.csv", "imported", None)]

"""What earlier runs of a profile, or other files of its night, say about one; corrections count for none of it."""

from datetime import date, datetime

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.runs.run import RUN, run_by_id, run_of
from daemon.model import ImportRun
from daemon.profiles import REJECTED_ROWS


def last_import(conn: Connection, run: ImportRun) -> ImportRun | None:
    """The latest imported run of the same profile into the same dataset, but for those of the same arrival."""
    where = """WHERE r.profile = :profile AND r.dataset = :dataset AND r.state = 'imported' AND r.arrival_id <> :arrival
                     AND r.corrects IS NULL
               ORDER BY r.finished_at DESC LIMIT 1"""
    named = {"profile": run.profile, "dataset": run.dataset, "arrival": run.arrival_id}
    return run_of(conn.execute(text(RUN + where), named).mappings().one_or_none())


def identical_import(conn: Connection, run: ImportRun) -> tuple[int, str] | None:
    """The latest imported run of the same profile, dataset and member, if its bytes are those of `run`: its id and name."""
    row = conn.execute(
        text("""
            SELECT r.id, a.name, a.sha256 FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
            WHERE r.profile = :profile AND r.dataset = :dataset AND r.member = :member AND r.state = 'imported'
                  AND r.undone_at IS NULL AND r.corrects IS NULL AND r.arrival_id <> :arrival
            ORDER BY r.finished_at DESC LIMIT 1"""),
        {"profile": run.profile, "dataset": run.dataset, "member": run.member, "arrival": run.arrival_id},
    ).one_or_none()
    return (row.id, row.name) if row and row.sha256 == run.sha256 else None


def extend_day(conn: Connection, run: ImportRun, day: date) -> None:
    """Record of the run whose bytes a duplicate has that they are what is so on a later day, too."""
    if (duplicate := run_by_id(conn, run.id)) and (before := identical_import(conn, duplicate)):
        for table, key in (("import_run", "id"), ("snapshot", "run_id")):
            conn.execute(
                text(f"UPDATE nightporter.{table} SET business_date = greatest(business_date, :day) WHERE {key} = :id"),
                {"day": day, "id": before[0]},
            )


def later_run(conn: Connection, run: ImportRun) -> ImportRun | None:
    """The latest run of the same drop, profile and dataset that came after `run`, and is not refused; None when there is none."""
    statement = (
        RUN
        + """
        WHERE r.profile = :profile AND r.dataset IN (:dataset, '') AND a.drop_name = :drop AND r.parent_id IS NULL
              AND r.arrival_id > :arrival AND r.corrects IS NULL AND a.name !~ :corrections
              AND r.state IN ('arrived', 'importing', 'imported', 'held')
        ORDER BY r.arrival_id DESC LIMIT 1"""
    )
    named = {"profile": run.profile, "dataset": run.dataset, "drop": run.drop, "arrival": run.arrival_id}
    named |= {"corrections": REJECTED_ROWS.pattern}
    return run_of(conn.execute(text(statement), named).mappings().one_or_none())


def is_in(conn: Connection, profile: str, since: datetime) -> bool:
    """Whether a file of the profile has come since then, and all that have are imported or refused."""
    row = conn.execute(
        text("""
            SELECT count(*) > 0 AS came, bool_and(r.state IN ('imported', 'refused')) AS done
            FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
            WHERE r.profile = :profile AND r.parent_id IS NULL AND r.corrects IS NULL AND r.state <> 'vanished'
                  AND a.arrived_at >= :since
                  AND r.arrival_id >= (SELECT min(id) FROM nightporter.arrival WHERE arrived_at >= :since)"""),
        {"profile": profile, "since": since},
    ).one()
    return bool(row.came and row.done)


def pins(conn: Connection, run: ImportRun) -> dict[str, str | None]:
    """The conventions of the run's profile and dataset, each as the first imported run decided it that could."""
    first = """(SELECT format->>'{0}' FROM nightporter.import_run
                WHERE profile = :profile AND dataset = :dataset AND state = 'imported' AND corrects IS NULL
                      AND format->>'{0}' IS NOT NULL
                ORDER BY finished_at LIMIT 1) AS {0}"""
    statement = "SELECT " + ", ".join(map(first.format, ("decimal", "thousands", "date")))
    return dict(conn.execute(text(statement), {"profile": run.profile, "dataset": run.dataset}).mappings().one())

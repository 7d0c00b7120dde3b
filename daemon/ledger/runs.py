"""Import runs in Postgres."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from daemon.db import text
from daemon.model import FINAL, TRANSITIONS, Deferred, Held, Imported, ImportRun, Money, Outcome, Refused, State, Tally

RUN = """
SELECT r.id, r.arrival_id, r.section, r.member, r.parent_id, r.corrects, r.profile, r.dataset, r.state, r.attempt, r.deferrals,
       a.drop_name AS drop, a.name, a.size, a.mtime, a.archive_host, a.archive, a.sha256, a.control, a.arrived_at, r.finished_at,
       r.code, r.detail, r.header, r.format, r.tally, r.business_date, r.notes, r.effect, r.approved, r.decided_by, r.undone_at,
       r.undone_by, a.disposed_as, a.fault,
       (SELECT min(f.id) FROM nightporter.import_run f WHERE f.arrival_id = a.follows) AS follows
FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
"""


class Overtaken(Exception):
    """The run is no longer this attempt's: it was given up for dead and taken by another."""


def now(conn: Connection) -> datetime:
    """The database's clock, the one every time in the ledger is told by."""
    at: datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at


def retry(conn: Connection, run: ImportRun) -> int:
    """A child run that reads the same bytes again."""
    child: int = conn.execute(
        text("""
            INSERT INTO nightporter.import_run (arrival_id, section, member, parent_id, corrects, profile, dataset)
            VALUES (:arrival_id, :section, :member, :id, :corrects, :profile, :dataset) RETURNING id"""),
        {
            "arrival_id": run.arrival_id,
            "section": run.section,
            "member": run.member,
            "id": run.id,
            "corrects": run.corrects,
            "profile": run.profile,
            "dataset": run.dataset,
        },
    ).scalar_one()
    return child


def get(conn: Connection, run_id: int) -> ImportRun | None:
    """One run, or None."""
    return run_of(conn.execute(text(RUN + "WHERE r.id = :id"), {"id": run_id}).mappings().one_or_none())


def lock_post(conn: Connection, drop: str, folder: str) -> None:
    """Let no other post to the same folder of a drop go on until the transaction ends."""
    statement = "SELECT pg_advisory_xact_lock(hashtextextended('nightporter.post.' || :drop || '/' || :folder, 0))"
    conn.execute(text(statement), {"drop": drop, "folder": folder})


def run_in(conn: Connection, drop: str, folder: str) -> ImportRun | None:
    """The first run of the file in a folder of a drop, or None."""
    where = """WHERE a.drop_name = :drop AND starts_with(a.name, :folder || '/') AND r.parent_id IS NULL
               ORDER BY a.id, r.section LIMIT 1"""
    return run_of(conn.execute(text(RUN + where), {"drop": drop, "folder": folder}).mappings().one_or_none())


def latest(conn: Connection, limit: int) -> list[ImportRun]:
    """The latest runs, newest first."""
    rows = conn.execute(text(RUN + "ORDER BY r.id DESC LIMIT :limit"), {"limit": limit}).mappings()
    return [run for row in rows if (run := run_of(row))]


def siblings(conn: Connection, run: ImportRun) -> list[ImportRun]:
    """The runs of one file that were made together, for each section one, in their order."""
    statement = RUN + "WHERE r.arrival_id = :arrival AND r.parent_id IS NOT DISTINCT FROM :parent ORDER BY r.section, r.id"
    rows = conn.execute(text(statement), {"arrival": run.arrival_id, "parent": run.parent_id}).mappings()
    return [sibling for row in rows if (sibling := run_of(row))]


def run_of(row: Any) -> ImportRun | None:
    """A run from a row of what `RUN` selects, or None from none."""
    return None if row is None else ImportRun(**(dict(row) | {"state": State(row["state"])}))


def claim(conn: Connection, run_id: int) -> ImportRun | None:
    """Take an arrived run, or a held one that was approved, for an attempt, counted before the work begins. None when it is
    not to be had.
    """
    taken = conn.execute(
        text("""
            UPDATE nightporter.import_run
            SET state = 'importing', attempt = attempt + 1, started_at = clock_timestamp(), not_before = NULL
            WHERE id = :id AND state = ANY(:before) AND (state <> 'held' OR approved IS NOT NULL)"""),
        {"id": run_id, "before": _before(State.IMPORTING)},
    )
    return get(conn, run_id) if taken.rowcount else None


def assign(conn: Connection, run: ImportRun, parts: list[tuple[str, str, str]]) -> None:
    """Say what a run is about, when that was not clear at its arrival: each part a member, a profile and a dataset.

    The run becomes the first; the others get runs of their own. A file from a drop is then to be had again, each part in
    the line of its profile. Raises Overtaken when the run is no longer that attempt's.
    """
    member, profile, dataset = parts[0]
    assigned = conn.execute(
        text("""
            UPDATE nightporter.import_run
            SET member = :member, profile = :profile, dataset = :dataset,
                state = CASE WHEN :back THEN 'arrived' ELSE state END, attempt = attempt - CAST(:back AS integer)
            WHERE id = :id AND attempt = :attempt AND dataset = ''"""),
        {
            "id": run.id,
            "attempt": run.attempt,
            "member": member,
            "profile": profile,
            "dataset": dataset,
            "back": run.in_line,
        },
    )
    if not assigned.rowcount:
        raise Overtaken
    for section, (member, profile, dataset) in enumerate(parts[1:], 1):
        conn.execute(
            text("""
                INSERT INTO nightporter.import_run (arrival_id, section, member, parent_id, profile, dataset)
                VALUES (:arrival_id, :section, :member, :parent_id, :profile, :dataset)"""),
            {
                "arrival_id": run.arrival_id,
                "section": section,
                "member": member,
                "parent_id": run.parent_id,
                "profile": profile,
                "dataset": dataset,
            },
        )


def read_as(conn: Connection, run: ImportRun, header: list[str], decided: dict[str, Any]) -> None:
    """Record how the run's file was read: its header, and what its format and conventions were found to be."""
    conn.execute(
        text("UPDATE nightporter.import_run SET header = :header, format = CAST(:format AS jsonb) WHERE id = :id"),
        {"id": run.id, "header": header, "format": json.dumps(decided)},
    )


def give_back(conn: Connection, run: ImportRun) -> None:
    """Give a claimed run back, which was no attempt: its turn has not come."""
    conn.execute(
        text("""
            UPDATE nightporter.import_run SET state = 'arrived', attempt = attempt - 1
            WHERE id = :id AND state = 'importing' AND attempt = :attempt"""),
        {"id": run.id, "attempt": run.attempt},
    )


def wait(conn: Connection, run: ImportRun, reason: str, deadline: datetime, seconds: float) -> datetime:
    """Give a claimed run back, to wait until `deadline` at most in its place, which is no attempt; returns when to look again."""
    again = now(conn) + timedelta(seconds=seconds)
    conn.execute(
        text("""
            UPDATE nightporter.import_run
            SET state = 'arrived', attempt = attempt - 1, detail = :reason, not_before = :again, waits_until = :deadline
            WHERE id = :id AND state = 'importing' AND attempt = :attempt"""),
        {"id": run.id, "attempt": run.attempt, "reason": reason, "again": again, "deadline": deadline},
    )
    return again


def finish(conn: Connection, run: ImportRun, outcome: Outcome) -> None:
    """Write down what an attempt came to. Raises Overtaken when the run is no longer that attempt's."""
    match outcome:
        case Imported(tally, business_date, notes):
            tally.check()
            told = {"business_date": business_date, "notes": json.dumps(notes)}
            _move(conn, run, State.IMPORTED, tally=json.dumps(asdict(tally), default=_plain), **told)
        case Held(why, effect, business_date):
            _move(conn, run, State.HELD, detail=why, effect=json.dumps(effect), business_date=business_date)
        case Refused(code, detail):
            _move(conn, run, State.REFUSED, code=code, detail=detail)
        case Deferred(reason, seconds, blameless):
            later = now(conn) + timedelta(seconds=seconds)
            _move(conn, run, State.ARRIVED, detail=reason, not_before=later, deferrals=int(blameless))


def _move(conn: Connection, run: ImportRun, to: State, **values: Any) -> None:
    nothing = {"tally": None, "code": None, "detail": None, "not_before": None, "deferrals": 0} | {
        "business_date": None,
        "notes": "[]",
        "effect": None,
    }
    moved = conn.execute(
        text("""
            UPDATE nightporter.import_run
            SET state = :to, tally = CAST(:tally AS jsonb), code = :code, detail = :detail, not_before = :not_before,
                deferrals = deferrals + :deferrals, business_date = :business_date, notes = CAST(:notes AS jsonb),
                effect = CAST(:effect AS jsonb), approved = CASE WHEN :to = 'held' THEN NULL ELSE approved END,
                finished_at = CASE WHEN :final THEN clock_timestamp() END
            WHERE id = :id AND attempt = :attempt AND state = 'importing' AND state = ANY(:before)"""),
        nothing | values | {"to": to, "id": run.id, "attempt": run.attempt, "final": to in FINAL, "before": _before(to)},
    )
    if moved.rowcount != 1:
        raise Overtaken(f"run {run.id}, attempt {run.attempt}")


def _before(to: State) -> list[str]:
    return [state for state, following in TRANSITIONS.items() if to in following]


def tally(run: ImportRun) -> Tally | None:
    """The run's tally with its money as decimals."""
    if run.tally is None:
        return None
    money = {currency: Money(**{k: Decimal(v) for k, v in sums.items()}) for currency, sums in run.tally["money"].items()}
    return Tally(**(run.tally | {"money": money}))


def _plain(value: Decimal) -> str:
    """An amount as written by hand: no exponent, two decimals at least."""
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"

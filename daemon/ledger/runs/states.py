"""The states of import runs in Postgres: the one place that writes them."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from daemon import db, queue
from daemon.db import text
from daemon.errors import Detail, Refusal
from daemon.ledger.runs.run import run_by_id
from daemon.model import FINAL, TRANSITIONS, Deferred, Held, Imported, ImportRun, Refused, State

_JSON = ("tally", "notes", "effect", "approved", "detail", "changes")
_COUNTED = {"attempts": "attempt", "deferrals": "deferrals"}
_NOW = {State.IMPORTING: "started_at"}


def move(
    conn: Connection,
    runs: int | Sequence[int],
    to: State,
    *,
    before: Collection[State] = tuple(State),
    attempt: int | None = None,
    given: str = "true",
    **facts: Any,
) -> int:
    """Move runs to a state, each from one that may come before it, and write down the facts that go with it; returns how many.

    Only from the states `before`, only of the `attempt` that claimed them, and only where the SQL condition `given` holds.
    `attempts` and `deferrals` are added to what is counted.
    """
    sets = ["state = :to", "finished_at = CASE WHEN :final THEN clock_timestamp() END"]
    sets += [f"{column} = clock_timestamp()" for state, column in _NOW.items() if state is to]
    sets += ["decided_at = clock_timestamp()"] if "decided_by" in facts else []
    for name in facts:
        value = f"CAST(:{name} AS jsonb)" if name in _JSON else f":{name}"
        sets.append(f"{_COUNTED[name]} = {_COUNTED[name]} + {value}" if name in _COUNTED else f"{name} = {value}")
    moved = conn.execute(
        text(f"""
            UPDATE nightporter.import_run SET {", ".join(sets)}
            WHERE id = ANY(:runs) AND state = ANY(:before) AND attempt = coalesce(:attempt, attempt) AND {given}"""),
        facts
        | {"runs": [runs] if isinstance(runs, int) else list(runs), "to": to, "final": to in FINAL, "attempt": attempt}
        | {"before": [state for state in before if to in TRANSITIONS[state]]},
    )
    return moved.rowcount


def claim_run(conn: Connection, run_id: int) -> ImportRun | None:
    """Take an arrived run, or a held one that was approved, for an attempt, counted before the work begins. None when it is
    not to be had.
    """
    approved = "(state <> 'held' OR approved IS NOT NULL)"
    taken = move(conn, run_id, State.IMPORTING, given=approved, attempts=1, not_before=None)
    return run_by_id(conn, run_id) if taken else None


def give_back_run(conn: Connection, run: ImportRun, **facts: Any) -> bool:
    """Give a claimed run back, which was no attempt: its turn has not come. Whether it was still this attempt's."""
    return move(conn, run.id, State.ARRIVED, before=[State.IMPORTING], attempt=run.attempt, attempts=-1, **facts) == 1


def put_off_run(conn: Connection, run: ImportRun, reason: Detail, deadline: datetime, seconds: float) -> datetime:
    """Give a claimed run back, to wait until `deadline` at most in its place, which is no attempt; returns when to look again."""
    again = db.now(conn) + timedelta(seconds=seconds)
    give_back_run(conn, run, detail=_json(reason), not_before=again, waits_until=deadline)
    return again


def finish_run(conn: Connection, run: ImportRun, outcome: Imported | Refused | Held | Deferred) -> bool:
    """Write down what an attempt came to; False when the run is no longer that attempt's: then nothing of it may stay."""
    match outcome:
        case Imported(tally, business_date, notes, scope, entities, rules):
            tally.check()
            told = {"tally": json.dumps(tally.as_json()), "notes": json.dumps([note.as_json() for note in notes])}
            about = {"business_date": business_date, "scope": scope, "entities": list(entities), "rules": rules}
            return _finish(conn, run, State.IMPORTED, **about, **told)
        case Held(effect, business_date, changes):
            told = {"effect": json.dumps(effect.as_json()), "detail": _json(Detail.of("plain", text=effect.why))}
            told["changes"] = json.dumps([asdict(change) for change in changes])
            return _finish(conn, run, State.HELD, approved=None, business_date=business_date, **told)
        case Refused(code, detail):
            return _finish(conn, run, State.REFUSED, code=code, detail=_json(detail))
        case Deferred(reason, seconds, blameless):
            later = db.now(conn) + timedelta(seconds=seconds)
            return _finish(
                conn,
                run,
                State.ARRIVED,
                detail=_json(Detail.of("plain", text=reason)),
                not_before=later,
                deferrals=int(blameless),
            )


_NOTHING = {
    "tally": None,
    "code": None,
    "detail": None,
    "not_before": None,
    "business_date": None,
    "notes": "[]",
    "effect": None,
    "changes": None,
}


def _finish(conn: Connection, run: ImportRun, to: State, **facts: Any) -> bool:
    return move(conn, run.id, to, before=[State.IMPORTING], attempt=run.attempt, **_NOTHING | facts) == 1


def _json(detail: Detail) -> str:
    return json.dumps(asdict(detail))


def end_held(conn: Connection, run_id: int, code: Refusal, detail: Detail, by: str = "") -> bool:
    """Refuse a held run; whether it was held."""
    return move(conn, run_id, State.REFUSED, before=[State.HELD], code=code, detail=_json(detail), decided_by=by or None) == 1


def end_vanished(conn: Connection, arrival_id: int) -> None:
    """End the runs of a file that was gone, or another one, before it could be fetched."""
    runs = conn.execute(text("SELECT id FROM nightporter.import_run WHERE arrival_id = :id"), {"id": arrival_id}).scalars()
    move(conn, list(runs), State.VANISHED)


# A run without a drop, or made by a retry, is worked on by a command that somebody is looking at; one that was approved is not.
_LOST = f"""
SELECT r.id, r.approved IS NOT NULL AS approved FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
WHERE r.state = 'importing' AND (r.parent_id IS NULL AND a.drop_name <> '' OR r.approved IS NOT NULL)
      AND {queue.no_job("import_run", "run_id", "r.id")}
FOR UPDATE OF r SKIP LOCKED
"""


def give_back_lost(conn: Connection) -> None:
    """Give back the runs that are being imported, and have no job any more: whoever had them died."""
    lost = conn.execute(text(_LOST)).all()
    for to, approved in ((State.ARRIVED, False), (State.HELD, True)):
        if ids := [row.id for row in lost if row.approved is approved]:
            move(conn, ids, to)

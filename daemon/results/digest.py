"""The digest: what came of many files of one drop, in one mail; those with trouble by name, the others by number."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from daemon import ledger
from daemon.db import text
from daemon.model import ImportRun
from daemon.results.outbox import Owed

_LISTED = 50

_TROUBLE = """(
    r.state <> 'imported' OR (r.tally->>'rejected')::bigint > 0 OR ((r.tally->>'read')::bigint > 0 AND
    (r.tally->>'created')::bigint + (r.tally->>'updated')::bigint + (r.tally->>'unchanged')::bigint = 0))"""

_COUNTS = f"""
SELECT count(DISTINCT coalesce(r.arrival_id, -e.id)) AS files,
       count(DISTINCT r.arrival_id) FILTER (WHERE r.state = 'imported') AS imported,
       count(DISTINCT r.arrival_id) FILTER (WHERE r.state = 'refused') AS refused,
       coalesce(sum((r.tally->>'read')::bigint), 0) AS read, coalesce(sum((r.tally->>'created')::bigint), 0) AS created,
       coalesce(sum((r.tally->>'updated')::bigint), 0) AS updated,
       coalesce(sum((r.tally->>'unchanged')::bigint), 0) AS unchanged,
       coalesce(sum((r.tally->>'rejected')::bigint), 0) AS rejected,
       count(*) FILTER (WHERE {_TROUBLE}) AS troubled,
       count(*) FILTER (WHERE e.kind = 'unmatched') AS unmatched,
       count(*) FILTER (WHERE e.kind = 'unmatched' OR {_TROUBLE}) AS attention
FROM (SELECT DISTINCT ON (coalesce(run_id, -id)) * FROM nightporter.email WHERE digest = :id) e
LEFT JOIN nightporter.import_run r ON r.id = e.run_id
"""

_TROUBLED = f"""
SELECT r.id FROM nightporter.import_run r
WHERE r.id IN (SELECT run_id FROM nightporter.email WHERE digest = :id)
      AND {_TROUBLE}
ORDER BY r.state = 'imported', r.id LIMIT :limit
"""

_UNMATCHED = """
SELECT about->>'file' FROM nightporter.email WHERE digest = :id AND kind = 'unmatched' ORDER BY id LIMIT :limit
"""


@dataclass(frozen=True)
class Digest:
    """What a digest tells of: counts over all its files, the first files that need attention, the first that nobody claims."""

    drop: str
    counts: dict[str, int]
    troubled: list[tuple[ImportRun, str]]
    """Each with the link to its rejected rows, or ''."""
    unmatched: list[str]


def gathered(conn: Connection, mail: Owed, link: Callable[[int], str]) -> Digest:
    """Everything that a digest has gathered; `link` makes the link to a run's rejected rows."""
    named = {"id": mail.id, "limit": _LISTED}
    counts = dict(conn.execute(text(_COUNTS), named).mappings().one())
    ids = conn.execute(text(_TROUBLED), named).scalars().all()
    runs = [run for id in ids if (run := ledger.runs.run_by_id(conn, id))]
    unmatched = list(conn.execute(text(_UNMATCHED), named).scalars())
    linked = [(run, link(run.id) if run.tally else "") for run in runs]
    return Digest((mail.about or {})["drop"], counts, linked, unmatched)

"""Locks: of an entity one import at a time. A rehearsal takes the lock, too, for its rows would be in the way of an import's;
but it gives way: whoever comes for something that stays ends it, and it begins again.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from daemon import db

_REHEARSES = "nightporter rehearsal"
_KEY = "hashtextextended('nightporter.entity.' || %(entity)s, 0)"
_END_REHEARSALS = f"""
    SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid = l.database
    WHERE a.datname = current_database() AND a.usename = current_user AND a.application_name = %(rehearses)s
          AND l.locktype = 'advisory' AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = {_KEY}
          AND current_setting('application_name') <> %(rehearses)s
"""


def lock_entities(conn: Connection, entities: Iterable[str]) -> None:
    """Let no other import of these entities check or merge until the transaction ends. Sorted, so that none deadlock."""
    for entity in sorted(entities):
        given = {"entity": entity, "rehearses": _REHEARSES}
        if not db.driver(conn).execute(f"SELECT pg_try_advisory_xact_lock({_KEY})", given).fetchall()[0][0]:
            db.driver(conn).execute(_END_REHEARSALS, given)
            db.driver(conn).execute(f"SELECT pg_advisory_xact_lock({_KEY})", given)


def rehearses(conn: Connection) -> None:
    """Say that nothing of a transaction will stay, so that it holds up no import."""
    db.tell(conn, _REHEARSES)

"""Locks: of an entity one import at a time. A rehearsal takes no entity's lock, but one of its own, for its rows would be in the
way of an import's: whoever comes for something that stays ends it, and it begins again.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from daemon import db

_REHEARSES = "nightporter rehearsal"
_IS_REHEARSAL = "current_setting('application_name') = %(rehearses)s"
_ENTITY = "hashtextextended('nightporter.entity.' || %(entity)s, 0)"
_REHEARSAL = "hashtextextended('nightporter.rehearsal.' || %(entity)s, 0)"
_LOCK = f"""
    SELECT pg_advisory_xact_lock(CASE WHEN {_IS_REHEARSAL} THEN {_REHEARSAL} ELSE {_ENTITY} END),
           {_IS_REHEARSAL} OR pg_try_advisory_xact_lock({_REHEARSAL}) AS is_alone
"""
_END_REHEARSALS = f"""
    SELECT pg_terminate_backend(l.pid), pg_sleep(0.01)
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid = l.database
    WHERE a.datname = current_database() AND a.usename = current_user AND a.application_name = %(rehearses)s
          AND l.locktype = 'advisory' AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = {_REHEARSAL}
"""


def lock_entities(conn: Connection, entities: Iterable[str]) -> None:
    """Let no other import of these entities check or merge until the transaction ends. Sorted, so that none deadlock."""
    driver = db.driver(conn)
    for entity in sorted(entities):
        given = {"entity": entity, "rehearses": _REHEARSES}
        while not driver.execute(_LOCK, given).fetchall()[0][1]:  # again it waits for nobody
            driver.execute(_END_REHEARSALS, given)


def rehearses(conn: Connection) -> None:
    """Say that nothing of a transaction will stay, so that it holds up no import."""
    db.tell(conn, _REHEARSES)

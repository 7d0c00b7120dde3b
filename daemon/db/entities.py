"""Entities in Postgres: what the settings say of the companies of the group, as statements and views read it (`ar.entity`)."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.settings import Entity

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('nightporter.migrate', 0))"
"""The lock of whoever changes tables."""


class Declared(NamedTuple):
    """What is declared of an entity. `numbering` is as its rows are keyed now, which the settings may want otherwise."""

    timezone: str
    credits: str | None
    brake_from: Mapping[str, str]
    closed_until: date | None
    numbering: str | None


def declare(conn: Connection, entities: Mapping[str, Entity]) -> None:
    """Let the database know of the companies what the settings say, if they say anything."""
    found = declared(conn)
    wanted = {name: _wanted(conn, name, each, found.get(name)) for name, each in entities.items()}
    if wanted and found != wanted:
        conn.exec_driver_sql(ONE_AT_A_TIME)
        conn.exec_driver_sql("DELETE FROM ar.entity")
        with db.driver(conn).cursor() as cursor:
            cursor.executemany(
                """INSERT INTO ar.entity (entity, timezone, credits, brake_from, closed_until, numbering)
                   VALUES (%s, %s, %s, %s, %s, %s)""",
                [(name, *each[:2], Jsonb(each.brake_from), *each[3:]) for name, each in sorted(wanted.items())],
            )


def declared(conn: Connection) -> dict[str, Declared]:
    """What is declared, by entity."""
    statement = "SELECT entity, timezone, credits, coalesce(brake_from, '{}'), closed_until, numbering FROM ar.entity"
    return {row[0]: Declared(*row[1:]) for row in db.driver(conn).execute(statement)}


def _wanted(conn: Connection, name: str, entity: Entity, found: Declared | None) -> Declared:
    now = found and found.numbering
    numbering: str | None = entity.numbering
    if "continuous" in (now, numbering) and now != numbering and _has_items(conn, name):
        numbering = now  # until somebody has the rows keyed anew
    return Declared(entity.timezone, entity.credits, entity.brake_floor(), entity.closed_until, numbering)


def _has_items(conn: Connection, entity: str) -> bool:
    statement = """
        SELECT EXISTS (SELECT FROM ar.receivable WHERE entity = %(entity)s) OR EXISTS (
            SELECT FROM nightporter.parked WHERE entity = %(entity)s AND dataset = 'receivables' AND ended_at IS NULL)
    """
    return bool(db.driver(conn).execute(statement, {"entity": entity}).fetchall()[0][0])

"""Numbering: whether an item's number begins anew each year is the entity's to say; where it does not, a number that is open
under another year may be the same item.
"""

from collections.abc import Sequence
from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset
from daemon.loading import fragments
from daemon.loading.checks import counted, filled
from daemon.loading.pairs import is_new
from daemon.loading.staging import Stage, stage_table
from daemon.model import ReasonCode, Tally

CONTINUOUS_YEAR = 0
"""The year in the key of items whose numbers never begin anew."""


def year_of(dataset: Dataset) -> str | None:
    """The field of the key that tells numbers of several years apart."""
    return next((name for key in dataset.keys for name in key if dataset.fields[name].derived), None)


def _year(stage: Stage) -> str | None:
    year = year_of(stage.dataset)
    return year if year in stage.key else None


def leave_out_year(conn: Connection, stage: Stage, entities: Sequence[str]) -> None:
    """Leave the year out of the key of staged rows of some entities, whose numbers are continuous."""
    year = _year(stage)
    if year and entities:
        statement = sql.SQL("UPDATE {} SET {} = {} WHERE run_id = %(run)s AND entity = ANY(%(continuous)s)")
        named = (stage.table, sql.Identifier(year), CONTINUOUS_YEAR)
        db.driver(conn).execute(statement.format(*named), stage.values | {"continuous": list(entities)})


def reject_other_year(conn: Connection, stage: Stage, declared: Sequence[str]) -> Tally:
    """Reject the new rows of a delta whose number is open under another year of that customer: it may be the same item, dated
    anew. Not in the entities that have `declared` how they number.
    """
    year = _year(stage)
    if year is None or stage.rules.snapshot or stage.dataset.presence is None:
        return Tally()
    return counted(conn, stage, _other_year(stage, year, tuple(declared)))


@lru_cache
def _other_year(stage: Stage, year: str, declared: tuple[str, ...]) -> bytes:
    presence = stage.dataset.presence
    assert presence
    statement = sql.SQL("""
        WITH found AS MATERIALIZED (
            SELECT s.source_line, o.{number} AS number, o.{year} AS year FROM {stage} s
            JOIN {table} o ON {same_number} AND {same_kind} AND o.{year} <> s.{year} AND o.{state} = {here}
            WHERE s.run_id = %(run)s AND {is_new}
            UNION ALL
            SELECT s.source_line, o.{number}, o.{year} FROM {stage} s
            JOIN nightporter.parked p ON p.customer_entity = {customer_entity} AND p.customer_code = s.customer_code
                 AND p.dataset = %(dataset)s AND p.run_id <> %(run)s AND p.ended_at IS NULL
            CROSS JOIN LATERAL jsonb_populate_record(NULL::{shared}, p.content) o
            WHERE s.run_id = %(run)s AND {same_number} AND o.{year} <> s.{year}
        ), elsewhere AS MATERIALIZED (
            SELECT s.source_line, string_agg(concat(f.number, ' (', f.year, ')'), ', ' ORDER BY f.year)
                   || concat(', ', s.{number}, ' (', s.{year}, '): [entities."', s.entity,
                             '"] numbering = "yearly" / "continuous"') AS named
            FROM found f JOIN {stage} s ON s.run_id = %(run)s AND s.source_line = f.source_line
            WHERE s.entity <> ALL ({declared}) AND NOT EXISTS (SELECT FROM {table} t WHERE {same})
            GROUP BY s.source_line, s.{number}, s.{year}, s.entity
        ), taken AS (
            DELETE FROM {stage} s USING elsewhere e WHERE s.run_id = %(run)s AND s.source_line = e.source_line
            RETURNING s.source_line, e.named AS detail, {told}
        ) {end}
    """)
    return filled(
        statement,
        stage,
        ReasonCode.AMBIGUOUS,
        stage.label_field,
        year=sql.Identifier(year),
        is_new=is_new(stage),
        number=sql.Identifier(presence.protects),
        same_number=_same_but(stage, year, also_but="instalment"),
        state=sql.Identifier(presence.state),
        here=sql.Literal(presence.here),
        declared=sql.SQL("{}::text[]").format(list(declared)),
        same_kind=sql.SQL(" AND ").join(
            [
                sql.SQL("true"),
                *(sql.SQL("o.{} IS NULL").format(sql.Identifier(key[0])) for key in stage.dataset.keys if len(key) == 1),
            ]
        ),
        customer_entity=fragments.customer_entity(),
        shared=stage_table(stage.dataset),
    )


def _same_but(stage: Stage, year: str, also_but: str = "") -> sql.Composed:
    """Whether a row `o` of the table has the key of a staged one, but for its year."""
    names = ["entity", *(name for name in stage.key if name not in (year, also_but))]
    return sql.SQL(" AND ").join(sql.SQL("o.{0} = s.{0}").format(sql.Identifier(name)) for name in names)


def carry_over(conn: Connection, stage: Stage, yearly: Sequence[str]) -> int:
    """Let an item that a snapshot leaves out be the one that it has under another year, where nothing else can be meant: so that
    it keeps what the department wrote to it. Not in entities whose numbers are declared to begin anew, `yearly`; returns how many
    there were.
    """
    year = _year(stage)
    if not year:
        return 0
    return db.driver(conn).execute(_carry(stage, year), stage.values | {"yearly": list(yearly)}).rowcount


@lru_cache
def _carry(stage: Stage, year: str) -> bytes:
    statement = sql.SQL("""
        WITH pairs AS MATERIALIZED (
            SELECT o.id, s.{year} AS year,
                   count(*) OVER (PARTITION BY o.id) + count(*) OVER (PARTITION BY s.source_line) AS choices
            FROM nightporter.stage_absent a JOIN {table} o ON o.id = a.row_id
            JOIN {stage} s ON s.run_id = %(run)s AND {same_number} AND o.{year} <> s.{year}
            WHERE a.run_id = %(run)s AND o.entity <> ALL (%(yearly)s::text[]) AND NOT EXISTS (SELECT FROM {table} t WHERE {same})
        ), kept AS (
            INSERT INTO nightporter.row_change (run_id, dataset, row_id, before)
            SELECT %(run)s, %(dataset)s, t.id, to_jsonb(t) FROM pairs p JOIN {table} t ON t.id = p.id WHERE choices = 2
        ), there AS (
            DELETE FROM nightporter.stage_absent a USING pairs p WHERE a.run_id = %(run)s AND a.row_id = p.id AND choices = 2
        )
        UPDATE {table} t SET {year} = p.year FROM pairs p WHERE t.id = p.id AND choices = 2
    """)
    return statement.format(
        stage=stage.table,
        table=stage.target,
        year=sql.Identifier(year),
        same_number=_same_but(stage, year),
        same=fragments.same(stage),
    ).as_bytes()

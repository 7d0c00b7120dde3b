"""Doubts: rows that an accountant would ask about. They are taken and told, or rejected, as the profile says."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.checks import counted, filled
from daemon.loading.staging import Stage, stage_table
from daemon.model import ReasonCode, Tally

FAR_OFF = "10 years"


class Doubt(NamedTuple):
    """Why a row is doubtful, the field that it is told of, and what of a staged row `s` says so."""

    code: ReasonCode
    field: str
    holds: sql.Composable


class Doubtful(NamedTuple):
    """Of how many rows something is doubtful, and the first of their lines."""

    code: ReasonCode
    rows: int
    lines: list[int]


def reject_doubtful(conn: Connection, stage: Stage) -> Tally:
    """Reject the doubtful rows."""
    off = Tally()
    for doubt in _doubts(stage):
        off += counted(conn, stage, _rejecting(stage, doubt))
    return off


def doubtful(conn: Connection, stage: Stage, few: int, *, parked: bool) -> list[Doubtful]:
    """Which of the staged rows that made or changed one of the table, and of those that were `parked`, are doubtful, and why."""
    doubts = tuple(_doubts(stage))
    if not doubts:
        return []
    (seen,) = db.driver(conn).execute(_counting(stage), stage.values).fetchall()
    if not any(seen) and not parked:
        return []
    rows = db.driver(conn).execute(_telling(stage), stage.values | {"few": few})
    return [Doubtful(ReasonCode(code), count, lines) for code, count, lines in rows]


@lru_cache
def _counting(stage: Stage) -> bytes:
    """One look at all rows, for few are doubtful."""
    each = sql.SQL(", ").join(sql.SQL("count(*) FILTER (WHERE {})").format(doubt.holds) for doubt in _doubts(stage))
    return sql.SQL("SELECT {} FROM {} s WHERE s.run_id = %(run)s").format(each, stage.table).as_bytes()


def _rejecting(stage: Stage, doubt: Doubt) -> bytes:
    statement = sql.SQL("""
        WITH taken AS (
            DELETE FROM {stage} s WHERE run_id = %(run)s AND {holds} RETURNING s.source_line, NULL::text AS detail, {told}
        ) {end}
    """)
    return filled(statement, stage, doubt.code, doubt.field, holds=doubt.holds)


@lru_cache
def _telling(stage: Stage) -> bytes:
    each = sql.SQL(" UNION ALL ").join(
        sql.SQL("""
            SELECT {code} AS code, count(*) AS rows, (array_agg(s.source_line ORDER BY s.source_line))[1:%(few)s] AS lines
            FROM told s WHERE {holds}
        """).format(code=sql.Literal(str(doubt.code)), holds=doubt.holds)
        for doubt in _doubts(stage)
    )
    statement = sql.SQL("""
        WITH told AS (
            SELECT {columns} FROM {stage} s WHERE s.run_id = %(run)s
                 AND EXISTS (SELECT FROM {table} t WHERE {same} AND t.run_id = s.run_id)
            UNION ALL
            SELECT {columns} FROM nightporter.parked p CROSS JOIN LATERAL jsonb_populate_record(NULL::{shared}, p.content) s
            WHERE p.run_id = %(run)s AND p.dataset = %(dataset)s
        )
        SELECT code, rows, lines FROM ({each}) d WHERE rows > 0
    """)
    return statement.format(
        columns=sql.SQL(", ").join(
            sql.SQL("s.{}").format(sql.Identifier(name)) for name in ("source_line", "run_id", *stage.fields)
        ),
        stage=stage.table,
        shared=stage_table(stage.dataset),
        table=stage.target,
        same=fragments.same(stage),
        each=each,
    ).as_bytes()


def _doubts(stage: Stage) -> Iterator[Doubt]:
    balance = stage.dataset.balance
    if balance is None:
        return
    fields = stage.fields

    def cell(name: str) -> sql.Composed:
        return sql.SQL("s.{}").format(sql.Identifier(name))

    amount = cell(balance.amount)
    if balance.whole in fields and balance.whole and balance.whole != balance.amount:
        whole = cell(balance.whole)
        more = sql.SQL("({amount} <> 0 AND (abs({amount}) > abs({whole}) OR sign({amount}) <> sign({whole})))")
        yield Doubt(ReasonCode.MORE_OPEN_THAN_BILLED, balance.amount, more.format(amount=amount, whole=whole))
    if balance.type in fields and balance.type and balance.credits and not stage.rules.by_type:
        credit = sql.SQL("c.{} = ANY({}::text[])").format(sql.Identifier(balance.type), balance.credits)
        above = sql.SQL("""({type} = ANY({credits}::text[]) AND {amount} > 0 AND (
            SELECT sum(sign(c.{name})) < 0 FROM {stage} c WHERE c.run_id = %(run)s AND {credit}))""")
        named = {"type": cell(balance.type), "credits": sql.Literal(balance.credits), "amount": amount, "stage": stage.table}
        above_zero = above.format(name=sql.Identifier(balance.amount), credit=credit, **named)
        yield Doubt(ReasonCode.CREDIT_ABOVE_ZERO, balance.amount, above_zero)
    if {balance.date, balance.due} <= set(fields) and balance.date and balance.due:
        before = sql.SQL("{} < {}").format(cell(balance.due), cell(balance.date))
        yield Doubt(ReasonCode.DUE_BEFORE_ISSUE, balance.due, before)
    if days := [name for name in (balance.date, balance.due) if name and name in fields]:
        far = sql.SQL("({day} < %(as_of)s::date - interval '{far}' OR {day} > %(as_of)s::date + interval '{far}')")
        any_of = sql.SQL(" OR ").join(far.format(day=cell(name), far=sql.SQL(FAR_OFF)) for name in days)
        yield Doubt(ReasonCode.DATE_FAR_OFF, days[0], sql.SQL("({})").format(any_of))

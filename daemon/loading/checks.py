"""Checks that need more than one row: twins in the file, customers nobody knows. By SQL on the stage."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading.staging import Stage
from daemon.model import Fault, Reason


@dataclass
class Turned:
    """Rows that a check took off the stage: how many were rejected and skipped, and the rejected money by currency."""

    rejected: int = 0
    skipped: int = 0
    money: dict[str, Decimal] = field(default_factory=dict)


def lock_entities(conn: Connection, entities: Iterable[str]) -> None:
    """Let no other import of these entities check or merge until the transaction ends. Sorted, so that none deadlock."""
    db.driver(conn).execute("SET LOCAL lock_timeout = '15min'")  # what is staged would have to be staged again
    for entity in sorted(entities):
        db.driver(conn).execute("SELECT pg_advisory_xact_lock(hashtextextended('nightporter.entity.' || %s, 0))", [entity])


def settle_twins(conn: Connection, stage: Stage) -> Turned:
    """Rows with the same key: if they are equal over the mapped fields the first stays and the others are skipped;
    if they differ all are rejected, for none may win by chance.
    """
    return _turned(conn, stage, _twins(stage))


@lru_cache
def _twins(stage: Stage) -> bytes:
    statement = sql.SQL("""
        WITH twice AS MATERIALIZED (
            SELECT {key} FROM {stage} WHERE run_id = %(run)s GROUP BY {key} HAVING count(*) > 1
        ), twins AS MATERIALIZED (
            SELECT {key}, source_line, ROW({fields})::text AS content, {label}::text AS label,
                   {currency} AS currency, {amount} AS amount
            FROM {stage} JOIN twice USING ({key}) WHERE run_id = %(run)s
        ), judged AS MATERIALIZED (
            SELECT *, first_value(source_line) OVER own AS first, last_value(source_line) OVER own AS last,
                   min(content) OVER own = max(content) OVER own AS equal
            FROM twins
            WINDOW own AS (PARTITION BY {key} ORDER BY source_line ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        ), taken AS (
            DELETE FROM {stage} s USING judged j
            WHERE s.run_id = %(run)s AND s.source_line = j.source_line AND (NOT j.equal OR j.source_line <> j.first)
        ), faulted AS (
            INSERT INTO nightporter.stage_fault (run_id, line, reasons)
            SELECT %(run)s, source_line, jsonb_build_array(jsonb_build_object('code', {code}, 'field', {field}, 'value', label,
                   'detail', CASE WHEN source_line = first THEN last ELSE first END::text))
            FROM judged WHERE NOT equal
        )
        SELECT currency, count(*) FILTER (WHERE NOT equal), count(*) FILTER (WHERE equal AND source_line <> first),
               sum(amount) FILTER (WHERE NOT equal)
        FROM judged GROUP BY currency
    """)
    return _filled(statement, stage, Fault.DUPLICATE_KEY, stage.label_field, key=["entity", *stage.key])


def reject_unknown(conn: Connection, stage: Stage) -> Turned:
    """Reject the rows whose customer is not in the dataset that this one refers to."""
    return _turned(conn, stage, _unknown(stage)) if stage.dataset.refers_to else Turned()


@lru_cache
def _unknown(stage: Stage) -> bytes:
    referred = datasets()[stage.dataset.refers_to or ""]
    (field,) = referred.keys[0]
    statement = sql.SQL("""
        WITH taken AS (
            DELETE FROM {stage} s
            WHERE run_id = %(run)s AND NOT EXISTS (
                SELECT FROM {referred} c WHERE c.entity = s.entity AND c.{key} = s.{key})
            RETURNING source_line, s.{key} AS label, {currency} AS currency, {amount} AS amount
        ), faulted AS (
            INSERT INTO nightporter.stage_fault (run_id, line, reasons)
            SELECT %(run)s, source_line, jsonb_build_array(jsonb_build_object('code', {code}, 'field', {field}, 'value', label))
            FROM taken
        )
        SELECT currency, count(*), 0, sum(amount) FROM taken GROUP BY currency
    """)
    referred_table = sql.Identifier(*referred.table.split("."))
    return _filled(statement, stage, Fault.UNKNOWN_CUSTOMER, field, key=[field], referred=referred_table)


def _filled(statement: sql.SQL, stage: Stage, fault: Fault, label: str, key: list[str], **more: sql.Composable) -> bytes:
    balance = stage.dataset.balance
    parts: dict[str, sql.Composable] = {
        "stage": stage.table,
        "key": sql.SQL(", ").join(map(sql.Identifier, key)),
        "fields": sql.SQL(", ").join(map(sql.Identifier, stage.fields)),
        "label": sql.Identifier(label),
        "currency": sql.Identifier(balance.currency) if balance else sql.SQL("NULL::text"),
        "amount": sql.Identifier(balance.amount) if balance else sql.SQL("NULL::numeric"),
        "code": sql.Literal(str(fault)),
        "field": sql.Literal(label),
    }
    return statement.format(**parts, **more).as_bytes()


def _turned(conn: Connection, stage: Stage, statement: bytes) -> Turned:
    turned = Turned()
    for currency, rejected, skipped, amount in db.driver(conn).execute(statement, stage.run):
        turned.rejected += rejected
        turned.skipped += skipped
        if currency is not None and amount is not None:
            turned.money[currency] = amount
    return turned


def turned_down(conn: Connection, stage: Stage, first: int, last: int) -> dict[int, tuple[Reason, ...]]:
    """The reasons of the rows between two lines that the checks rejected, by line; they are told once."""
    rows = db.driver(conn).execute(
        "DELETE FROM nightporter.stage_fault WHERE run_id = %s AND line BETWEEN %s AND %s RETURNING line, reasons",
        [stage.run_id, first, last],
    )
    return {line: tuple(Reason(**(reason | {"code": Fault(reason["code"])})) for reason in reasons) for line, reasons in rows}


def known_customers(conn: Connection, codes: list[str]) -> int:
    """How many of some codes are customers, of whatever entity."""
    statement = "SELECT count(DISTINCT customer_code) FROM ar.customer WHERE customer_code = ANY(%s)"
    count: int = db.driver(conn).execute(statement, [codes]).fetchall()[0][0]
    return count

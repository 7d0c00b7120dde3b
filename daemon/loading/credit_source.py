"""Sources: an entity's credits come by one dataset, so that none counts twice."""

from collections.abc import Sequence

from psycopg import sql
from sqlalchemy import Connection

from daemon.datasets import Dataset, datasets
from daemon.loading import fragments
from daemon.loading.checks import counted, filled
from daemon.loading.staging import Stage, stage_table, table_of
from daemon.model import ReasonCode, Tally

SOURCES = {"receivables": "open_credits", "open_credits": "receivables"}
"""The datasets that credits may come by, each with the other one: an entity's come by one of them."""


def elsewhere(stage: Stage) -> sql.Composable:
    """Those of `every_entity` whose credits come by the other dataset: so the settings say, or they have come by it before."""
    other = SOURCES.get(stage.dataset.name)
    if other is None:
        return sql.SQL("ARRAY[]::text[]")
    source = datasets()[other]
    return sql.SQL("""ARRAY(
        SELECT e.name FROM unnest(%(every_entity)s::text[]) e (name) LEFT JOIN ar.entity d ON d.entity = e.name
        WHERE d.credits = {other} OR (d.credits IS NULL AND (
            EXISTS (SELECT FROM {table} o WHERE o.entity = e.name AND o.state = 'open' AND {is_credit})
            OR EXISTS (SELECT FROM nightporter.parked p CROSS JOIN LATERAL jsonb_populate_record(NULL::{stage}, p.content) o
                       WHERE p.dataset = {other} AND p.entity = e.name AND p.ended_at IS NULL AND {is_credit}))))""").format(
        other=other, table=table_of(source), stage=stage_table(source), is_credit=_is_credit(source, "o")
    )


def _is_credit(dataset: Dataset, row: str) -> sql.Composable:
    """Whether a row is a credit: by its type, or because all of its dataset are."""
    balance = dataset.balance
    if balance is None or balance.type is None:
        return sql.SQL("true")
    return sql.SQL("{}.{} = ANY({}::text[])").format(sql.Identifier(row), sql.Identifier(balance.type), balance.credits)


def reject_elsewhere(conn: Connection, stage: Stage, entities: Sequence[str]) -> Tally:
    """Reject the credits of some entities, whose credits come by another dataset: they would count twice. One that is used up may
    close what is stored.
    """
    if not entities:
        return Tally()
    statement = sql.SQL("""
        WITH taken AS (
            DELETE FROM {stage} s WHERE run_id = %(run)s AND entity = ANY({entities}) AND {is_credit} AND {amount} <> 0
            RETURNING s.source_line, {other}::text AS detail, {told}
        ) {end}
    """)
    return counted(
        conn,
        stage,
        filled(
            statement,
            stage,
            ReasonCode.CREDIT_ELSEWHERE,
            stage.label_field,
            entities=sql.Literal(list(entities)),
            is_credit=_is_credit(stage.dataset, "s"),
            other=sql.Literal(SOURCES[stage.dataset.name]),
            amount=fragments.amount(stage, "s"),
            protects=False,
        ),
    )

"""Sources of credits: where an entity says by which dataset its credits come, none counts twice."""

from collections.abc import Sequence

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset, datasets
from daemon.loading import fragments
from daemon.loading.checks import counted, filled
from daemon.loading.staging import Stage, stage_table, table_of
from daemon.model import ReasonCode, Tally

SOURCES = {"receivables": "open_credits", "open_credits": "receivables"}
"""The datasets that credits may come by, each with the other one: an entity's come by one of them."""


def reject_elsewhere(conn: Connection, stage: Stage, entities: Sequence[str], *, protects: bool) -> Tally:
    """Reject the credits of some entities that stand in the other dataset, open or waiting for their customer: by their customer
    and number, or by their customer, date and amount. They would count twice. What is rejected `protects` what is stored of it
    from being taken for gone, where the credits are to come by its own dataset, or does not.
    """
    if not entities or stage.dataset.name not in SOURCES:
        return Tally()
    other = datasets()[SOURCES[stage.dataset.name]]
    statement = sql.SQL("""
        WITH others AS MATERIALIZED (
            SELECT o.entity, o.customer_entity, o.customer_code, o.{number} AS number, o.{date} AS date,
                   abs(o.{amount}) AS amount
            FROM {table_of_other} o WHERE o.entity = ANY({entities}) AND o.state = 'open' AND {is_credit}
            UNION ALL
            SELECT p.entity, p.customer_entity, p.customer_code, o.{number}, o.{date}, abs(o.{amount})
            FROM nightporter.parked p CROSS JOIN LATERAL jsonb_populate_record(NULL::{other_stage}, p.content) o
            WHERE p.dataset = {other} AND p.entity = ANY({entities}) AND p.ended_at IS NULL AND {is_credit}
        ), taken AS (
            DELETE FROM {stage} s USING others o
            WHERE s.run_id = %(run)s AND s.entity = o.entity AND {own_is_credit} AND o.customer_entity = {customer_entity}
                  AND o.customer_code = s.customer_code
                  AND (o.number = s.{own_number} OR (o.date = s.{own_date} AND o.amount = abs(s.{own_amount})))
            RETURNING s.source_line, {other}::text AS detail, {told}
        ) {end}
    """)
    (number, date, amount), (own_number, own_date, own_amount) = _names(other), _names(stage.dataset)
    return counted(
        conn,
        stage,
        filled(
            statement,
            stage,
            ReasonCode.CREDIT_TWICE if protects else ReasonCode.CREDIT_ELSEWHERE,
            stage.label_field,
            entities=sql.Literal(list(entities)),
            other=sql.Literal(other.name),
            other_stage=stage_table(other),
            table_of_other=table_of(other),
            customer_entity=fragments.customer_entity(),
            is_credit=_is_credit(other, "o"),
            own_is_credit=_is_credit(stage.dataset, "s"),
            number=number,
            date=date,
            amount=amount,
            own_number=own_number,
            own_date=own_date,
            own_amount=own_amount,
            protects=protects,
        ),
    )


def unexplained(conn: Connection, stage: Stage, entities: Sequence[str]) -> list[int]:
    """The lines of the staged credits, of entities whose credits come by the other dataset, that stand in none of it."""
    if not entities or stage.dataset.name not in SOURCES:
        return []
    statement = sql.SQL("""
        SELECT s.source_line FROM {stage} s WHERE s.run_id = %(run)s AND s.entity = ANY(%(told)s) AND {is_credit}
               AND EXISTS (SELECT FROM {table} t WHERE {same} AND t.run_id = s.run_id) ORDER BY 1
    """).format(stage=stage.table, table=stage.target, is_credit=_is_credit(stage.dataset, "s"), same=fragments.same(stage))
    return [row[0] for row in db.driver(conn).execute(statement, stage.values | {"told": list(entities)})]


def _names(dataset: Dataset) -> tuple[sql.Identifier, sql.Identifier, sql.Identifier]:
    """The fields with a row's number, its date, and what is open of it."""
    assert dataset.balance
    assert dataset.presence
    names = (dataset.presence.protects, dataset.balance.date or "", dataset.balance.amount)
    return sql.Identifier(names[0]), sql.Identifier(names[1]), sql.Identifier(names[2])


def _is_credit(dataset: Dataset, row: str) -> sql.Composable:
    """Whether a row is a credit: what is open of it is in the customer's favour, or all of its dataset is."""
    balance = dataset.balance
    if balance is None or balance.in_hand:
        return sql.SQL("true")
    return sql.SQL("{}.{} < 0").format(sql.Identifier(row), sql.Identifier(balance.amount))

"""Standing: what else is known about a stage's rows, asked once and under the lock; what does not apply need not be done."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset, datasets
from daemon.errors import FileRefused, Refusal
from daemon.loading import terms
from daemon.loading.checks import Turned, filled, turned
from daemon.loading.staging import Stage, stage_table, table_of
from daemon.model import Fault


@dataclass(frozen=True)
class Standing:
    """`late`: something about a later day than the stage's is in the table already. `parked`: rows of the dataset wait.
    `elsewhere`: the entities whose credits come by another dataset.
    """

    late: bool
    parked: bool
    elsewhere: tuple[str, ...]


def standing(conn: Connection, stage: Stage, entities: Iterable[str]) -> Standing:
    """What a stage comes to. Raises FileRefused where rows of one of the entities are known by another kind of key: both
    would hold one item twice.
    """
    given = stage.values | {"every_entity": list(entities), "key": Jsonb(list(stage.key))}
    late, parked, elsewhere, otherwise = db.driver(conn).execute(_statement(stage), given).fetchall()[0]
    if otherwise is not None:
        raise FileRefused(Refusal.OTHER_KEY, f'{_single(stage)}: entity "{otherwise}"')
    return Standing(late, parked, tuple(elsewhere))


SOURCES = {"receivables": "open_credits", "open_credits": "receivables"}
"""The datasets that credits may come by, each with the other one: an entity's come by one of them."""


def is_credit(dataset: Dataset, row: str) -> sql.Composable:
    """Whether a row is a credit: by its type, or because all of its dataset are."""
    balance = dataset.balance
    if balance is None or balance.type is None:
        return sql.SQL("true")
    return sql.SQL("{}.{} = ANY({}::text[])").format(sql.Identifier(row), sql.Identifier(balance.type), balance.credits)


def reject_elsewhere(conn: Connection, stage: Stage, standing: Standing) -> Turned:
    """Reject the credits of entities whose credits come by another dataset: they would count twice. One that is used up may
    close what is stored.
    """
    if not standing.elsewhere:
        return Turned()
    statement = sql.SQL("""
        WITH taken AS (
            DELETE FROM {stage} s WHERE run_id = %(run)s AND entity = ANY({entities}) AND {is_credit} AND {amount} <> 0
            RETURNING s.source_line, {other}::text AS detail, {told}
        ) {end}
    """)
    return turned(
        conn,
        stage,
        filled(
            statement,
            stage,
            Fault.CREDIT_ELSEWHERE,
            stage.label_field,
            entities=sql.Literal(list(standing.elsewhere)),
            is_credit=is_credit(stage.dataset, "s"),
            other=sql.Literal(SOURCES[stage.dataset.name]),
            amount=terms.amount(stage, "s"),
            protects=False,
        ),
    )


def _single(stage: Stage) -> str:
    """The field that is a key by itself."""
    return next(each[0] for each in stage.dataset.keys if len(each) == 1)


@lru_cache
def _statement(stage: Stage) -> bytes:
    otherwise: sql.Composable = sql.SQL("NULL::text")
    if stage.dataset.one_key:
        otherwise = sql.SQL("""(
            (SELECT entity FROM {table} WHERE entity = ANY(%(every_entity)s) AND {single} IS {known} LIMIT 1)
            UNION ALL
            (SELECT entity FROM nightporter.parked
             WHERE dataset = %(dataset)s AND entity = ANY(%(every_entity)s) AND ended_at IS NULL AND rules->'key' <> %(key)s
             LIMIT 1)
            LIMIT 1)""").format(
            table=stage.target,
            single=sql.Identifier(_single(stage)),
            known=sql.SQL("NULL" if list(stage.key) == [_single(stage)] else "NOT NULL"),
        )
    elsewhere: sql.Composable = sql.SQL("ARRAY[]::text[]")
    if other := SOURCES.get(stage.dataset.name):
        source = datasets()[other]
        elsewhere = sql.SQL("""ARRAY(
            SELECT e.name FROM unnest(%(every_entity)s::text[]) e (name) LEFT JOIN ar.entity d ON d.entity = e.name
            WHERE d.credits = {other} OR (d.credits IS NULL AND (
                EXISTS (SELECT FROM {table} o WHERE o.entity = e.name AND o.state = 'open' AND {is_credit})
                OR EXISTS (SELECT FROM nightporter.parked p CROSS JOIN LATERAL jsonb_populate_record(NULL::{stage}, p.content) o
                           WHERE p.dataset = {other} AND p.entity = e.name AND p.ended_at IS NULL AND {is_credit}))))""").format(
            other=other, table=table_of(source), stage=stage_table(source), is_credit=is_credit(source, "o")
        )
    return (
        sql.SQL("""
        SELECT EXISTS (SELECT FROM nightporter.import_run
                       WHERE dataset = %(dataset)s AND state = 'imported' AND business_date > %(as_of)s),
               EXISTS (SELECT FROM nightporter.parked WHERE dataset = %(dataset)s AND run_id <> %(run)s AND ended_at IS NULL),
               {}, {}
        """)
        .format(elsewhere, otherwise)
        .as_bytes()
    )

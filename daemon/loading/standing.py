"""Standing: what else is known about a stage's rows, asked once and under the lock; what does not apply need not be done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from daemon import db
from daemon.db import Declared, declared
from daemon.errors import FileRefused, Refusal
from daemon.loading.staging import Stage


@dataclass(frozen=True)
class Standing:
    """`late`: something younger than the stage is in the table already. `parked`: rows of the dataset wait. `declared`: what the
    settings say of its entities.
    """

    late: bool
    parked: bool
    declared: Mapping[str, Declared]

    def numbered(self, *how: str) -> list[str]:
        """The entities that number their items so."""
        return [name for name, each in self.declared.items() if each.numbering in how]

    def credits_by(self, *datasets: str) -> list[str]:
        """The entities whose credits are declared to come by one of some datasets."""
        return [name for name, each in self.declared.items() if each.credits in datasets]


def standing(conn: Connection, stage: Stage, entities: Collection[str]) -> Standing:
    """What a stage comes to. Raises FileRefused where rows of one of the entities are known by another kind of key: both
    would hold one item twice.
    """
    given = stage.values | {"every_entity": list(entities), "key": Jsonb(list(stage.key))}
    late, parked, otherwise = db.driver(conn).execute(_statement(stage), given).fetchall()[0]
    if otherwise is not None:
        raise FileRefused(Refusal.OTHER_KEY, "other_key", field=_single(stage), entity=otherwise)
    known = declared(conn)
    return Standing(late, parked, {name: known[name] for name in entities if name in known})


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
    return (
        sql.SQL("""
        SELECT EXISTS (SELECT FROM nightporter.import_run
                       WHERE dataset = %(dataset)s AND state = 'imported' AND business_date >= %(as_of)s
                             AND (business_date, arrival_id) > (%(as_of)s, %(arrival)s)),
               EXISTS (SELECT FROM nightporter.parked WHERE dataset = %(dataset)s AND run_id <> %(run)s AND ended_at IS NULL),
               {}
        """)
        .format(otherwise)
        .as_bytes()
    )

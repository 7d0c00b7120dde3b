"""Orphans: open rows in an entity that has snapshots, in a scope of which none speaks; nothing will ever clear them."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading.staging import table_of

Scopes = Mapping[tuple[str, str], Collection[str]]
"""By dataset and entity, some of their scopes."""


class Orphans(NamedTuple):
    """Rows of one scope that nobody speaks for, and their money, in one currency."""

    dataset: str
    entity: str
    scope: str
    currency: str
    rows: int
    amount: Decimal


def orphans(conn: Connection, spoken: Scopes, filled: Scopes) -> list[Orphans]:
    """The open rows that no profile speaks for: of entities for which some profile's snapshots are `spoken`, those of other
    scopes; of entities that only had snapshots once, those that no profile has `filled` either.
    """
    found = []
    had = {(row[0], row[1]) for row in db.driver(conn).execute(_HAD)}
    for name, dataset in datasets().items():
        if dataset.balance is None or dataset.presence is None:
            continue
        statement = sql.SQL("""
            SELECT entity, scope, coalesce({currency}, ''), count(*), sum({amount}) FROM {table} WHERE {state} = {here}
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """).format(
            currency=sql.Identifier(dataset.balance.currency),
            amount=sql.Identifier(dataset.balance.amount),
            table=table_of(dataset),
            state=sql.Identifier(dataset.presence.state),
            here=dataset.presence.here,
        )
        for entity, scope, *rest in db.driver(conn).execute(statement):
            own = (name, entity)
            known = spoken[own] if own in spoken else filled.get(own, ()) if own in had else (scope,)
            if scope not in known:
                found.append(Orphans(name, entity, scope, *rest))
    return found


_HAD = """
    SELECT DISTINCT n.dataset, n.entity FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
    WHERE r.undone_at IS NULL
"""

"""Looking: a customer as the tables have them: what they owe, how late it is, which file and line each item came from."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset
from daemon.db import text
from daemon.loading.staging import table_of

_ITEMS = 500
_ALL_SEEN = """(CAST(:all AS boolean) OR NOT EXISTS (
    SELECT FROM (SELECT entity, customer_entity, customer_code, state FROM ar.receivable
                 UNION ALL SELECT entity, customer_entity, customer_code, state FROM ar.balance_adjustment) owed
    WHERE customer_entity = :entity AND customer_code = :code AND state = 'open' AND entity <> ALL(:entities)))"""
"""Whether a customer owes nothing to an entity that is kept from whoever looks: their sums tell of it."""


def stored(conn: Connection, dataset: Dataset, entity: str, most: int) -> tuple[int, list[dict[str, object]]]:
    """How many rows of a dataset an entity has that are open, or there, still; and as many as `most` of them, field by field."""
    here: sql.Composable = sql.SQL("true")
    if presence := dataset.presence:
        here = sql.SQL("t.{} = {}").format(sql.Identifier(presence.state), sql.Literal(presence.here))
    statement = sql.SQL("""
        SELECT count(*) OVER () AS count, to_jsonb(t) || coalesce(t.custom, '{{}}') AS cells
        FROM {table} t WHERE t.entity = %(entity)s AND {here} ORDER BY t.id LIMIT %(most)s
    """)
    filled = statement.format(table=table_of(dataset), here=here).as_bytes()
    rows = db.driver(conn).execute(filled, {"entity": entity, "most": most}).fetchall()
    return rows[0][0] if rows else 0, [
        {name: _typed(dataset.fields[name].type, cells.get(name)) for name in dataset.mappable} for _, cells in rows
    ]


def _typed(type: str, value: Any) -> object:
    """A value of JSON as a spreadsheet has it."""
    if value is None or type not in ("date", "money", "bool", "list"):
        return value
    if type == "bool":
        return "yes" if value else "no"
    if type == "list":
        return ", ".join(value)
    return date.fromisoformat(value) if type == "date" else Decimal(str(value))


class Found(NamedTuple):
    """A customer in a list."""

    entity: str
    code: str
    name: str
    city: str | None


class Waiting(NamedTuple):
    """A customer that is not there: how many rows wait for it, since when, and the last run that brought some."""

    entity: str
    code: str
    rows: int
    since: datetime
    run: int


class Item(NamedTuple):
    """An open item, and where it was last spoken of."""

    number: str
    kind: str
    issued: date | None
    due: date | None
    amount: Decimal
    currency: str
    run: int | None
    line: int | None


@dataclass(frozen=True)
class Customer:
    """A customer, with balances and ages by currency, and the open items, the oldest due first."""

    entity: str
    code: str
    fields: dict[str, Any]
    balances: list[dict[str, Any]]
    ages: list[dict[str, Any]]
    items: list[Item]


def find_customers(conn: Connection, words: str, entities: Collection[str] | None, limit: int) -> list[Found]:
    """Customers by their code, or a part of their name, of the entities that may be seen (None: of all)."""
    rows = conn.execute(
        text("""
            SELECT entity, customer_code, business_name, city FROM ar.customer
            WHERE (CAST(:all AS boolean) OR entity = ANY(:entities))
                  AND (customer_code ILIKE :begins OR business_name ILIKE :holds)
            ORDER BY customer_code = :words DESC, business_name LIMIT :limit"""),
        {
            "words": words,
            "begins": f"{_like(words)}%",
            "holds": f"%{_like(words)}%",
            "all": entities is None,
            "entities": list(entities or []),
            "limit": limit,
        },
    )
    return [Found(*row) for row in rows]


def find_waiting(conn: Connection, words: str, entities: Collection[str] | None, limit: int) -> list[Waiting]:
    """The customers whose code begins so and that are not there, while rows of the entities that may be seen wait for them."""
    rows = conn.execute(
        text("""
            SELECT customer_entity, customer_code, count(*), min(parked_at), max(run_id) FROM nightporter.parked
            WHERE ended_at IS NULL AND (CAST(:all AS boolean) OR entity = ANY(:entities)) AND customer_code ILIKE :begins
            GROUP BY 1, 2 ORDER BY 2, 1 LIMIT :limit"""),
        {"begins": f"{_like(words)}%", "all": entities is None, "entities": list(entities or []), "limit": limit},
    )
    return [Waiting(*row) for row in rows]


def customer_card(conn: Connection, entity: str, code: str, entities: Collection[str] | None) -> Customer | None:
    """Everything about one customer, or None; with the items of the entities that may be seen (None: of all), and
    with balances and ages where these are all that is owed to.
    """
    named: dict[str, Any] = {"entity": entity, "code": code}
    one = "WHERE entity = :entity AND customer_code = :code"
    fields = conn.execute(text(f"SELECT * FROM ar.customer {one}"), named).mappings().one_or_none()
    if fields is None:
        return None
    named |= {"all": entities is None, "entities": list(entities or [])}
    sums = [f"SELECT * FROM ar.{view} {one} AND {_ALL_SEEN} ORDER BY currency" for view in ("customer_balance", "aging")]
    balances, ages = ([dict(row) for row in conn.execute(text(each), named).mappings()] for each in sums)
    items = conn.execute(
        text("""
            SELECT item_number, item_type, issue_date, due_date, remaining, currency, coalesce(run_id, created_by_run),
                   source_line
            FROM ar.receivable WHERE customer_entity = :entity AND customer_code = :code AND state = 'open'
                  AND (CAST(:all AS boolean) OR entity = ANY(:entities))
            ORDER BY due_date NULLS LAST, item_number LIMIT :limit"""),
        named | {"limit": _ITEMS},
    )
    return Customer(entity, code, dict(fields), balances, ages, [Item(*row) for row in items])


def _like(words: str) -> str:
    """Words in which nothing is a pattern."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

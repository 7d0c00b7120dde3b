"""Totals: what is open and counts, by scope and currency, and the statement of what led from one to the other (promise P8)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset
from daemon.loading import fragments
from daemon.loading.staging import table_of
from daemon.model import Money, Tally


class Open(NamedTuple):
    """What is open in one currency: what customers owe, and, below zero, what they have in hand."""

    debits: Decimal = Decimal(0)
    credits: Decimal = Decimal(0)


Totals = Mapping[tuple[str, str, str], Open]
"""What is open, by entity, scope and currency."""


def open_totals(conn: Connection, dataset: Dataset, entities: Iterable[str]) -> Totals:
    """What is open of a dataset in some entities; nothing for one that has no balance."""
    balance, presence = dataset.balance, dataset.presence
    if balance is None or presence is None:
        return {}
    found: sql.Composable
    if balance.totals:
        totals = sql.Identifier(*balance.totals.split("."))
        found = sql.SQL("SELECT entity, scope, currency, debits, credits FROM {} WHERE entity = ANY(%s)").format(totals)
    else:
        found = sql.SQL("""
            SELECT t.entity, t.scope, {currency}, coalesce(sum({amount}) FILTER (WHERE {amount} > 0), 0),
                   coalesce(sum({amount}) FILTER (WHERE {amount} < 0), 0)
            FROM {table} t WHERE entity = ANY(%s) AND {state} = {here} AND {currency} IS NOT NULL AND {counts} GROUP BY 1, 2, 3
        """).format(
            currency=sql.Identifier(balance.currency),
            amount=sql.Identifier(balance.amount),
            table=table_of(dataset),
            state=sql.Identifier(presence.state),
            here=presence.here,
            counts=fragments.counts(dataset, "t"),
        )
    return {(e, s, c): Open(debits, credits) for e, s, c, debits, credits in db.driver(conn).execute(found, [list(entities)])}


def ledger_statement(before: Totals, after: Totals, scopes: Collection[str], told: Collection[str]) -> Tally:
    """What was and is open in some scopes, and what is in the others, for the currencies that are `told` of or changed."""
    keys = before.keys() | after.keys()
    changed = {key[2] for key in keys if before.get(key) != after.get(key)}
    money = {}
    for currency in {*told, *changed}:
        here, elsewhere = ([key for key in keys if key[2] == currency and (key[1] in scopes) is own] for own in (True, False))
        money[currency] = Money(open_before=_sum(before, here), open_after=_sum(after, here), rest=_sum(after, elsewhere))
    return Tally(money=money)


def _sum(totals: Totals, keys: Iterable[tuple[str, str, str]]) -> Decimal:
    return sum((amount for key in keys for amount in totals.get(key, Open())), Decimal(0))


def sides(totals: Totals, scope: str | None = None) -> dict[tuple[str, str], Open]:
    """What is open by entity and currency, in one scope or all."""
    found: dict[tuple[str, str], Open] = {}
    for (entity, own, currency), each in totals.items():
        if scope in (None, own):
            before = found.get((entity, currency), Open())
            found[entity, currency] = Open(before.debits + each.debits, before.credits + each.credits)
    return found


def as_released(tally: Tally) -> Tally:
    """The money of rows that had waited, and are no part of the file at hand: what is new of it was released."""
    nothing = Decimal(0)
    money = {
        currency: replace(sums, released=sums.new, new=nothing, taken=nothing, off_balance=nothing)
        for currency, sums in tally.money.items()
    }
    return replace(tally, money=money)

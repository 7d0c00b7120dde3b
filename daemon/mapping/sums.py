"""What rows come to: the open amounts of a batch, and how many of them could not be read."""

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import Balance

Open = tuple[Decimal | None, str | None]
"""What a row is about in money: the amount and its currency; neither, where one of them could not be read."""


def amounts(table: pa.Table, balance: Balance | None) -> list[Open]:
    """What each row of a table is about in money."""
    if balance is None or not {balance.currency, balance.amount} <= set(table.column_names):
        return [(None, None)] * table.num_rows
    columns = (table.column(name).to_pylist() for name in (balance.amount, balance.currency))
    return [each if None not in each else (None, None) for each in zip(*columns, strict=True)]


def unread(table: pa.Table, balance: Balance | None) -> int:
    """Of how many rows the amount, or its currency, could not be read."""
    if balance is None or not {balance.currency, balance.amount} <= set(table.column_names):
        return 0
    unread = pc.or_(pc.is_null(table.column(balance.currency)), pc.is_null(table.column(balance.amount)))
    return int(pc.sum(unread).as_py() or 0)


def sums(table: pa.Table, balance: Balance | None) -> dict[str, Decimal]:
    """The open amounts of a table by currency, as far as both could be read."""
    if balance is None or not {balance.currency, balance.amount} <= set(table.column_names):
        return {}
    known = table.select([balance.currency, balance.amount]).drop_null()
    sums = known.group_by(balance.currency).aggregate([(balance.amount, "sum")])
    return dict(zip(sums.column(balance.currency).to_pylist(), sums.column(f"{balance.amount}_sum").to_pylist(), strict=True))

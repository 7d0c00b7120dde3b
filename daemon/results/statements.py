"""Statements: a currency's money as two sums that close, line by line, for mails, pages and the terminal (promise P8)."""

from decimal import Decimal
from typing import NamedTuple

from daemon.model import OF_THE_FILE, OF_THE_LEDGER, Money


class Line(NamedTuple):
    """One line of a statement: what it is, its amount with its sign in the sum, and whether it is the sum of others."""

    name: str
    amount: Decimal
    is_sum: bool = False


def of_the_file(money: Money) -> list[Line]:
    """What became of the file's total."""
    parts = [Line(name, amount) for name in OF_THE_FILE if (amount := getattr(money, name))]
    return [*parts, Line("file_total", money.file_total, is_sum=True)]


def of_the_ledger(money: Money) -> list[Line]:
    """What led from what was open to what is."""
    moved = [Line(name, sign * amount) for name, sign in OF_THE_LEDGER.items() if (amount := getattr(money, name))]
    rest = [Line("rest", money.rest)] if money.rest else []
    return [Line("open_before", money.open_before), *moved, Line("open_after", money.open_after, is_sum=True), *rest]

"""Amounts: text to exact decimals by a declared or proven decimal mark, a whole column at a time."""

import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import MONEY_DIGITS, MONEY_SCALE
from daemon.model import Fault

MONEY = pa.decimal128(MONEY_DIGITS, MONEY_SCALE)
_MINUS = "\u2212\u2012\u2013\ufe63\uff0d"
"""Minus signs and the dashes that stand for one."""
_SPACES = "[ \u00a0\u2009\u202f]"


def money(column: pa.Array, decimal: str) -> tuple[pa.Array, dict[int, Fault]]:
    """A text column, without empty strings, as decimals; and for each row that is none, why.

    Thousands may be set off, in threes, by spaces, apostrophes or the mark that is not the decimal one. The sign may
    lead, trail, be a Unicode minus or be parentheses.
    """
    quick = _plainly(column, decimal)
    if quick is not None:
        return quick, {}
    faults: dict[int, Fault] = {}
    values: list[Decimal | None] = []
    for row, text in enumerate(column.to_pylist()):
        value = None if text is None else amount(text, decimal)
        if isinstance(value, Fault):
            faults[row] = value
            value = None
        values.append(value)
    return pa.array(values, MONEY), faults


def _plainly(column: pa.Array, decimal: str) -> pa.Array | None:
    """A column of digits, one leading minus and one decimal mark at most, cast in one go; None when it holds anything else."""
    if pc.any(pc.match_substring_regex(column, rf"[^0-9\-{decimal}]|[{decimal}]$")).as_py():
        return None
    try:
        return pc.replace_substring(column, decimal, ".").cast(MONEY) if decimal != "." else column.cast(MONEY)
    except pa.ArrowInvalid:
        return None


def amount(text: str, decimal: str) -> Decimal | Fault:
    """One amount, or why it is none."""
    text = re.sub(f"[{_MINUS}]", "-", text.strip())
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    elif text.startswith(("-", "+")):
        text, negative = text[1:].strip(), text[0] == "-"
    elif text.endswith("-"):
        text, negative = text[:-1].strip(), True  # not `100,-`, which is a hundred and no cents: it ends in the mark
    digits = _ungrouped(text, decimal)
    if digits is None:
        return Fault.NOT_A_NUMBER
    value = Decimal(digits)
    if value >= 10 ** (MONEY_DIGITS - MONEY_SCALE):
        return Fault.AMOUNT_TOO_LARGE
    if value.as_tuple().exponent < -MONEY_SCALE and value != round(value, MONEY_SCALE):  # type: ignore[operator]
        return Fault.TOO_MANY_DECIMALS
    return -round(value, MONEY_SCALE) if negative else round(value, MONEY_SCALE)


def _ungrouped(text: str, decimal: str) -> str | None:
    """Digits with a decimal point and no thousands marks; None unless each group has three digits and one kind of mark."""
    whole, mark, fraction = text.partition(decimal)
    if not re.fullmatch("[0-9]+" if mark else "", fraction) or not whole + fraction:
        return None
    other = re.escape("," if decimal == "." else ".")
    if not re.fullmatch(rf"[0-9]*|[1-9][0-9]{{0,2}}(?:({_SPACES}|['\u2019]|{other})[0-9]{{3}})(?:\1[0-9]{{3}})*", whole):
        return None
    return re.sub("[^0-9]", "", whole) + (f".{fraction}" if fraction else "")


def proven(texts: pa.Array) -> set[str]:
    """The decimal marks that a column proves: `1.234,56` and `12,5` the comma, `1,234.56` and `12.5` the point.

    `1.234` and whole numbers prove nothing.
    """
    found = {mark: texts.filter(pc.match_substring_regex(texts, proof)).slice(0, 1000) for mark, proof in _PROOFS.items()}
    return {mark for mark, likely in found.items() if any(isinstance(amount(text, mark), Decimal) for text in likely.to_pylist())}


def unclear(texts: pa.Array) -> list[str]:
    """The amounts of a column in which a comma or point stands, and so must be understood."""
    marked: list[str] = texts.filter(pc.match_substring_regex(texts, "[.,]")).to_pylist()
    return marked


def _proof(mark: str, other: str) -> str:
    """The texts that can only be amounts with the decimal `mark`."""
    few_or_many = rf"{mark}(?:[0-9]{{1,2}}|[0-9]{{4,}})[-)]?$"
    return rf"{few_or_many}|{other}[0-9]{{3}}{mark}|^[-(]?0?{mark}[0-9]|{other}[0-9]{{3}}{other}[0-9]{{3}}"


_PROOFS = {",": _proof(",", r"\."), ".": _proof(r"\.", ",")}

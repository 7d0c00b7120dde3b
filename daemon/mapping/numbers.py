"""Amounts: text to exact decimals by a declared or proven decimal mark, a whole column at a time."""

import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import MONEY_DIGITS, MONEY_SCALE
from daemon.mapping import currencies
from daemon.mapping.digits import latin, latin_column
from daemon.model import ReasonCode

MONEY = pa.decimal128(MONEY_DIGITS, MONEY_SCALE)
_DEBIT = "s d dr dr. db debit débit debe dare soll debet débito debito wn b borç t tartozik дт 借 借方 +"
_CREDIT = "h c cr cr. k credit crédit haber avere haben kredit crédito credito ma a alacak követel кт 贷 貸 貸方 贷方 -"
DEBIT, CREDIT = frozenset(_DEBIT.split(" ")), frozenset(_CREDIT.split(" "))
"""The words that ERPs flag the sides of an account with: Soll and Haben, Wn and Ma, borç and alacak, debit and credit."""
_SIDE = re.compile(r"(?P<amount>.*[0-9)-])(?P<space>\s*)(?P<side>[SHDC]|DR|CR|Dr|Cr)\.?")
_NO_CENTS = re.compile(r"(?<=[0-9])[.,]\s*-{1,2}$")
"""`100,-` and `100.--`: a hundred, and no cents."""
_EXPONENT = re.compile(r"(-?[0-9](?:[.,][0-9]+)?)E\+([0-9]{2})")
_OVERPUNCHED = {
    sign: (str(digit), negative)
    for negative, signs in ((False, "{ABCDEFGHI"), (True, "}JKLMNOPQR"))
    for digit, sign in enumerate(signs)
}
"""The last digit and the sign that a letter stands for in zoned decimals, after IBM's Enterprise COBOL Language Reference."""


def money(column: pa.Array, decimal: str, thousands: str | None = None) -> tuple[pa.Array, dict[int, ReasonCode]]:
    """A text column in Latin digits, null where empty, as decimals; and for each row that is none, why.

    Thousands may be set off, in threes, by the declared mark, or else by spaces, apostrophes or the mark that is not the
    decimal one. The sign may lead, trail, be parentheses, or the flag of a side (`100,00 H`).
    """
    quick = _plainly(column, decimal)
    if quick is not None:
        return quick, {}
    values = _regularly(column, decimal, thousands)
    odd = pc.and_(pc.is_valid(column), pc.is_null(values))
    if not pc.any(odd).as_py():
        return values, {}
    coded = column.filter(odd).dictionary_encode()
    each = [amount(text, decimal, thousands) for text in coded.dictionary.to_pylist()]
    places, rows = coded.indices.to_pylist(), pc.indices_nonzero(odd).to_pylist()
    faults = {row: fault for row, place in zip(rows, places, strict=True) if isinstance(fault := each[place], ReasonCode)}
    careful = pa.array([None if isinstance(value, ReasonCode) else value for value in each], MONEY).take(coded.indices)
    return pc.replace_with_mask(values, odd, careful), faults


def _regularly(column: pa.Array, decimal: str, thousands: str | None) -> pa.Array:
    """The amounts of a column that are printed as most are, null for any other: digits, in groups or not, a decimal mark, one
    sign before or behind or parentheses, a currency before or behind.
    """
    text = column
    if pc.any(pc.match_substring_regex(column, "[^-0-9.,'() +]")).as_py():
        text = pc.replace_substring_regex(
            text, rf"^(-?)\s?(?:{currencies.CERTAIN})\s?|\s?(?:{currencies.CERTAIN})(\)?)$", r"\1\2"
        )
    text, below = _unsigned(text)
    point, values = re.escape(decimal), pa.nulls(len(column), MONEY)
    fraction = rf"(?:{point}[0-9]{{1,{MONEY_SCALE}}})?$"
    other = "," if decimal == "." else "."
    marks = [thousands] if thousands else [" ", "'", other]
    groups = "|".join(rf"(?:{re.escape(mark)}[0-9]{{3}}){{1,4}}" for mark in marks)
    regular = pc.match_substring_regex(text, rf"^[0-9]{{1,13}}{fraction}|^[1-9][0-9]{{0,2}}(?:{groups}){fraction}")
    plain = pc.if_else(regular, text, None)
    for mark in marks:
        plain = pc.replace_substring(plain, mark, "")
    digits = _plainly(plain, decimal)
    return values if digits is None else pc.if_else(below, pc.negate(digits), digits)


def _unsigned(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Amounts without their one sign, before or behind or as parentheses; and which of them are below zero."""
    signed, below = pc.fill_null(pc.match_substring_regex(text, r"^[-(]|[-)]$"), False), pa.repeat(pa.scalar(False), len(text))
    some = text.filter(signed)
    if not len(some):
        return text, below
    are_below = pc.match_substring_regex(some, r"^-.*[^-)]$|^[^-(].*[0-9]\s?-$|^\([^-].*[^-]\)$")
    plain = pc.replace_substring_regex(some, r"^\((.*)\)$|^-\s?(.*)$|^(.*[0-9])\s?-$", r"\1\2\3")
    return pc.replace_with_mask(text, signed, plain), pc.replace_with_mask(below, signed, are_below)


def _plainly(column: pa.Array, decimal: str) -> pa.Array | None:
    """A column of digits, one leading minus and one decimal mark at most, cast in one go; None when it holds anything else."""
    if pc.any(pc.match_substring_regex(column, rf"[^0-9\-{decimal}]|[{decimal}]$")).as_py():
        return None
    try:
        return pc.replace_substring(column, decimal, ".").cast(MONEY) if decimal != "." else column.cast(MONEY)
    except pa.ArrowInvalid:
        return None


def amount(text: str, decimal: str, thousands: str | None = None) -> Decimal | ReasonCode:
    """One amount, or why it is none."""
    if len(text) > currencies.LONGEST:
        return ReasonCode.NOT_A_NUMBER
    text, _ = currencies.split(latin(text.strip()))
    text = _NO_CENTS.sub("", text)
    if exponent := _EXPONENT.fullmatch(text):
        text = f"{Decimal(exponent[1].replace(',', '.')).scaleb(int(exponent[2])):f}".replace(".", decimal)
    sides = []
    side = _SIDE.fullmatch(text)
    if side and not side["space"] and len(side["side"]) == 1 and not re.search("[.,]", text):
        return ReasonCode.NOT_A_NUMBER  # an overpunched digit, which only the profile can say
    if side:
        text, flag = side["amount"].strip(), side["side"].casefold()
        text, _ = currencies.split(text)
        sides.append(flag in CREDIT)
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
        sides.append(True)
    elif text.startswith(("-", "+")):
        sides.append(text[0] == "-")
        text = text[1:].strip()
    elif text.endswith(("-", "+")):
        sides.append(text[-1] == "-")
        text = text[:-1].strip()
    digits = _ungrouped(text, decimal, thousands)
    if digits is None:
        return ReasonCode.NOT_A_NUMBER
    if sides.count(True) > 1:
        return ReasonCode.SIGN_UNCLEAR
    value = Decimal(digits)
    if value >= 10 ** (MONEY_DIGITS - MONEY_SCALE):
        return ReasonCode.AMOUNT_TOO_LARGE
    if value.as_tuple().exponent < -MONEY_SCALE and value != round(value, MONEY_SCALE):  # type: ignore[operator]
        return ReasonCode.TOO_MANY_DECIMALS
    return -round(value, MONEY_SCALE) if any(sides) else round(value, MONEY_SCALE)


def _ungrouped(text: str, decimal: str, thousands: str | None) -> str | None:
    """Digits with a decimal point and no thousands marks; None unless each group has three digits and one kind of mark."""
    whole, mark, fraction = text.partition(decimal)
    if not re.fullmatch("[0-9]+" if mark else "", fraction) or not whole + fraction:
        return None
    allowed = [thousands] if thousands else [" ", "'", "," if decimal == "." else "."]
    groups = "|".join(map(re.escape, allowed))
    indian = r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}" if decimal == "." and thousands in (None, ",") else "(?!)"
    if not re.fullmatch(rf"[0-9]*|[1-9][0-9]{{0,2}}(?:({groups})[0-9]{{3}})(?:\1[0-9]{{3}})*|{indian}", whole):
        return None
    return re.sub("[^0-9]", "", whole) + (f".{fraction}" if fraction else "")


def sided(values: pa.Array, flags: pa.Array) -> tuple[pa.Array, dict[int, ReasonCode]]:
    """Amounts with the sign that their flags give them; and for each row whose flag gives none, why.

    An amount that is negative and flagged as credit says the same thing twice, or its opposite: that is not clear.
    """
    coded = flags.dictionary_encode()
    words = [word.casefold() for word in coded.dictionary.to_pylist()]
    credit = pa.array([word in CREDIT for word in words], pa.bool_()).take(coded.indices)
    unknown = pa.array([word not in CREDIT | DEBIT for word in words], pa.bool_()).take(coded.indices)
    doubled = pc.and_(credit, pc.less(values, pa.scalar(Decimal(0), MONEY)))
    faults = dict.fromkeys(_rows(pc.and_(pc.is_null(flags), pc.is_valid(values))), ReasonCode.MISSING)
    faults |= dict.fromkeys(_rows(unknown), ReasonCode.UNKNOWN_WORD) | dict.fromkeys(_rows(doubled), ReasonCode.SIGN_UNCLEAR)
    return pc.if_else(pc.fill_null(credit, False), pc.negate(values), values), faults


def balanced(debit: pa.Array, credit: pa.Array) -> tuple[pa.Array, dict[int, ReasonCode]]:
    """Debits less credits, null where there is neither; a row with both is a fault."""
    nothing = pa.scalar(Decimal(0), MONEY)
    both = pc.and_(pc.not_equal(debit, nothing), pc.not_equal(credit, nothing))
    difference = pc.subtract(pc.fill_null(debit, nothing), pc.fill_null(credit, nothing)).cast(MONEY)
    neither = pc.and_(pc.is_null(debit), pc.is_null(credit))
    return pc.if_else(neither, pa.scalar(None, MONEY), difference), dict.fromkeys(_rows(both), ReasonCode.DEBIT_AND_CREDIT)


def _rows(mask: pa.Array) -> list[int]:
    rows: list[int] = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
    return rows


def marked(column: pa.Array) -> dict[int, frozenset[str]]:
    """The rows whose amount names a currency, and the codes it can mean."""
    if not pc.any(pc.match_substring_regex(column, r"[^-+()0-9.,'\s\x{a0}\x{2007}\x{2009}\x{202f}]")).as_py():
        return {}
    coded = pc.replace_substring_regex(latin_column(column), r"[-+()0-9.,'\s]", "").dictionary_encode()
    meant = [currencies.meanings(mark) for mark in coded.dictionary.to_pylist()]
    if not any(meant):
        return {}
    return {row: meant[code] for row, code in enumerate(coded.indices.to_pylist()) if code is not None and meant[code]}


def no_nothing(column: pa.Array) -> pa.Array:
    """A text column with nothing in place of a dash, or a currency and a dash, for no amount."""
    nothing = pc.match_substring_regex(
        column, rf"^(?:{currencies.CERTAIN})?\s*[-\x{{2013}}\x{{2014}}]{{1,2}}\s*(?:{currencies.CERTAIN})?$"
    )
    return pc.if_else(nothing, None, column) if pc.any(nothing).as_py() else column


def overpunched(column: pa.Array, decimals: int) -> pa.Array:
    """A column of zoned decimals, their last digit a letter that is the sign too, as canonical amounts; what is none stays."""
    coded = column.dictionary_encode()
    return pa.array([_unpunched(text, decimals) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _unpunched(text: str, decimals: int) -> str:
    if not re.fullmatch(r"[0-9]*[0-9{}A-R]", text):
        return text
    digit, negative = _OVERPUNCHED.get(text[-1], (text[-1], False))
    digits = (text[:-1] + digit).rjust(decimals + 1, "0")
    whole = digits[: len(digits) - decimals].lstrip("0") or "0"
    return "-" * negative + whole + ("." + digits[len(digits) - decimals :]) * bool(decimals)


def proven(texts: pa.Array) -> set[str]:
    """The decimal marks that a column proves: `1.234,56` and `12,5` the comma, `1,234.56` and `12.5` the point.

    `1.234` and whole numbers prove nothing.
    """
    found = {mark: texts.filter(pc.match_substring_regex(texts, proof)).slice(0, 1000) for mark, proof in _PROOFS.items()}
    return {mark for mark, likely in found.items() if any(isinstance(amount(text, mark), Decimal) for text in likely.to_pylist())}


def grouping(texts: pa.Array, decimal: str) -> set[str]:
    """The thousands marks in a column's amounts, by its decimal mark."""
    marks = {mark: rf"[0-9]{re.escape(mark)}[0-9]{{3}}(?:[^0-9]|$)" for mark in (" ", "'", "," if decimal == "." else ".")}
    return {mark for mark, form in marks.items() if pc.any(pc.match_substring_regex(texts, form)).as_py()}


def unclear(texts: pa.Array) -> list[str]:
    """The amounts of a column in which a comma or point stands, and so must be understood."""
    found: list[str] = texts.filter(pc.match_substring_regex(texts, "[0-9][.,]|[.,][0-9]")).to_pylist()
    return found


def _proof(mark: str, other: str) -> str:
    """The texts that can only be amounts with the decimal `mark`."""
    few_or_many = rf"{mark}(?:[0-9]{{1,2}}|[0-9]{{4,}})(?:[^0-9.,]|$)"
    groups = rf"{other}[0-9]{{3}}{mark}|{other}[0-9]{{2,3}}{other}[0-9]{{3}}|[ '][0-9]{{3}}{mark}[0-9]"
    return rf"{few_or_many}|^[-(]?0?{mark}[0-9]|{groups}"


_PROOFS = {",": _proof(",", r"\."), ".": _proof(r"\.", ",")}

"""Conversion: one column of text to one field's type, and for each row that has no such value, why.

Amounts go a whole column at a time. Of the other types a column holds few distinct values, so each is looked at once.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from daemon.datasets import BOOLS, Field
from daemon.mapping import countries, dates, numbers, payment_terms
from daemon.mapping.currencies import CODES
from daemon.mapping.digits import latin_column
from daemon.mapping.numbers import MONEY
from daemon.model import ReasonCode
from daemon.profiles import Conventions

_TYPES = {
    "text": pa.string(),
    "enum": pa.string(),
    "integer": pa.int32(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "money": MONEY,
    "list": pa.string(),
}
_CANONICAL = Conventions(decimal=".", date=dates.ISO)
_EXPONENT = r"^[0-9](?:[.,][0-9]+)?E\+[0-9]{2,}$"
"""What a spreadsheet makes of a long code."""
_DAY_OR_TIME = r"^\d{4}-\d{2}-\d{2}(?: \d.*)?$|^\d+:\d{2}:\d{2}$"
"""What a spreadsheet makes of a code like 12-3 or 1:30."""
_CURRENCY_BEHIND = r" (?:[A-Z]{3}|[€£¥$₺₹₽₩]|zł|Kč)$"
"""What a cell's format says of an amount, and so nothing of a code."""
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}(?: |$)"

Converted = tuple[pa.Array, dict[int, ReasonCode]]


def convert(column: pa.Array, field: Field, conventions: Conventions, typed: pa.Array | None = None) -> Converted:
    """A trimmed text column, null where empty, as the field's type.

    Cells that are true in `typed` came from a spreadsheet as values and are read canonically, whatever the conventions.
    """
    if field.type in ("money", "date", "integer"):
        column = latin_column(column)
    if typed is not None and field.code:
        column = pc.if_else(typed, pc.replace_substring_regex(column, _CURRENCY_BEHIND, ""), column)
        values, faults = _convert(column, field, conventions)
        turned = pc.and_(typed, pc.fill_null(pc.match_substring_regex(column, _DAY_OR_TIME), False))
        return values, faults | dict.fromkeys(pc.indices_nonzero(turned).to_pylist(), ReasonCode.CODE_DAMAGED)
    if typed is None or field.type not in ("money", "date"):
        return _convert(column, field, conventions)
    typed = is_canonical(column, typed, field.type)
    text, text_faults = _convert(pc.if_else(typed, None, column), field, conventions)
    value, value_faults = _convert(pc.if_else(typed, column, None), field, _CANONICAL)
    return pc.coalesce(value, text), text_faults | value_faults


def is_canonical(column: pa.Array, typed: pa.Array, type: str) -> pa.Array:
    """The typed cells that need no convention. A bare number in a column of dates does: is it a day number, or 20240131?"""
    return pc.and_(typed, pc.fill_null(pc.match_substring_regex(column, _ISO_DATE), False)) if type == "date" else typed


def _convert(column: pa.Array, field: Field, conventions: Conventions) -> Converted:
    if field.type == "money":
        values, faults = numbers.money(column, conventions.decimal or ".", conventions.thousands)
        if field.positive:
            negative = pc.fill_null(pc.less_equal(values, pa.scalar(Decimal(0), MONEY)), False)
            faults |= dict.fromkeys(pc.indices_nonzero(negative).to_pylist(), ReasonCode.CREDIT_NOT_POSITIVE)
        return values, faults
    if field.type == "text" and not field.iso4217 and not field.iso3166:
        return _text(column, field)
    return _distinct(column, partial(_one, field=field, conventions=conventions), _TYPES[field.type])


def cells(frame: pd.DataFrame, header: str) -> pa.Array:
    """A column's texts, trimmed, null where empty."""
    column = pa.array(frame[header])
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return null_if_empty(pc.utf8_trim_whitespace(column))


def null_if_empty(column: pa.Array) -> pa.Array:
    """A text column with nothing in place of empty texts, and of how MySQL writes what is nothing."""
    return pc.if_else(pc.or_(pc.equal(column, ""), pc.equal(column, r"\N")), None, column)


def no_blank_dates(column: pa.Array) -> pa.Array:
    """A text column with nothing in place of how ERPs print that there is no date."""
    blank = pc.match_substring_regex(column, dates.BLANK)
    return pc.if_else(blank, None, column) if pc.any(blank).as_py() else column


def joined(first: pa.Array, second: pa.Array, separator: str = " ") -> pa.Array:
    """Two text columns with a separator between, or whichever is not null."""
    return pc.coalesce(pc.binary_join_element_wise(first, second, separator), first, second)


def derived_from(given: pa.Array, field: Field) -> pa.Array:
    """A field's value from another's: the year of a date, the days or the month's end of a payment term, the word for an
    amount's sign, or the same.
    """
    if pa.types.is_string(given.type) and field.type in ("integer", "bool"):
        part = payment_terms.days if field.type == "integer" else payment_terms.end_of_month
        return _distinct(given, part, _TYPES[field.type])[0]
    if field.type == "integer" and pa.types.is_date(given.type):
        return pc.year(given).cast(pa.int32())
    if field.by_sign:
        above, below = field.by_sign
        return pc.if_else(pc.less(given, pa.scalar(Decimal(0), MONEY)), below, above)
    return given


def map_words(column: pa.Array, words: Mapping[str, str]) -> pa.Array:
    """A column with its words replaced, `""` standing for blank; a word not in the map stays, to be judged by its field."""
    return _distinct(pc.fill_null(column, ""), lambda text: words.get(text, text), pa.string())[0]


def _text(column: pa.Array, field: Field) -> Converted:
    faults: dict[int, ReasonCode] = {}
    for bad, fault in (
        (pc.greater(pc.utf8_length(column), field.max_length), ReasonCode.TOO_LONG),
        (pc.match_substring(column, "\0"), ReasonCode.CONTROL_CHARACTER),  # Postgres has no text with it
        *([(pc.match_substring_regex(column, _EXPONENT), ReasonCode.CODE_DAMAGED)] if field.code else []),
    ):
        faults |= dict.fromkeys(pc.indices_nonzero(bad.fill_null(False)).to_pylist(), fault)
    return column, faults


def _one(text: str, field: Field, conventions: Conventions) -> Any:
    """One value, or the ReasonCode that keeps it from being one."""
    match field.type:
        case "date":
            return dates.parse(text, conventions) or ReasonCode.NOT_A_DATE
        case "bool":
            return BOOLS.get(text.casefold(), ReasonCode.NOT_A_BOOL)
        case "integer":
            return int(text.removesuffix(".0")) if re.fullmatch(r"-?[0-9]{1,9}(\.0)?", text) else ReasonCode.NOT_AN_INTEGER
        case "enum":
            word = text.casefold()
            return next((value for value, words in field.words.items() if word in words), ReasonCode.UNKNOWN_WORD)
        case "list":
            return _array(text, field)
        case _ if field.iso3166:
            return countries.code(text) or ReasonCode.COUNTRY_UNKNOWN
        case _:
            return text.upper() if text.upper() in CODES else ReasonCode.CURRENCY_UNKNOWN


def _array(text: str, field: Field) -> str | ReasonCode | None:
    """The parts between commas, each once, as Postgres writes an array; None where there are none."""
    parts = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if any(len(part) > field.max_length for part in parts):
        return ReasonCode.TOO_LONG
    if "\0" in text:
        return ReasonCode.CONTROL_CHARACTER
    if not parts:
        return None
    quoted = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return "{" + ",".join(f'"{part}"' for part in quoted) + "}"


def _distinct(column: pa.Array, one: Callable[[str], Any], type: pa.DataType) -> Converted:
    """Apply `one` to each distinct value of a column."""
    coded = column.dictionary_encode()
    values = [one(text) for text in coded.dictionary.to_pylist()]
    bad = {code: value for code, value in enumerate(values) if isinstance(value, ReasonCode)}
    good = pa.array([None if isinstance(value, ReasonCode) else value for value in values], type)
    faults: dict[int, ReasonCode] = {}
    if bad:
        rows = pc.is_in(coded.indices, pa.array(list(bad), coded.indices.type))
        faults = {row: bad[coded.indices[row].as_py()] for row in pc.indices_nonzero(rows).to_pylist()}
    return good.take(coded.indices), faults

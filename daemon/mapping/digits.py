"""Digits and marks of other scripts, as the ones numbers and dates are read in."""

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

_MARKS = str.maketrans(
    {"\u066b": ".", "\u066c": ","}
    | dict.fromkeys("\u2212\u2010\u2011\u2012\u2013", "-")
    | dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")
    | dict.fromkeys("\u2018\u2019", "'")
    | dict.fromkeys("\u200e\u200f\u061c")
)
"""Arabic decimal and thousands marks, the minus signs, spaces that do not break, typographic apostrophes; and the marks of
direction, which mean nothing here."""
_YEAR_MONTH_DAY = re.compile(r"(\d+)\s*年\s*(\d+)\s*月\s*(\d+)\s*日")


def latin(text: str) -> str:
    """A number or date with Latin digits and marks: `１２` and `١٢` as `12`, `2024年3月1日` as `2024-3-1`."""
    if text.isascii() or any(unicodedata.decomposition(char).startswith(("<super>", "<sub>", "<circle>")) for char in text):
        return text  # 100¹ is a hundred with a note
    text = _YEAR_MONTH_DAY.sub(r"\1-\2-\3", text)
    text = unicodedata.normalize("NFKC", text.translate(_MARKS))
    return "".join(str(unicodedata.decimal(char, char)) for char in text).strip()


def latin_column(column: pa.Array) -> pa.Array:
    """The same for a column of texts; null stays null."""
    if pc.all(pc.string_is_ascii(column)).as_py() in (True, None):
        return column
    coded = column.dictionary_encode()
    return pa.array([latin(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)

"""Digits and marks of other scripts, as the ones numbers and dates are read in."""

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

_MARKS = str.maketrans(
    {"\u066b": ".", "\u066c": ","}
    | dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\u25b2\u25b3", "-")
    | dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")
    | dict.fromkeys("\u2018\u2019", "'")
    | dict.fromkeys("\u200e\u200f\u061c")
)
"""Arabic decimal and thousands marks, the minus signs, Japan's triangles among them, spaces that do not break, typographic
apostrophes; and the marks of direction, which mean nothing here."""
_USUAL = {"[\u00a0\u2007\u2009\u202f]": " ", "[\u2212\u2013]": "-", "[\u2018\u2019]": "'"}
"""Those that are common, as patterns for a whole column."""
_YEAR_MONTH_DAY = re.compile(r"(\d+)\s*[年년]\s*(\d+)\s*[月월]\s*(\d+)\s*[日일]")


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
    for pattern, plain in _USUAL.items():
        column = pc.replace_substring_regex(column, pattern, plain)
    odd = pc.invert(pc.fill_null(pc.string_is_ascii(column), True))
    if not pc.any(odd).as_py():
        return pc.utf8_trim_whitespace(column)
    coded = column.filter(odd).dictionary_encode()
    plain = pa.array([latin(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    return pc.utf8_trim_whitespace(pc.replace_with_mask(column, odd, plain))

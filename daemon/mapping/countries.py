"""Countries: ISO 3166 codes of two and three letters, and what countries are called in the languages that files come in."""

import re
import unicodedata
from functools import cache

from babel import Locale
from babel.core import get_global

_LANGUAGES = ("sv", "pt_BR", "zh", "hr", "de", "nl", "en", "es", "fr", "it", "ja", "pl", "pt", "ro", "tr")
_BESIDE = {
    "uk": "GB", "greatbritain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northernireland": "GB",
    "grossbritannien": "GB", "holland": "NL", "czechrepublic": "CZ", "southkorea": "KR", "korea": "KR", "russianfederation": "RU",
    "unitedstatesofamerica": "US", "etatsunisdamerique": "US", "usa": "US", "turkey": "TR", "macedonia": "MK",
}  # fmt: skip
"""Names in use that no list of official ones has."""
_RESERVED = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Codes kept for other purposes than countries."""


def code(text: str) -> str | None:
    """The two letters of the country that a code or a name means; None where that is none, or could be two."""
    known = _codes()
    return known.get(text.strip().upper()) or _names().get(_folded(text))


@cache
def _codes() -> dict[str, str]:
    """Codes of two letters and of three. Of the territories that CLDR has a name for those are countries, or parts of one with
    a code of its own, that have a code of three letters; Kosovo's is its own choice, and used.
    """
    aliases = get_global("territory_aliases")
    three = {alias: to[0] for alias, to in aliases.items() if len(alias) == 3 and alias.isalpha() and len(to) == 1}
    two = set(three.values()) & Locale("en").territories.keys() - _RESERVED
    return {alias: to for alias, to in three.items() if to in two} | {each: each for each in two}


@cache
def _names() -> dict[str, str]:
    """Names without case, accents and punctuation; one that means two countries is none."""
    countries = set(_codes().values())
    meant: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        for territory, name in Locale.parse(language).territories.items():
            if territory in countries:
                meant.setdefault(_folded(name), set()).add(territory)
    return {name: min(codes) for name, codes in meant.items() if len(codes) == 1} | _BESIDE


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i").replace("ł", "l").replace("đ", "d"))
    return re.sub(r"[\W_]+", "", "".join(letter for letter in letters if not unicodedata.combining(letter)))

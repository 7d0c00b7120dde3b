"""Currencies: the codes there are, and the signs that stand for them in an amount."""

import re

from babel.numbers import list_currencies

CODES = frozenset(list_currencies()) - {"XXX", "XTS"}
"""ISO 4217, as the Unicode CLDR lists it; but for the codes that say that there is none, and for tests."""

_DOLLARS = "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP BRL"
_SIGNS = {
    "€": "EUR", "£": "GBP", "¥": "JPY CNY", "￥": "JPY CNY", "円": "JPY", "元": "CNY", "RMB": "CNY", "$": _DOLLARS, "US$": "USD",
    "R$": "BRL", "C$": "CAD", "A$": "AUD", "zł": "PLN", "kr": "SEK NOK DKK ISK", "Kč": "CZK", "Ft": "HUF", "lei": "RON",
    "Lei": "RON", "₺": "TRY", "TL": "TRY", "₹": "INR", "₽": "RUB", "₩": "KRW", "Fr.": "CHF", "Fr": "CHF", "SFr.": "CHF",
    "SFr": "CHF", "kn": "HRK", "kr.": "SEK NOK DKK ISK", "Rs.": "INR PKR LKR NPR", "Rs": "INR PKR LKR NPR", "руб.": "RUB BYN",
    "руб": "RUB BYN", "р.": "RUB", "р": "RUB", "грн": "UAH", "грн.": "UAH", "₴": "UAH", "лв": "BGN", "лв.": "BGN",
    "дин.": "RSD", "дин": "RSD", "ден.": "MKD", "ден": "MKD", "฿": "THB", "₫": "VND", "₱": "PHP", "₦": "NGN", "₪": "ILS",
    "₸": "KZT", "₾": "GEL",
}  # fmt: skip
_SIGN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_MARKED = re.compile(
    rf"(?P<before>[-+(]?\s*)(?:(?P<first>{_SIGN}|[A-Z]{{3}})\s*)?(?P<amount>.*?)(?:\s*(?P<last>{_SIGN}|[A-Z]{{3}}))?(?P<after>\)?)",
    re.DOTALL,
)
CERTAIN = "|".join(map(re.escape, sorted([*_SIGNS, *CODES], key=len, reverse=True)))
"""All codes and signs, as alternatives of a pattern."""
LONGEST = 100
"""Characters that an amount may have."""


def split(text: str) -> tuple[str, frozenset[str]]:
    """An amount without its currency, and the currencies that its mark can mean; none where there is no mark."""
    match = _MARKED.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return text, frozenset()
    mark = match["first"] or match["last"]
    meant = meanings(mark or "")
    if not meant or (match["first"] and match["last"]):
        return text, frozenset()
    return match["before"].strip() + match["amount"].strip() + match["after"], meant


def meanings(mark: str) -> frozenset[str]:
    """The codes that a code or a sign can mean."""
    return frozenset(_SIGNS[mark].split()) if mark in _SIGNS else frozenset({mark}) & CODES


def sign_of(word: str) -> str:
    """The code that a word or sign stands for, or '' where it is none or may be several."""
    meant = _SIGNS.get(word.strip(), word.strip().upper()).split()
    return meant[0] if len(meant) == 1 and meant[0] in CODES else ""

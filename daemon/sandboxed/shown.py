"""What a spreadsheet shows of a number by its format, where that says more than the number: the zeros and letters of a code, the
currency of an amount.

Source: ECMA-376 part 1, 18.8.31 (number formats).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from daemon.sandboxed.stream import Typed

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<skipped>_.|\*.)|\[(?P<bracket>[^\]]*)\]|(?P<place>[0#?])|(?P<bare>.)'
)
_SECTION = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;])*')
_AS_THEY_ARE = "-+ ()':!&~{}<>=\u00a0\u202f\u2019"
"""Characters that stand for themselves."""
_CODES = (
    "EUR USD GBP CHF SEK NOK DKK ISK PLN CZK HUF RON BGN RSD TRY RUB UAH CAD AUD NZD JPY CNY HKD SGD INR KRW THB TWD MYR"
    " IDR PHP VND BRL MXN ARS CLP COP PEN UYU ZAR EGP MAD TND DZD NGN KES AED SAR QAR KWD ILS"
)
_CURRENCY = re.compile(rf"{_CODES.replace(' ', '|')}|[€£¥$₺₹₽₩]|zł|Kč")
"""The currencies that formats name most."""
_SPACES = " \u00a0\u202f'\u2019"
"""What sets groups of digits off."""


class _Format(NamedTuple):
    """The pieces of a format, each a text or a place for a digit; whether it shows codes; and the currency that it names."""

    pieces: tuple[tuple[str, bool], ...]
    is_code: bool
    currency: str


def shown(format: str, number: float) -> str | None:
    """A whole number as the code that a format makes of it, or a number with the currency that it names; None where it says no
    more than the number.
    """
    form = _read(format)
    if form is None:
        return None
    if form.is_code and number.is_integer() and abs(number) < 10**15:
        return ("-" if number < 0 else "") + _placed(form.pieces, str(abs(int(number))))
    return Typed(f"{number:.15g} {form.currency}") if form.currency and 1e-4 <= abs(number) < 10**15 else None


def says_more(format: str) -> bool:
    """Whether a format says more of a number than the number does."""
    return _read(format) is not None


@lru_cache
def _read(format: str) -> _Format | None:
    section = (_SECTION.match(format) or [""])[0]
    pieces: list[tuple[str, bool]] = []
    is_plain, currency = True, ""
    for token in _TOKEN.finditer(section):
        kind = token.lastgroup or ""
        text = token[kind]
        if kind == "bracket" and text.startswith(("<", ">", "=")):
            return None  # which of its formats applies is not to be told here
        if kind == "bracket":
            currency = text[1:].partition("-")[0].strip() if text.startswith("$") else currency
        elif kind == "bare" and text not in _AS_THEY_ARE:
            is_plain = False  # decimals, groups, a date
        elif kind != "skipped" and text:
            pieces.append((text, kind == "place"))
    places = [number for number, (_, is_place) in enumerate(pieces) if is_place]
    if not places or any(text.isalpha() for text in _bare(section)):
        return None
    before = "".join(text for text, _ in pieces[: places[0]])
    between = "".join(text for text, is_place in pieces[places[0] : places[-1]] if not is_place).strip(_SPACES)
    behind = "".join(text for text, _ in pieces[places[-1] + 1 :]).strip(f"{_SPACES}-+()")
    zeros = sum(text == "0" for text, is_place in pieces if is_place)
    said = [text for text in (currency, before.strip(f"{_SPACES}-+()"), behind) if _CURRENCY.fullmatch(text)]
    if said and not (is_plain and before == said[0]):
        return _Format(tuple(pieces), False, said[0])
    is_code = is_plain and (zeros > 1 or bool(before.strip(f"{_SPACES}-+()") or between))
    return _Format(tuple(pieces), True, "") if is_code else None


def _bare(section: str) -> list[str]:
    """The letters of a format that stand for a part of a date, or an exponent."""
    return [token["bare"] for token in _TOKEN.finditer(section) if token["bare"] and token["bare"] != "E"]


def _placed(pieces: tuple[tuple[str, bool], ...], digits: str) -> str:
    """The digits of a number in the places of a format, from the last on; those that have none stand before the first."""
    told: list[str] = []
    left = sum(is_place for _, is_place in pieces)
    for text, is_place in reversed(pieces):
        if not is_place:
            told.append(text)
            continue
        left -= 1
        taken = digits if left == 0 else digits[-1:]
        digits = "" if left == 0 else digits[:-1]
        told.append(taken or ("0" if text == "0" else ""))
    return "".join(reversed(told)).strip()

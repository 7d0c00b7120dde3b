"""VAT numbers: whether one can be right, by the rules of its country (python-stdnum)."""

from functools import cache
from typing import Any

from stdnum.util import get_cc_module

_PREFIXES = {"EL": "GR", "XI": "GB"}
"""What numbers of a country begin with, where that is not its code."""


def can_be(number: str, country: str | None) -> bool:
    """Whether a VAT number keeps the rules of the country that it begins with, or else of the customer's; where nobody knows
    such rules, it may be anything.
    """
    prefix = number[:2].upper()
    own = _rules(_PREFIXES.get(prefix, prefix)) if prefix.isalpha() and prefix.isascii() else None
    rules = own or (_rules(country) if country else None)
    return rules is None or bool(rules.is_valid(number))


@cache
def _rules(country: str) -> Any:
    return get_cc_module(country.lower(), "vat") if country.isalpha() else None

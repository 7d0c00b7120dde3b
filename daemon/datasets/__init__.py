"""What a file can be imported into: the house's datasets, the admin's own, their fields, and templates to fill in."""

from daemon.datasets.dataset import (
    CUSTOMERS,
    MONEY_DIGITS,
    MONEY_SCALE,
    Balance,
    Dataset,
    Presence,
    datasets,
    extend,
    is_shipped,
    synonyms,
)
from daemon.datasets.field import LANGUAGES, Field, Language, Name

__all__ = [
    "CUSTOMERS",
    "LANGUAGES",
    "MONEY_DIGITS",
    "MONEY_SCALE",
    "Balance",
    "Dataset",
    "Field",
    "Language",
    "Name",
    "Presence",
    "datasets",
    "extend",
    "is_shipped",
    "synonyms",
]

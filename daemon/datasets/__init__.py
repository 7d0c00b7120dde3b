"""What a file can be imported into: the house's datasets, the admin's own, their fields, and templates to fill in."""

from daemon.datasets.dataset import (
    CUSTOMERS,
    MONEY_DIGITS,
    MONEY_SCALE,
    Balance,
    Dataset,
    datasets,
    extend,
    is_shipped,
    synonyms,
)
from daemon.datasets.field import BOOLS, Field, Name, labelled
from daemon.datasets.words import header_languages, is_header, plain

__all__ = [
    "BOOLS",
    "CUSTOMERS",
    "MONEY_DIGITS",
    "MONEY_SCALE",
    "Balance",
    "Dataset",
    "Field",
    "Name",
    "datasets",
    "extend",
    "header_languages",
    "is_header",
    "is_shipped",
    "labelled",
    "plain",
    "synonyms",
]

"""Rows of open items applied to a profile, in the form that tests compare."""

from typing import Any

import pandas as pd
import pyarrow as pa

from daemon.mapping import Mapped, Mapping
from daemon.model import Batch
from daemon.profiles.format import Conventions
from daemon.profiles.profile import Profile

KNOWN = Conventions(decimal=",", date="dd/mm/yyyy")
GOOD = {"C": "007", "N": "F1", "D": "01/02/2024", "E": "02/03/2024", "A": "1,50"}
COLUMNS: dict[str, Any] = {
    "customer_code": "C",
    "item_number": "N",
    "issue_date": "D",
    "due_date": "E",
    "amount": "A",
    "currency": {"value": "EUR"},
}


def batch(*rows: dict[str, str], typed: pd.DataFrame | None = None) -> Batch:
    frame = pd.DataFrame(list(rows), index=range(2, len(rows) + 2), dtype=pd.ArrowDtype(pa.string()))
    return Batch(frame, typed)


def apply(*rows: dict[str, str], columns: dict[str, Any] | None = None, **profile: Any) -> Mapped:
    section = Profile(name="p", pattern="*", dataset="receivables", columns=COLUMNS | (columns or {}), **profile)
    given = batch(*rows)
    return Mapping(section, list(given.frame.columns), KNOWN).apply(given)


def reasons(mapped: Mapped) -> list[tuple[int, str, str, str]]:
    return [(r.line, str(reason.code), reason.field, reason.value) for r in mapped.rejections for reason in r.reasons]

"""Look-alikes: codes of customers nobody knows that resemble known ones, so that a person sees what went wrong with them."""

import unicodedata
from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading.staging import Stage, table_of

_LATIN = str.maketrans(
    "авекмнорстухіјѕαβεικνορτυχoil",
    "abekmhopctyxijsabeikvoptux011",
)
"""Letters and digits that look the same in most typefaces: Unicode's confusables, those that codes are made of, in lower case."""
_UNSEEN = {"Cf", "Cc", "Zs", "Pd", "Pc", "Po"}
"""The categories of what is invisible, and of what people put between the parts of a code."""


class LookAlike(NamedTuple):
    """A code that is not known, of how many parked rows, and the known one that it looks like."""

    code: str
    rows: int
    known: str

    def __str__(self) -> str:
        odd = [f"U+{ord(char):04X}" for char in self.code if char not in self.known and not char.isascii()]
        plain = "".join(char for char in self.code if char.isprintable())
        told = f" ({', '.join(odd)})" if odd else ""
        return f"“{plain}”{told} ≈ “{self.known}” ({self.rows})"


def look_alikes(conn: Connection, stage: Stage) -> list[LookAlike]:
    """The codes of rows that a run parked which look like a customer's, the commonest first: alike but for case, leading zeros,
    what is invisible or punctuation, or letters of another script.
    """
    if stage.dataset.refers_to is None:
        return []
    parked = """
        SELECT customer_entity, customer_code, count(*) FROM nightporter.parked
        WHERE run_id = %(run)s AND dataset = %(dataset)s AND ended_at IS NULL GROUP BY 1, 2 ORDER BY 3 DESC, 2
    """
    unknown = db.driver(conn).execute(parked, stage.values).fetchall()
    shapes = {(entity, _shape(code)) for entity, code, _ in unknown}
    customers = sql.SQL("SELECT entity, customer_code FROM {} WHERE entity = ANY(%s) ORDER BY 2 DESC")
    entities = [list({entity for entity, _, _ in unknown})]
    known: dict[tuple[str, str], str] = {}
    with db.driver(conn).cursor(name="customers") as cursor:
        cursor.itersize = 10_000
        for entity, code in cursor.execute(customers.format(table_of(datasets()[stage.dataset.refers_to])), entities):
            if (key := (entity, _shape(code))) in shapes:
                known[key] = code
    alike = ((code, rows, known.get((entity, _shape(code)))) for entity, code, rows in unknown)
    return [LookAlike(code, rows, found) for code, rows, found in alike if found]


def _shape(code: str) -> str:
    """What a code looks like."""
    seen = (char for char in unicodedata.normalize("NFKC", code) if unicodedata.category(char) not in _UNSEEN)
    return "".join(seen).casefold().translate(_LATIN).lstrip("0")

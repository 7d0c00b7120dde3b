"""Look-alikes: codes of customers nobody knows that resemble known ones, so that a person sees what went wrong with them."""

from typing import NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading.staging import Stage, hashing, table_of

_LATIN = {
    "АВЕКМНОРСТУХІЈЅ": "ABEKMHOPCTYXIJS",  # Cyrillic
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ": "ABEZHIKMNOPTYX",  # Greek
    "OILS": "0115",
}
"""Letters, and digits, that look the same in most typefaces (Unicode's confusables, those a code can be made of)."""
_INVISIBLE = "[\\u00AD\\u061C\\u180E\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u2064\\u2066-\\u206F\\uFEFF\\s._/-]"


class LookAlike(NamedTuple):
    """A code that is not known, of how many parked rows, and the known one that it looks like."""

    code: str
    rows: int
    known: str


def look_alikes(conn: Connection, stage: Stage, few: int) -> tuple[int, list[LookAlike]]:
    """Of the rows that a run parked, how many have a code that looks like a customer's; and the commonest codes, a `few`: alike
    but for case, leading zeros, what is invisible or punctuation, or letters of another script.
    """
    if stage.dataset.refers_to is None:
        return 0, []
    statement = sql.SQL("""
        WITH unknown AS (
            SELECT customer_entity, customer_code, count(*) AS rows, {shape} AS shape FROM nightporter.parked
            WHERE run_id = %(run)s AND dataset = %(dataset)s AND ended_at IS NULL GROUP BY 1, 2
        ), alike AS (
            SELECT u.customer_code, u.rows, min(c.customer_code) AS known FROM unknown u
            JOIN {customers} c ON c.entity = u.customer_entity AND {shape_known} = u.shape GROUP BY 1, 2
        )
        SELECT customer_code, rows, known, sum(rows) OVER () FROM alike ORDER BY rows DESC, customer_code LIMIT %(few)s
    """)
    filled = statement.format(
        shape=_shape("customer_code"),
        shape_known=_shape("c.customer_code"),
        customers=table_of(datasets()[stage.dataset.refers_to]),
    )
    with hashing(conn, stage):
        rows = db.driver(conn).execute(filled, stage.values | {"few": few}).fetchall()
    return (int(rows[0][3]) if rows else 0), [LookAlike(*row[:3]) for row in rows]


def _shape(column: str) -> sql.Composed:
    """What a code looks like."""
    bare = sql.SQL("upper(regexp_replace(normalize({}, NFKC), {}, '', 'g'))").format(sql.SQL(column), _INVISIBLE)
    latin = sql.SQL("translate({}, {}, {})").format(bare, "".join(_LATIN), "".join(_LATIN.values()))
    return sql.SQL("ltrim({}, '0')").format(latin)

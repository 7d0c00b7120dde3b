"""Renumbering: the items of an entity keyed anew, with the year in their key or without."""

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.errors import Detail
from daemon.loading.acts import FEW, PARKED, Act, begin_act, change, finish_act
from daemon.loading.locks import lock_entities
from daemon.loading.numbering import CONTINUOUS_YEAR

ITEMS = "receivables"


def renumber(conn: Connection, entity: str, numbering: str | None, by: str) -> Act:
    """Key an entity's items as `numbering` says: not where two items would have one key, which are named."""
    lock_entities(conn, {entity})
    connection = db.driver(conn)
    values = {"entity": entity, "numbering": numbering, "few": FEW}
    year = str(CONTINUOUS_YEAR)
    parked_year = year
    if numbering != "continuous":
        year = "coalesce(t.fiscal_year, extract(year FROM t.issue_date)::int)"
        parked_year = "coalesce((t.content->>'fiscal_year')::int, extract(year FROM (t.content->>'issue_date')::date)::int)"
    colliding = f"""
        SELECT concat_ws(' ', customer_code, item_number, nullif(instalment, '')), array_agg(DISTINCT year::text)
        FROM (
            SELECT customer_code, item_number, instalment, year, {year} AS key_year FROM ar.receivable t
            WHERE entity = %(entity)s AND unique_key IS NULL
            UNION ALL
            SELECT customer_code, content->>'item_number', coalesce(content->>'instalment', ''), (content->>'year')::int,
                   {parked_year}
            FROM nightporter.parked t WHERE entity = %(entity)s AND dataset = 'receivables' AND ended_at IS NULL
                 AND rules->'key' ? 'year'
        ) items
        GROUP BY customer_code, item_number, instalment, key_year HAVING count(*) > 1 ORDER BY 1 LIMIT %(few)s
    """
    found = connection.execute(colliding.encode(), values).fetchall()
    if found:
        return Act(obstacles=tuple(Detail.of("one_key", row=row, years=", ".join(years)) for row, years in found))
    before = connection.execute("SELECT numbering FROM ar.entity WHERE entity = %(entity)s", values).fetchone()
    act = begin_act(conn, "renumber", by, entity=entity, numbering=numbering, was=before[0] if before else None)
    other = sql.SQL(f"t.entity = %(entity)s AND t.year <> {year}")
    rows = {ITEMS: change(conn, act, ITEMS, {"year": sql.SQL(year)}, other, values)}
    parked = {
        "content": sql.SQL(f"jsonb_set(t.content, '{{year}}', to_jsonb({parked_year}))"),
        "key": sql.SQL(
            f"""(SELECT jsonb_set(t.key::jsonb, ARRAY[(n + 1)::text], to_jsonb({parked_year}))::text
                FROM jsonb_array_elements_text(t.rules->'key') WITH ORDINALITY k (name, n) WHERE name = 'year')"""
        ),
    }
    waiting = sql.SQL("t.entity = %(entity)s AND t.dataset = 'receivables' AND t.ended_at IS NULL AND t.rules->'key' ? 'year'")
    rows[PARKED] = change(conn, act, PARKED, parked, waiting, values)
    connection.execute("UPDATE ar.entity SET numbering = %(numbering)s WHERE entity = %(entity)s", values)
    return finish_act(conn, act, rows)

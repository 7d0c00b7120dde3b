"""Diff: what a run created, changed field by field, cleared and reopened; of a rehearsal, before it is rolled back."""

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading.staging import table_of
from daemon.model import Change

_AS_THEY_COME = {"at_once": sql.SQL("LIMIT %(limit)s"), "order": sql.SQL("")}
_DEAREST = {
    "at_once": sql.SQL("LIMIT 100000"),  # of more, the dearest of so many are examples enough
    "order": sql.SQL("""
        ORDER BY before IS NULL, (after->>%(state)s = %(gone)s) DESC NULLS LAST,
                 abs((coalesce(before, after)->>%(amount)s)::numeric) DESC NULLS LAST"""),
}


def changes(conn: Connection, run_id: int, dataset: str, limit: int, *, dearest: bool = False) -> list[Change]:
    """The rows that a run touched, as many as `limit`: those that were there first; if the `dearest`
    are asked for, the cleared ones, and of each kind those with most money.
    """
    target = datasets()[dataset]
    shown = [*target.fields, *([target.presence.state] if target.presence else [])]
    statement = sql.SQL("""
        WITH touched AS (
            SELECT h.before || coalesce(nullif(h.before->'custom', 'null'), '{{}}') AS before,
                   to_jsonb(t) || coalesce(t.custom, '{{}}') AS after
            FROM (
                SELECT DISTINCT ON (row_id) row_id, before FROM nightporter.row_change
                WHERE run_id = %(run)s AND dataset = %(dataset)s ORDER BY row_id, id) h
            JOIN {table} t ON t.id = h.row_id WHERE t.created_by_run <> %(run)s
            UNION ALL
            SELECT NULL, to_jsonb(t) || coalesce(t.custom, '{{}}') FROM {table} t WHERE created_by_run = %(run)s
            {at_once}
        )
        SELECT before IS NULL, before->>%(state)s, after->>%(state)s, {label},
               (SELECT jsonb_object_agg(f.name, jsonb_build_array(before->f.name, after->f.name))
                FROM unnest(%(fields)s::text[]) f (name) WHERE before->f.name IS DISTINCT FROM after->f.name),
               coalesce(coalesce(before, after)->>%(amount)s, ''), coalesce(coalesce(before, after)->>%(currency)s, '')
        FROM touched {order} LIMIT %(limit)s
    """)
    named = sql.SQL(", ").join(sql.SQL("after->>{}").format(name) for name in target.known_by)
    label = sql.SQL("concat_ws(' ', {})").format(named)
    filled = statement.format(table=table_of(target), label=label, **(_DEAREST if dearest else _AS_THEY_COME)).as_bytes()
    given = {
        "run": run_id,
        "dataset": dataset,
        "limit": limit,
        "fields": shown,
        "state": target.presence.state if target.presence else "",
        "gone": (gone := target.presence.gone if target.presence else None),
        "amount": target.balance.amount if target.balance else "",
        "currency": target.balance.currency if target.balance else "",
    }
    found = []
    for new, was, now, row, fields, *money in db.driver(conn).execute(filled, given):
        kind = "created" if new else "cleared" if now == gone != was else "reopened" if was == gone != now else "changed"
        told = {name: tuple(fields[name]) for name in shown if name in (fields or {}) and fields[name] != [None, None]}
        found.append(Change(kind, row, told, *money))
    return found

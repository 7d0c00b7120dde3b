"""Diff: what a run created, changed field by field, cleared and reopened; of a rehearsal, before it is rolled back."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import datasets
from daemon.loading.staging import table_of


@dataclass(frozen=True)
class Change:
    """What became of one row: `created`, `changed`, `cleared` or `reopened`; each field that is another now, old and new."""

    kind: str
    row: str
    fields: dict[str, tuple[Any, Any]]


def changes(conn: Connection, run_id: int, dataset: str, limit: int) -> list[Change]:
    """The rows that a run touched, as many as `limit`: those that were there first."""
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
            LIMIT %(limit)s
        )
        SELECT before IS NULL, before->>%(state)s, after->>%(state)s, {label},
               (SELECT jsonb_object_agg(f.name, jsonb_build_array(before->f.name, after->f.name))
                FROM unnest(%(fields)s::text[]) f (name) WHERE before->f.name IS DISTINCT FROM after->f.name)
        FROM touched
    """)
    named = sql.SQL(", ").join(sql.SQL("after->>{}").format(name) for name in target.known_by)
    filled = statement.format(table=table_of(target), label=sql.SQL("concat_ws(' ', {})").format(named)).as_bytes()
    given = {
        "run": run_id,
        "dataset": dataset,
        "limit": limit,
        "fields": shown,
        "state": target.presence.state if target.presence else "",
    }
    gone = target.presence.gone if target.presence else None
    found = []
    for new, was, now, row, fields in db.driver(conn).execute(filled, given):
        kind = "created" if new else "cleared" if now == gone != was else "reopened" if was == gone != now else "changed"
        told = {name: tuple(fields[name]) for name in shown if name in (fields or {}) and fields[name] != [None, None]}
        found.append(Change(kind, row, told))
    return found

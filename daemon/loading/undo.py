"""Undo: every row that a run created, changed, cleared or reopened becomes what it was; or nothing does."""

from dataclasses import dataclass, field
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import CUSTOMERS, Dataset, datasets
from daemon.errors import Detail
from daemon.loading import fragments
from daemon.loading.locks import lock_entities
from daemon.loading.numbering import CONTINUOUS_YEAR, year_of
from daemon.loading.parked import release_parked
from daemon.loading.staging import table_of

_FEW = 10
"""How many obstacles are named."""


@dataclass
class Undone:
    """What an undo did; or, where there are `obstacles`, why it did nothing."""

    deleted: int = 0
    restored: int = 0
    obstacles: list[Detail] = field(default_factory=list)


def undo(conn: Connection, run_id: int, dataset: str) -> Undone:
    """Make every row that an imported run touched what it was before it.

    Not where a later run has touched one of them, or found it as it was, or spoke for its whole scope, or where rows of
    another dataset depend on one that would go: then it says which, and does nothing.
    """
    target = datasets()[dataset]
    given = {"run": run_id, "dataset": dataset, "few": _FEW}
    connection = db.driver(conn)
    lock_entities(conn, [row[0] for row in connection.execute(_filled(_ENTITIES, target), given)])
    found = list(connection.execute(_filled(_TOUCHED, target), given))
    if target.presence:
        found += connection.execute(_filled(_SPOKEN_FOR, target), given)
    for other in datasets().values():
        if other.refers_to == dataset:
            found += connection.execute(_depending(target, other), given)
    if found:
        return Undone(obstacles=[Detail(code, values) for code, values in found])
    done = Undone()
    done.restored = connection.execute(_restoring(conn, target), given).rowcount
    done.deleted = connection.execute(_filled("DELETE FROM {table} WHERE created_by_run = %(run)s", target), given).rowcount
    connection.execute("DELETE FROM nightporter.row_change WHERE run_id = %(run)s AND dataset = %(dataset)s", given)
    _unpark(conn, given)
    return done


_OURS = """
    ours AS MATERIALIZED (
        SELECT t.*, NULL::bigint AS change FROM {table} t WHERE created_by_run = %(run)s
        UNION ALL
        SELECT t.*, h.change FROM (
            SELECT row_id, min(id) AS change FROM nightporter.row_change
            WHERE run_id = %(run)s AND dataset = %(dataset)s GROUP BY 1) h
        JOIN {table} t ON t.id = h.row_id WHERE t.created_by_run <> %(run)s
    )"""

_ENTITIES = "WITH " + _OURS + " SELECT DISTINCT entity FROM ours"

_TOUCHED = (
    "WITH "
    + _OURS
    + """
    SELECT 'row_changed_by', jsonb_build_object('row', {label}, 'run', later) FROM (
        SELECT o.*, (SELECT max(h.run_id) FROM nightporter.row_change h
                     WHERE h.dataset = %(dataset)s AND h.row_id = o.id AND h.run_id <> %(run)s
                           AND h.id > coalesce(o.change, 0)) AS later
        FROM ours o) o
    WHERE later IS NOT NULL
    UNION ALL
    SELECT 'row_found_by', jsonb_build_object('row', {label}, 'run', max(c.run_id))
    FROM ours o JOIN nightporter.confirmed c ON c.dataset = %(dataset)s AND c.row_id = o.id AND c.run_id <> %(run)s
    JOIN nightporter.import_run r ON r.id = c.run_id AND r.undone_at IS NULL
    JOIN nightporter.import_run own ON own.id = %(run)s AND r.finished_at > own.finished_at
    GROUP BY {label}
    LIMIT %(few)s"""
)

_SPOKEN_FOR = (
    "WITH "
    + _OURS
    + """
    SELECT DISTINCT 'later_snapshot', jsonb_build_object('run', n.run_id)
    FROM (SELECT DISTINCT entity, scope FROM ours) o
    JOIN nightporter.snapshot n ON n.dataset = %(dataset)s AND n.entity = o.entity AND n.scope = o.scope AND n.run_id <> %(run)s
    JOIN nightporter.import_run r ON r.id = n.run_id AND r.undone_at IS NULL
    JOIN nightporter.import_run own ON own.id = %(run)s AND r.finished_at > own.finished_at
    LIMIT %(few)s"""
)


def _filled(statement: str, dataset: Dataset, **more: sql.Composable) -> bytes:
    label = sql.SQL("concat_ws(' ', {})").format(
        sql.SQL(", ").join(sql.SQL("o.{}").format(sql.Identifier(name)) for name in dataset.known_by)
    )
    return sql.SQL(statement).format(table=table_of(dataset), label=label, **more).as_bytes()


def _depending(dataset: Dataset, other: Dataset) -> bytes:
    """The rows of another dataset that need one which the run created."""
    (code,) = dataset.keys[0]
    statement = """
        SELECT 'rows_depend', jsonb_build_object('row', o.{code}, 'count', count(*), 'dataset', {what}::text) FROM {table} o
        JOIN {other} d ON d.customer_entity = o.entity AND d.{code} = o.{code}
        WHERE o.created_by_run = %(run)s GROUP BY o.{code} ORDER BY o.{code} LIMIT %(few)s
    """
    return _filled(statement, dataset, what=sql.Literal(other.name), code=sql.Identifier(code), other=table_of(other))


def _restoring(conn: Connection, dataset: Dataset) -> bytes:
    """Gives the changed rows their columns back, whatever those are."""
    schema, table = dataset.table.split(".")
    columns = [
        row[0]
        for row in db.driver(conn).execute(
            """SELECT column_name FROM information_schema.columns
               WHERE table_schema = %s AND table_name = %s AND is_identity = 'NO' AND is_generated = 'NEVER'""",
            [schema, table],
        )
    ]
    return _filled(
        """
        UPDATE {table} t SET {columns} FROM (
            SELECT DISTINCT ON (row_id) row_id, before FROM nightporter.row_change
            WHERE run_id = %(run)s AND dataset = %(dataset)s ORDER BY row_id, id) h
        CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, h.before) b
        WHERE t.id = h.row_id AND t.created_by_run <> %(run)s
        """,
        dataset,
        columns=sql.SQL(", ").join(_restored(dataset, name) for name in columns),
    )


def _restored(dataset: Dataset, name: str) -> sql.Composed:
    """A column as it was; but for what acts made of it since, and what people added to it."""
    field = dataset.fields.get(name)
    if name == "customer_code" and dataset.refers_to:
        # A row that is known by its customer never changed it by a file; of others the customer may be another's alias by now.
        single = next((key[0] for key in dataset.keys if len(key) == 1), None)
        now = """coalesce((SELECT a.customer_code FROM ar.customer_code_now a
            WHERE a.entity = b.customer_entity AND a.old_code = b.customer_code), b.customer_code)"""
        kept = f"CASE WHEN t.{single} IS NULL THEN t.{{column}} ELSE {now} END" if single else "t.{column}"
    elif name == year_of(dataset):
        given = (
            "coalesce(b.fiscal_year, extract(year FROM b.issue_date)::int)" if "issue_date" in dataset.fields else "b.{column}"
        )
        kept = f"""CASE (SELECT numbering FROM ar.entity e WHERE e.entity = b.entity) WHEN 'continuous' THEN {CONTINUOUS_YEAR}
            ELSE CASE b.{{column}} WHEN {CONTINUOUS_YEAR} THEN {given} ELSE b.{{column}} END END"""
    elif name == "scope":
        kept = """CASE WHEN EXISTS (
            SELECT FROM nightporter.act_row r JOIN nightporter.act a ON a.id = r.act_id
            WHERE r.row_id = t.id AND r.dataset = %(dataset)s AND a.kind = 'adopt' AND a.undone_at IS NULL AND a.id > %(run)s
        ) THEN t.{column} ELSE b.{column} END"""
    elif dataset.name == CUSTOMERS and dataset.presence and name in _presence(dataset):
        kept = """CASE WHEN EXISTS (
            SELECT FROM ar.customer_alias a WHERE a.entity = t.entity AND a.old_code = t.customer_code
        ) THEN t.{column} ELSE b.{column} END"""
    elif field and field.shared:
        ours = fragments.by_hand(name, sql.SQL("t.{}").format(sql.Identifier(fragments.brought(name))))
        both = sql.SQL("""{column} = nullif(coalesce(b.{column}, '{{}}') || ARRAY(
            SELECT each FROM unnest({ours}) each WHERE each <> ALL (coalesce(b.{column}, '{{}}'))), '{{}}')""")
        return both.format(column=sql.Identifier(name), ours=ours)
    else:
        kept = "b.{column}"
    return sql.SQL("{column} = " + kept).format(column=sql.Identifier(name))


def _presence(dataset: Dataset) -> set[str]:
    return {dataset.presence.state, dataset.presence.since, dataset.presence.by} if dataset.presence else set()


def _unpark(conn: Connection, given: dict[str, Any]) -> None:
    """End what the run parked, for good; what it replaced or dropped waits again, or loads, if its customer has come."""
    connection = db.driver(conn)
    connection.execute(
        """UPDATE nightporter.parked SET ended_at = clock_timestamp(), ended_as = 'undone', ended_by = %(run)s
           WHERE run_id = %(run)s AND dataset = %(dataset)s AND (ended_at IS NULL OR ended_as IN ('replaced', 'dropped'))""",
        given,
    )
    again = connection.execute(
        """UPDATE nightporter.parked SET ended_at = NULL, ended_as = NULL, ended_by = NULL
           WHERE ended_by = %(run)s AND dataset = %(dataset)s AND ended_as IN ('replaced', 'dropped')
           RETURNING customer_entity""",
        given,
    ).fetchall()
    if again:
        release_parked(conn, given["run"], sorted({row[0] for row in again}))

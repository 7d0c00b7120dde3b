"""Tables: what in Postgres the settings ask for: the admin's own datasets and fields."""

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, Engine

from daemon import db
from daemon.datasets import MONEY_DIGITS, MONEY_SCALE, Dataset, datasets, is_shipped
from daemon.db.entities import ONE_AT_A_TIME, declare
from daemon.errors import SetupFault
from daemon.settings import Settings

TYPES = {
    "text": "text",
    "enum": "text",
    "list": "text[]",
    "integer": "integer",
    "date": "date",
    "bool": "boolean",
    "money": f"numeric({MONEY_DIGITS},{MONEY_SCALE})",
}
_OURS = {
    "id": "bigint",
    "entity": "text",
    "created_by_run": "bigint",
    "run_id": "bigint",
    "source_line": "integer",
    "created_at": "timestamp with time zone",
    "updated_at": "timestamp with time zone",
    "custom": "jsonb",
    "as_of": "date",
}
_HOW = {
    "id": "GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "entity": "NOT NULL DEFAULT ''",
    "created_by_run": "NOT NULL",
    "run_id": "NOT NULL",
    "source_line": "NOT NULL",
    "created_at": "NOT NULL DEFAULT now()",
    "updated_at": "NOT NULL DEFAULT now()",
    "customer_entity": "NOT NULL DEFAULT ''",
    "scope": "NOT NULL DEFAULT ''",
}
_STAGED = ("run_id", "entity", "source_line", "as_of")
_MADE = "Made for the dataset "


def ensure(engine: Engine, settings: Settings) -> None:
    """See that every table has what the settings and the datasets in force ask for. Safe to call from several processes.

    Raises SetupFault when a table that somebody else made is not as its dataset needs it.
    """
    with db.transaction(engine) as conn:
        declare(conn, settings.entities)
        own = [dataset for dataset in datasets().values() if dataset.custom or not is_shipped(dataset)]
        if any(_lacking(conn, dataset) for dataset in own):
            conn.exec_driver_sql(ONE_AT_A_TIME)
            for dataset in own:
                _make(conn, dataset)
                if _is_made_here(conn, dataset):
                    _keep_keys(conn, dataset)


def _wanted_columns(dataset: Dataset) -> dict[str, str]:
    """What the table of one of the admin's datasets has: each column with its type."""
    found = _OURS | ({"customer_entity": "text"} if dataset.refers_to else {})
    if presence := dataset.presence:
        found |= {"scope": "text", presence.state: "text", presence.since: "timestamp with time zone", presence.by: "bigint"}
    return found | {name: TYPES[field.type] for name, field in dataset.fields.items() if name not in dataset.custom}


def _staged(dataset: Dataset) -> dict[str, str]:
    """What its stage has."""
    return {name: _OURS[name] for name in _STAGED} | {name: TYPES[field.type] for name, field in dataset.fields.items()}


def _wanted(dataset: Dataset) -> Iterator[tuple[str, dict[str, str]]]:
    yield f"nightporter.stage_{dataset.name}", _staged(dataset)
    if not is_shipped(dataset):
        yield dataset.table, _wanted_columns(dataset)


def _lacking(conn: Connection, dataset: Dataset) -> bool:
    if any(found != found | wanted for found, wanted in ((columns(conn, table), to) for table, to in _wanted(dataset))):
        return True
    return _is_made_here(conn, dataset) and _unique(conn, dataset).keys() != {("entity", *key) for key in dataset.keys}


def _is_made_here(conn: Connection, dataset: Dataset) -> bool:
    made = conn.exec_driver_sql("SELECT obj_description(to_regclass(%s), 'pg_class')", (dataset.table,)).scalar()
    return bool(made and made.startswith(_MADE))


def columns(conn: Connection, table: str) -> dict[str, str]:
    """The columns that a table has, each with its type; none where there is no table."""
    statement = """
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    """
    return dict(db.driver(conn).execute(statement, [table]).fetchall())


def _make(conn: Connection, dataset: Dataset) -> None:
    for table, wanted in _wanted(dataset):
        name, found = sql.Identifier(*table.split(".")), columns(conn, table)
        staged = table != dataset.table
        if not found:
            _create(conn, dataset, name, wanted, staged)
            continue
        lacking = {column: type for column, type in wanted.items() if found.get(column) != type}
        if lacking and not staged:
            _refuse_foreign(conn, dataset, lacking, found)
        for column, type in lacking.items():
            change = sql.SQL("ALTER TABLE {table} DROP COLUMN IF EXISTS {column}, ADD COLUMN {column} {type} {how}")
            new = {"column": sql.Identifier(column), "type": sql.SQL(type), "how": _how(dataset, column, staged)}
            db.driver(conn).execute(change.format(table=name, **new))


def _refuse_foreign(conn: Connection, dataset: Dataset, lacking: dict[str, str], found: dict[str, str]) -> None:
    """Raise SetupFault unless the table is one that was made here, and only lacks columns."""
    if _is_made_here(conn, dataset) and not lacking.keys() & found.keys():
        return
    table = dataset.table
    changes = ", ".join(
        f"ALTER COLUMN {column} TYPE {type}" if column in found else f"ADD COLUMN {column} {type} {_HOW.get(column, '')}".rstrip()
        for column, type in lacking.items()
    )
    raise SetupFault(f"the table {table} is not as its dataset needs it; change it yourself: ALTER TABLE {table} {changes};")


def _create(conn: Connection, dataset: Dataset, name: sql.Identifier, wanted: dict[str, str], staged: bool) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {} {}").format(sql.Identifier(column), sql.SQL(type), _how(dataset, column, staged))
        for column, type in wanted.items()
    )
    execute: Any = db.driver(conn).execute
    if staged:
        execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(name, columns))
        execute(sql.SQL("CREATE INDEX ON {} (run_id)").format(name))
        return
    schema = dataset.table.split(".")[0]
    execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    execute(sql.SQL("CREATE TABLE {} ({})").format(name, columns))
    execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, f"{_MADE}{dataset.name}."))
    execute(sql.SQL("CREATE INDEX ON {} (created_by_run)").format(name))
    for fields in dataset.matches:
        execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, _listed(["entity", *fields])))
    if presence := dataset.presence:
        here = sql.SQL("{} = {}").format(sql.Identifier(presence.state), presence.here)
        execute(sql.SQL("CREATE INDEX ON {} (entity, scope) WHERE {}").format(name, here))


def _keep_keys(conn: Connection, dataset: Dataset) -> None:
    """See that no two rows of a table that was made here share one of the keys, and that they may share anything else."""
    wanted, found = {("entity", *key) for key in dataset.keys}, _unique(conn, dataset)
    for columns in found.keys() - wanted:
        db.driver(conn).execute(sql.SQL("DROP INDEX {}").format(sql.SQL(found[columns])))
    for columns in sorted(wanted - found.keys()):
        create = sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(sql.Identifier(*dataset.table.split(".")), _listed(columns))
        db.driver(conn).execute(create)


def _unique(conn: Connection, dataset: Dataset) -> dict[tuple[str, ...], str]:
    """The unique indexes of a table, by their columns."""
    statement = """
        SELECT array_agg(a.attname::text ORDER BY k.place), i.indexrelid::regclass::text
        FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND NOT i.indisprimary GROUP BY i.indexrelid
    """
    return {tuple(columns): name for columns, name in db.driver(conn).execute(statement, [dataset.table])}


def _listed(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _how(dataset: Dataset, column: str, staged: bool) -> sql.Composable:
    """What else a new column is made with."""
    if staged:
        return sql.SQL("NOT NULL" if column in _STAGED[:3] else "")
    if dataset.presence and column == dataset.presence.state:
        return sql.SQL("NOT NULL DEFAULT {}").format(dataset.presence.here)
    return sql.SQL(_HOW.get(column, ""))

"""Staging: typed rows on their way, in an unlogged table, reached by COPY."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset

SHARED_STAGE_BYTES = 4 << 20
"""Bytes up to which a file shares its dataset's permanent stage: a table of its own costs a small one more than its rows."""

_MANY = "SET LOCAL work_mem = '256MB'; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
_PATIENT = "SET LOCAL lock_timeout = '15min'"  # what is staged would have to be staged again
_KNOWN = """DO $$ BEGIN
    IF (SELECT reltuples <= 0 FROM pg_class WHERE oid = '{1}'::regclass) THEN ANALYZE {1}; END IF;
END $$"""
_ANALYZED = sql.SQL("; ".join([_PATIENT, "SET LOCAL default_statistics_target = 10", "ANALYZE {0}", _KNOWN]))
_LOOKED_UP = ("mergejoin", "hashjoin", "seqscan", "material", "bitmapscan")
_FEW = sql.SQL(
    "; ".join(
        [
            _PATIENT,
            "SET LOCAL jit = off",
            "SET LOCAL plan_cache_mode = force_custom_plan",
            *(f"SET LOCAL enable_{other} = off" for other in _LOOKED_UP),
            _KNOWN,
        ]
    )
)
"""How statements over a stage are planned: the rows of a large file are hashed in memory, never sorted; those of a small one
are looked up, each by its key, for nothing is known of the shared stage that would tell the planner how few they are. A plan
that was made for an empty table is not kept: it has been seen to make a night's ten-thousandth file ten times as slow. Of a table
that nobody has analyzed yet the planner believes that a partial index has no rows, and reads all of it again and again.
"""

_KEPT_ASIDE = ("stage_protected", "stage_absent")


def table_of(dataset: Dataset) -> sql.Identifier:
    """The name of a dataset's table."""
    return sql.Identifier(*dataset.table.split("."))


def stage_table(dataset: Dataset) -> sql.Identifier:
    """The name of the stage that a dataset's small files share."""
    return sql.Identifier("nightporter", f"stage_{dataset.name}")


@dataclass(frozen=True)
class Rules:
    """What a profile says of rows that are in the table already.

    `protected` fields keep what is stored; `blank_clears` lets an empty cell empty the field; with `insert_only` a row that is
    there is left alone; a `snapshot` speaks for all that is open in its scope. With `by_type` a row's type says its sign. Of what
    only `rides_along` with something else, the last row in the file counts.
    """

    protected: frozenset[str] = frozenset()
    blank_clears: bool = False
    insert_only: bool = False
    snapshot: bool = False
    by_type: bool = False
    rides_along: bool = False


@dataclass(frozen=True)
class Stage:
    """Where one import run's rows wait: a table, which of its rows are this run's, and by what rules they are merged.

    Two are equal when the same statements go over both; those take the rest as parameters, see `values`.
    """

    run_id: int = field(compare=False)
    dataset: Dataset = field(hash=False)
    fields: tuple[str, ...]
    key: tuple[str, ...]
    fallback: str | None
    """The field that a row is known by where the last one of the key is empty, in the file or in the table."""
    rules: Rules
    own_table: int
    """The number in the name of a table of its own: its run's; 0 where it shares its dataset's."""
    scope: str = field(compare=False)
    """What its new rows belong to, and a snapshot speaks for; '' is the entity's ledger."""
    entities: tuple[str, ...] = field(compare=False)
    """Those of which a snapshot says everything."""
    as_of: date = field(compare=False)
    """The day that the file is about."""
    arrival: int = field(compare=False)
    """The file: of two about one day the later one speaks."""
    customer_entity: str | None = field(compare=False)
    """Under which entity its customers are, if not under each row's own."""

    @property
    def name(self) -> str:
        """The name of its table."""
        return f"stage_{self.dataset.name}" + (f"_{self.own_table}" if self.own else "")

    @property
    def own(self) -> bool:
        """Whether the table is its own: then it is large."""
        return self.own_table > 0

    @property
    def table(self) -> sql.Identifier:
        """The table the rows are in."""
        return sql.Identifier("nightporter", self.name)

    @property
    def pairs(self) -> sql.Identifier | None:
        """The table that says which row of the dataset's each staged one is, where that is found once for all statements: of many
        rows, which are known by their key alone, and among which no mark moves.
        """
        simple = not self.fallback and not any(self.dataset.fields[name].sole for name in self.fields)
        return sql.Identifier(f"pairs_{self.own_table}") if self.own and simple else None

    @property
    def target(self) -> sql.Identifier:
        """The dataset's table."""
        return table_of(self.dataset)

    @property
    def values(self) -> dict[str, object]:
        """What the statements over the stage are given."""
        return {
            "run": self.run_id,
            "dataset": self.dataset.name,
            "scope": self.scope,
            "entities": list(self.entities),
            "as_of": self.as_of,
            "arrival": self.arrival,
            "customer_entity": self.customer_entity,
        }

    @property
    def label_field(self) -> str:
        """The field of the key by which people know a row."""
        return next((name for name in reversed(self.key) if self.dataset.fields[name].required), self.key[0])


def open_stage(conn: Connection, stage: Stage) -> None:
    """Make the stage, where it is a table of its own; gone with the transaction, unless that commits after `clear`."""
    if stage.own:
        create = sql.SQL("CREATE UNLOGGED TABLE {} (LIKE {})").format(stage.table, stage_table(stage.dataset))
        db.driver(conn).execute(create)
        db.driver(conn).execute(_MANY)


def copy(conn: Connection, stage: Stage, rows: pa.Table) -> None:
    """Add rows to the stage. Raises when the database counted others than were sent."""
    rows = rows.add_column(0, "run_id", pa.repeat(pa.scalar(stage.run_id), rows.num_rows))
    if "as_of" not in rows.column_names:
        rows = rows.add_column(0, "as_of", pa.repeat(pa.scalar(stage.as_of), rows.num_rows))
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    text = io.BytesIO()
    csv.write_csv(rows, text, csv.WriteOptions(include_header=False))
    with db.driver(conn).cursor() as cursor:
        if b"\n\\." in text.getvalue():  # ends a CSV COPY before PostgreSQL 17, inside quotes too
            _copy_rows(cursor, sql.SQL("COPY {} ({}) FROM STDIN").format(stage.table, columns), rows)
        else:
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(stage.table, columns)) as sink:
                sink.write(text.getbuffer())
        if cursor.rowcount != rows.num_rows:
            raise AssertionError(f"{rows.num_rows} rows sent to the stage, {cursor.rowcount} arrived")


def _copy_rows(cursor: "psycopg.Cursor[object]", statement: sql.Composed, rows: pa.Table) -> None:
    with cursor.copy(statement) as sink:
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            sink.write_row(row)


def protect(conn: Connection, stage: Stage, numbers: pa.Array) -> None:
    """Keep what rejected rows of a snapshot speak of from being taken for gone."""
    with db.driver(conn).cursor() as cursor, cursor.copy("COPY nightporter.stage_protected (run_id, number) FROM STDIN") as sink:
        for number in numbers.to_pylist():
            sink.write_row((stage.run_id, number))


def prepare(conn: Connection, stage: Stage) -> None:
    """Once all rows are staged, see that statements which join them with other tables are planned well."""
    db.driver(conn).execute((_ANALYZED if stage.own else _FEW).format(stage.table, stage.target))


@contextmanager
def hashing(conn: Connection, stage: Stage) -> Iterator[None]:
    """Let what is executed meanwhile join whole tables, which statements over a small stage are kept from."""
    if not stage.own:
        db.driver(conn).execute("; ".join(f"SET LOCAL enable_{each} = on" for each in _LOOKED_UP))
    yield
    if not stage.own:
        db.driver(conn).execute("; ".join(f"SET LOCAL enable_{each} = off" for each in _LOOKED_UP))


def clear(conn: Connection, stage: Stage) -> None:
    """Leave nothing of the run in the stage."""
    if stage.own:
        db.driver(conn).execute(sql.SQL("DROP TABLE {}").format(stage.table))
    else:
        db.driver(conn).execute(sql.SQL("DELETE FROM {} WHERE run_id = %s").format(stage.table), [stage.run_id])
    for name in _KEPT_ASIDE if stage.rules.snapshot else ():
        db.driver(conn).execute(
            sql.SQL("DELETE FROM {} WHERE run_id = %s").format(sql.Identifier("nightporter", name)), [stage.run_id]
        )

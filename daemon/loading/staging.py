"""Staging: typed rows on their way, in an unlogged table, reached by COPY."""

import io
from dataclasses import dataclass, field

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import Dataset

SMALL = 4 << 20
"""Bytes up to which a file shares its dataset's permanent stage: a table of its own costs a small one more than its rows."""

_MANY = "SET LOCAL work_mem = '256MB'; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
_LOOKED_UP = ("mergejoin", "hashjoin", "seqscan", "material", "bitmapscan")
_FEW = "; ".join(
    [
        "SET LOCAL jit = off",
        "SET LOCAL plan_cache_mode = force_custom_plan",
        *(f"SET LOCAL enable_{other} = off" for other in _LOOKED_UP),
    ]
)
"""How statements over a stage are planned: the rows of a large file are hashed in memory, never sorted; those of a small one
are looked up, each by its key, for nothing is known of the shared stage that would tell the planner how few they are. A plan
that was made for an empty table is not kept: it has been seen to make a night's ten-thousandth file ten times as slow.
"""


@dataclass(frozen=True)
class Stage:
    """Where one import run's rows wait: a table, and which of its rows are this run's.

    Two are equal when the same statements go over both; those take the run as `%(run)s`.
    """

    run_id: int = field(compare=False)
    dataset: Dataset = field(hash=False)
    fields: tuple[str, ...]
    key: tuple[str, ...]
    name: str
    own: bool

    @property
    def table(self) -> sql.Identifier:
        """The table the rows are in."""
        return sql.Identifier("nightporter", self.name)

    @property
    def run(self) -> dict[str, int]:
        """What a statement over the stage is given."""
        return {"run": self.run_id}

    @property
    def target(self) -> sql.Identifier:
        """The dataset's table."""
        return sql.Identifier(*self.dataset.table.split("."))

    @property
    def label_field(self) -> str:
        """The field of the key by which people know a row."""
        return next((name for name in reversed(self.key) if self.dataset.fields[name].required), self.key[0])


def open_stage(conn: Connection, run_id: int, dataset: Dataset, fields: list[str], key: list[str], size: int) -> Stage:
    """A stage for a file of `size` bytes; gone with the transaction, unless that commits after `clear`."""
    own, shared = size > SMALL, f"stage_{dataset.name}"
    stage = Stage(run_id, dataset, tuple(fields), tuple(key), f"{shared}_{run_id}" if own else shared, own)
    if own:
        like = sql.Identifier("nightporter", shared)
        db.driver(conn).execute(sql.SQL("CREATE UNLOGGED TABLE {} (LIKE {})").format(stage.table, like))
    return stage


def copy(conn: Connection, stage: Stage, rows: pa.Table) -> None:
    """Add rows to the stage. Raises when the database counted others than were sent."""
    rows = rows.add_column(0, "run_id", pa.repeat(pa.scalar(stage.run_id), rows.num_rows))
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


def prepare(conn: Connection, stage: Stage) -> None:
    """Once all rows are staged, see that the statements over them are planned well: many hashed in memory, few looked up."""
    connection = db.driver(conn)
    connection.execute(_MANY if stage.own else _FEW)
    if stage.own:
        connection.execute(sql.SQL("ANALYZE {}").format(stage.table))


def _copy_rows(cursor: "psycopg.Cursor[object]", statement: sql.Composed, rows: pa.Table) -> None:
    with cursor.copy(statement) as sink:
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            sink.write_row(row)


def clear(conn: Connection, stage: Stage) -> None:
    """Leave nothing of the run in the stage."""
    if stage.own:
        db.driver(conn).execute(sql.SQL("DROP TABLE {}").format(stage.table))
    else:
        db.driver(conn).execute(sql.SQL("DELETE FROM {} WHERE run_id = %s").format(stage.table), [stage.run_id])

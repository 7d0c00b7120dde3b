"""Migrations: what an earlier version stored means the same to this one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from daemon import db, shipped


@contextmanager
def at(cluster: str, revision: str) -> Iterator[Engine]:
    """A database whose schemas are as that revision left them."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute("CREATE DATABASE earlier")
        engine = db.connect(cluster.replace("/postgres?", "/earlier?"))
        with db.transaction(engine) as conn:
            conn.execute(sa.text("CREATE SCHEMA nightporter"))
            config = Config()
            config.set_main_option("script_location", str(shipped("schema") / "migrations"))
            config.attributes["connection"] = conn
            command.upgrade(config, revision)
        yield engine
        engine.dispose()
        connection.execute("DROP DATABASE earlier WITH (FORCE)")


def snapshot(conn: Connection, run: int, profile: str, entity: str, scope: str) -> None:
    """An accepted snapshot, and an item that it brought."""
    conn.execute(
        sa.text(f"INSERT INTO nightporter.arrival (drop_name, name, size, mtime, path) VALUES ('', 'f{run}', 1, 1, 'f')")
    )
    conn.execute(
        sa.text(
            f"""INSERT INTO nightporter.import_run (arrival_id, profile, dataset, state, business_date)
                VALUES ({run}, '{profile}', 'receivables', 'imported', '2026-01-01')"""
        )
    )
    conn.execute(
        sa.text(f"INSERT INTO nightporter.snapshot VALUES ({run}, 'receivables', '{entity}', '{scope}', '2026-01-01', 1, '{{}}')")
    )
    conn.execute(
        sa.text(
            f"""INSERT INTO ar.receivable (entity, created_by_run, run_id, source_line, customer_code, item_number, year, item_type,
                    issue_date, due_date, amount, remaining, currency, state, scope)
                VALUES ('{entity}', {run}, {run}, 2, 'C1', 'F{run}', 2026, 'invoice', '2026-01-01', '2026-01-01', 10, 10, 'EUR', 'open', '{scope}')"""
        )
    )


@pytest.mark.usefixtures("cluster")
def test_old_default_scopes_become_the_ledgers_where_one_profile_speaks(cluster: str) -> None:
    """Where several do, or one that names its scope, the names stay; the totals are kept by them."""
    with at(cluster, "0006") as engine:
        with db.transaction(engine) as conn:
            snapshot(conn, 1, "nightly", "FR", "nightly")
            snapshot(conn, 2, "one", "BE", "one")
            snapshot(conn, 3, "other", "BE", "other")
            snapshot(conn, 4, "named", "DE", "ledger")
        db.migrate(engine)
        with db.transaction(engine) as conn:
            scopes = "SELECT entity, scope FROM {} ORDER BY 1, 2"
            expected = [("BE", "one"), ("BE", "other"), ("DE", "ledger"), ("FR", "")]
            for table in ("ar.receivable", "nightporter.snapshot", "ar.open_total"):
                assert [tuple(row) for row in conn.execute(sa.text(scopes.format(table)))] == expected
            assert conn.execute(sa.text("SELECT sum(amount) FROM ar.open_total")).scalar_one() == 40

"""Aliases: old codes of customers, which files may go on using (`ar.customer_alias`)."""

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import CUSTOMERS
from daemon.errors import TryLater
from daemon.loading import fragments
from daemon.loading.checks import skipped, taken_off
from daemon.loading.staging import Stage
from daemon.model import Tally


def resolve_aliases(conn: Connection, stage: Stage) -> Tally:
    """Give staged rows the code that their customer has now, where they come with an old one. Where a file of customers has both,
    the row under the old code is skipped.
    """
    if not _uses_codes(stage) or not conn.exec_driver_sql("SELECT FROM ar.customer_alias LIMIT 1").rowcount:
        return Tally()
    off = Tally()
    named = {"stage": stage.table, "entity": _customer_entity(stage)}
    if stage.dataset.name == CUSTOMERS:
        deleting = sql.SQL("""
            DELETE FROM {stage} s USING ar.customer_code_now a
            WHERE s.run_id = %(run)s AND a.entity = {entity} AND a.old_code = s.customer_code AND EXISTS (
                SELECT FROM {stage} o WHERE o.run_id = %(run)s AND o.entity = s.entity AND o.customer_code = a.customer_code)
        """).format(**named)
        off = skipped(conn, stage, taken_off(stage, deleting).as_bytes())
    renaming = sql.SQL("""
        UPDATE {stage} s SET customer_code = a.customer_code FROM ar.customer_code_now a
        WHERE s.run_id = %(run)s AND a.entity = {entity} AND a.old_code = s.customer_code
    """)
    db.driver(conn).execute(renaming.format(**named), stage.values)
    return off


def see_none_is_new(conn: Connection, stage: Stage) -> None:
    """Raise TryLater where a customer was merged into another while the file was read: its rows are then another's."""
    if not _uses_codes(stage) or not conn.exec_driver_sql("SELECT FROM ar.customer_alias LIMIT 1").rowcount:
        return
    statement = sql.SQL("""
        SELECT s.customer_code FROM {stage} s JOIN ar.customer_alias a ON a.entity = {entity} AND a.old_code = s.customer_code
        WHERE s.run_id = %(run)s LIMIT 1
    """)
    found = db.driver(conn).execute(statement.format(stage=stage.table, entity=_customer_entity(stage)), stage.values).fetchone()
    if found:
        raise TryLater(f"the customer {found[0]} was merged into another while the file was read")


def _uses_codes(stage: Stage) -> bool:
    return "customer_code" in stage.fields and (stage.dataset.refers_to is not None or stage.dataset.name == CUSTOMERS)


def _customer_entity(stage: Stage) -> sql.SQL:
    return fragments.customer_entity() if stage.dataset.refers_to else sql.SQL("s.entity")

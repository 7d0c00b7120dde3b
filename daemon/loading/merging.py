"""Merging customers: one code is another from now on, with all that the ledger has under it."""

from collections.abc import Iterator

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.datasets import CUSTOMERS, Dataset, datasets
from daemon.errors import Detail
from daemon.loading.acts import FEW, PARKED, Act, begin_act, change, finish_act
from daemon.loading.locks import lock_entities
from daemon.loading.parked import release_parked, under_code
from daemon.loading.staging import stage_table, table_of
from daemon.log import get

log = get(__name__)


def merge_customers(conn: Connection, entity: str, old: str, new: str, by: str) -> Act:
    """Make `old` an alias of `new`, or of what that is an alias of, and move the items, contacts, credits and parked rows of one
    to the other; not where both have one with the same key, which are named.
    """
    end = _now(conn, entity, new)
    given = {"entity": entity, "old": old, "new": end}
    lock_entities(conn, {entity, *_concerned(conn, given)})
    if obstacles := list(_not_possible(conn, given)) or list(_colliding(conn, given))[:FEW]:
        return Act(obstacles=tuple(obstacles))
    connection = db.driver(conn)
    chained = """
        UPDATE ar.customer_alias SET customer_code = %(new)s WHERE entity = %(entity)s AND customer_code = %(old)s
        RETURNING old_code
    """
    codes = sorted({row[0] for row in connection.execute(chained, given)} - {old})
    act = begin_act(conn, "merge", by, **given, asked=new, chained=codes)
    connection.execute(
        """INSERT INTO ar.customer_alias (entity, old_code, customer_code, moved_at)
           VALUES (%(entity)s, %(old)s, %(new)s, clock_timestamp())
           ON CONFLICT (entity, old_code) DO UPDATE SET customer_code = excluded.customer_code, moved_at = excluded.moved_at""",
        given,
    )
    rows = {name: _move(conn, act, dataset, given) for name, dataset in _referring()}
    rows[PARKED] = change(conn, act, PARKED, under_code("%(new)s::text"), _WAITING, given)
    gone = {"presence": sql.SQL("'absent'"), "absent_since": sql.SQL("clock_timestamp()"), "absent_by": sql.Literal(act)}
    here = sql.SQL("t.entity = %(entity)s AND t.customer_code = %(old)s AND t.presence = 'present'")
    rows[CUSTOMERS] = change(conn, act, CUSTOMERS, gone, here, given)
    release_parked(conn, act, [entity])
    log.info("customers_merged", act=act, by=by, **given)
    return finish_act(conn, act, rows)


def settle_aliases(conn: Connection) -> None:
    """Carry out the aliases that somebody only wrote down, as far as no keys collide."""
    statement = "SELECT entity, old_code, customer_code FROM ar.customer_alias WHERE moved_at IS NULL ORDER BY 1, 2 LIMIT 1000"
    for entity, old, new in db.driver(conn).execute(statement).fetchall():
        act = merge_customers(conn, entity, old, new, "ar.customer_alias")
        if act.obstacles:
            log.warning("alias_not_carried_out", entity=entity, old=old, new=new, why=[str(each) for each in act.obstacles])


_WAITING = sql.SQL("t.customer_entity = %(entity)s AND t.customer_code = %(old)s AND t.ended_at IS NULL")


def _referring() -> Iterator[tuple[str, Dataset]]:
    yield from ((name, dataset) for name, dataset in datasets().items() if dataset.refers_to == CUSTOMERS)


def _now(conn: Connection, entity: str, code: str) -> str:
    statement = "SELECT customer_code FROM ar.customer_code_now WHERE entity = %s AND old_code = %s"
    found = db.driver(conn).execute(statement, [entity, code]).fetchone()
    return found[0] if found else code


def _concerned(conn: Connection, given: dict[str, str]) -> Iterator[str]:
    """The entities that have rows of the old code."""
    for _, dataset in _referring():
        own = sql.SQL("SELECT DISTINCT entity FROM {} WHERE customer_entity = %(entity)s AND customer_code = %(old)s")
        yield from (row[0] for row in db.driver(conn).execute(own.format(table_of(dataset)), given))
    parked = "SELECT DISTINCT entity FROM nightporter.parked WHERE customer_entity = %(entity)s AND ended_at IS NULL"
    yield from (row[0] for row in db.driver(conn).execute(parked, given))


def _not_possible(conn: Connection, given: dict[str, str]) -> Iterator[Detail]:
    if given["old"] == given["new"]:
        yield Detail.of("merge_circle", customer=given["old"])
    known = "SELECT FROM ar.customer WHERE entity = %(entity)s AND customer_code = %(new)s"
    if not db.driver(conn).execute(known, given).rowcount:
        yield Detail.of("no_customer", customer=given["new"])
    before = (
        "SELECT customer_code FROM ar.customer_alias WHERE entity = %(entity)s AND old_code = %(old)s AND moved_at IS NOT NULL"
    )
    if merged := db.driver(conn).execute(before, given).fetchone():
        yield Detail.of("merged_already", customer=given["old"], into=merged[0])


def _colliding(conn: Connection, given: dict[str, str]) -> Iterator[Detail]:
    """The rows of the old code whose key one of the new code has, too."""
    for name, dataset in _referring():
        for key in [*dataset.keys, *dataset.matches]:
            if "customer_code" not in key:
                continue
            others = [each for each in key if each != "customer_code"]
            named = sql.SQL(", ").join(sql.SQL("nullif(o.{}::text, '')").format(sql.Identifier(each)) for each in others)
            same = sql.SQL(" AND ").join(_same(dataset, each) for each in others)
            statement = sql.SQL("""
                SELECT DISTINCT concat_ws(' ', {named}) FROM {table} o JOIN {table} n
                ON n.entity = o.entity AND n.customer_entity = o.customer_entity AND {same}
                WHERE o.customer_entity = %(entity)s AND o.customer_code = %(old)s AND n.customer_code = %(new)s
                ORDER BY 1 LIMIT {few}
            """).format(table=table_of(dataset), few=FEW, named=named, same=same)
            for row in db.driver(conn).execute(statement, given):
                yield Detail.of("both_have", dataset=name, row=row[0])
            waiting = sql.SQL("""
                SELECT DISTINCT concat_ws(' ', {named}) FROM nightporter.parked p
                CROSS JOIN LATERAL jsonb_populate_record(NULL::{stage}, p.content) o
                JOIN {table} n ON n.entity = p.entity AND n.customer_entity = p.customer_entity AND {same}
                WHERE p.dataset = {dataset} AND p.customer_entity = %(entity)s AND p.customer_code = %(old)s
                      AND p.ended_at IS NULL AND n.customer_code = %(new)s ORDER BY 1 LIMIT {few}
            """).format(table=table_of(dataset), stage=stage_table(dataset), dataset=name, few=FEW, named=named, same=same)
            for row in db.driver(conn).execute(waiting, given):
                yield Detail.of("both_have", dataset=name, row=row[0])
    parked = """
        SELECT DISTINCT o.dataset, o.content->>'item_number' FROM nightporter.parked o
        JOIN nightporter.parked n ON n.dataset = o.dataset AND n.customer_entity = o.customer_entity AND n.ended_at IS NULL
             AND n.customer_code = %(new)s AND n.key::jsonb - 2 = o.key::jsonb - 2
        WHERE o.customer_entity = %(entity)s AND o.customer_code = %(old)s AND o.ended_at IS NULL
    """
    yield from (Detail.of("both_have", dataset=name, row=row or "") for name, row in db.driver(conn).execute(parked, given))
    twice = """
        SELECT DISTINCT r.item_number FROM ar.receivable r
        JOIN ar.balance_adjustment b ON b.entity = r.entity AND b.customer_entity = r.customer_entity
             AND b.credit_number = r.item_number AND b.state = 'open'
        JOIN ar.entity e ON e.entity = r.entity AND e.credits IS NOT NULL
        WHERE r.customer_entity = %(entity)s AND r.state = 'open' AND r.remaining < 0
              AND (r.customer_code, b.customer_code) IN ((%(old)s, %(new)s), (%(new)s, %(old)s))
    """
    yield from (Detail.of("both_have", dataset="open_credits", row=row[0]) for row in db.driver(conn).execute(twice, given))


def _same(dataset: Dataset, name: str) -> sql.Composable:
    compared = sql.SQL("lower(btrim(o.{0})) = lower(btrim(n.{0}))" if dataset.fields[name].folded else "o.{0} = n.{0}")
    return compared.format(sql.Identifier(name))


def _move(conn: Connection, act: int, dataset: Dataset, given: dict[str, str]) -> int:
    """Move the rows of the old code; a mark that only one of a customer's rows can have stays with those of the new one."""
    to: dict[str, sql.Composable] = {"customer_code": sql.SQL("%(new)s")}
    for mark in (name for name, field in dataset.fields.items() if field.sole):
        held = sql.SQL("""t.{mark} AND NOT EXISTS (
            SELECT FROM {table} h WHERE h.customer_entity = t.customer_entity AND h.customer_code = %(new)s AND h.{mark})""")
        to[mark] = held.format(mark=sql.Identifier(mark), table=table_of(dataset))
    where = sql.SQL("t.customer_entity = %(entity)s AND t.customer_code = %(old)s")
    return change(conn, act, dataset.name, to, where, given)

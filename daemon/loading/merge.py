"""Merge: one join tells new rows, changed rows and the rest apart; only these are written, and what changes is kept as it was."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.marks import move_marks, settle_marks, sole
from daemon.loading.staging import Stage
from daemon.model import Money, Tally

_MERGE = sql.SQL("""
    WITH classified AS MATERIALIZED (
        SELECT s.*, t.id AS target, {was} AS was, {now} AS now, {open} AS open_before, {old_currency} AS old_currency,
               {moved} AS moved
        FROM {stage} s LEFT JOIN {table} t ON {same}
        WHERE s.run_id = %(run)s AND (t.id IS NULL OR {differs})
    ), kept AS (
        INSERT INTO nightporter.row_change (run_id, dataset, row_id, before)
        SELECT %(run)s, %(dataset)s, t.id, to_jsonb(t) FROM classified c JOIN {table} t ON t.id = c.target
    ), created AS (
        INSERT INTO {table} ({columns}, created_by_run{more_columns})
        SELECT {columns}, run_id{more_values} FROM classified s WHERE target IS NULL
    ), updated AS (
        UPDATE {table} t SET {changes} FROM classified s WHERE t.id = s.target
    )
    SELECT {currency}, old_currency, count(*) FILTER (WHERE target IS NULL), count(*) FILTER (WHERE target IS NOT NULL),
           count(*) FILTER (WHERE was = {here} AND now = {gone}), count(*) FILTER (WHERE was = {gone} AND now = {here}),
           count(*) FILTER (WHERE moved), coalesce(sum({amount}) FILTER (WHERE target IS NULL), 0),
           coalesce(sum(open_before) FILTER (WHERE was = {here} AND now = {gone}), 0), 0
    FROM classified s GROUP BY 1, 2
    UNION ALL
    SELECT NULL, NULL, 0, 0, 0, 0, 0, 0, 0, count(*) FROM {stage} WHERE run_id = %(run)s
""")


class Merged(NamedTuple):
    """What a merge counted, and how many other rows lost a mark that only one can have."""

    tally: Tally
    marks_moved: int


def merge(conn: Connection, stage: Stage) -> Merged:
    """Bring the dataset's table up to the staged rows."""
    mark = sole(stage)
    if mark:
        settle_marks(conn, stage, mark)
    tally = Tally()
    for currency, old_currency, created, updated, cleared, reopened, moved, new, settled, staged in db.driver(conn).execute(
        _statement(stage), stage.values
    ):
        tally += Tally(
            created=created,
            updated=updated,
            unchanged=staged - created - updated,
            cleared=cleared,
            reopened=reopened,
            moved=moved,
            money=_moved_money(currency, old_currency, new, settled),
        )
    return Merged(tally, move_marks(conn, stage, mark) if mark else 0)


def _moved_money(currency: str | None, old: str | None, new: Decimal, settled: Decimal) -> Mapping[str, Money]:
    if currency is None:
        return {}
    return (Tally(money={currency: Money(new=new)}) + Tally(money={old or currency: Money(cleared=settled)})).money


@lru_cache
def _statement(stage: Stage) -> bytes:
    presence, changes = stage.dataset.presence, fragments.changes(stage)
    more: dict[str, sql.Composable] = {"customer_entity": fragments.customer_entity()} if stage.dataset.refers_to else {}
    own = [name for name in stage.fields if name in stage.dataset.custom]
    if own:
        more["custom"] = fragments.together({name: sql.Identifier(name) for name in own})
    if presence:
        more |= {
            "scope": sql.SQL("%(scope)s"),
            presence.state: sql.SQL("now"),
            presence.since: sql.SQL("CASE now WHEN {} THEN now() END").format(presence.gone),
            presence.by: sql.SQL("CASE now WHEN {} THEN run_id END").format(presence.gone),
        }
    updates: list[sql.Composable] = [sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in changes.items()]
    updates += [sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in ("run_id", "source_line", "as_of")]
    updates += [sql.SQL("updated_at = now()")]
    if presence:
        gone = {"gone": sql.Literal(presence.gone), "since": sql.Identifier(presence.since), "by": sql.Identifier(presence.by)}
        updates += [
            sql.SQL("{since} = CASE s.now WHEN {gone} THEN coalesce(t.{since}, now()) END").format(**gone),
            sql.SQL("{by} = CASE s.now WHEN {gone} THEN coalesce(t.{by}, s.run_id) END").format(**gone),
        ]
    return _MERGE.format(
        stage=stage.table,
        table=stage.target,
        columns=fragments.names(
            ["entity", "run_id", "source_line", "as_of", *(name for name in stage.fields if name not in own)]
        ),
        more_columns=sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in more),
        more_values=sql.SQL("").join(sql.SQL(", {}").format(value) for value in more.values()),
        same=fragments.same(stage),
        differs=fragments.differs(stage),
        changes=sql.SQL(", ").join(updates),
        was=sql.SQL("t.{}").format(sql.Identifier(presence.state)) if presence else sql.SQL("NULL::text"),
        now=fragments.now(stage),
        here=sql.Literal(presence.here if presence else None),
        gone=sql.Literal(presence.gone if presence else None),
        old_currency=fragments.currency(stage, "t"),
        open=fragments.amount(stage, "t"),
        currency=fragments.currency(stage, "s"),
        amount=fragments.amount(stage, "s"),
        moved=_moved(stage),
    ).as_bytes()


def _moved(stage: Stage) -> sql.Composable:
    """Whether a row of the table is another customer's now."""
    if "customer_code" in stage.key or "customer_code" not in stage.fields or not stage.dataset.refers_to:
        return sql.SQL("false")
    return sql.SQL("coalesce(t.customer_code <> s.customer_code, false)")


def suppress(conn: Connection, stage: Stage) -> Tally:
    """Write down the values of the file that are not taken, for the field is not the file's to change."""
    if not fragments.kept(stage):
        return Tally()
    return Tally(suppressed=db.driver(conn).execute(_suppressed(stage), stage.values).rowcount)


@lru_cache
def _suppressed(stage: Stage) -> bytes:
    offers = [
        sql.SQL("({}, to_jsonb({}), to_jsonb({}), {})").format(
            name, fragments.cell(stage, "t", name), fragments.cell(stage, "s", name), stage.dataset.fields[name].owner == "fill"
        )
        for name in fragments.kept(stage)
    ]
    statement = sql.SQL("""
        INSERT INTO nightporter.suppressed (run_id, line, row_id, field, kept, offered)
        SELECT s.run_id, s.source_line, t.id, o.field, o.kept #>> '{{}}', o.offered #>> '{{}}'
        FROM {stage} s JOIN {table} t ON {same} CROSS JOIN LATERAL (VALUES {offers}) o (field, kept, offered, fills)
        WHERE s.run_id = %(run)s AND o.offered IS DISTINCT FROM o.kept AND o.offered IS NOT NULL
              AND NOT (o.fills AND o.kept IS NULL)
    """)
    return statement.format(
        stage=stage.table, table=stage.target, same=fragments.same(stage), offers=sql.SQL(", ").join(offers)
    ).as_bytes()


def confirm(conn: Connection, stage: Stage, merged: Tally) -> None:
    """Remember which rows a delta that was `merged` found as they were, so that an older one that comes late leaves them."""
    if merged.unchanged and not stage.rules.snapshot:
        db.driver(conn).execute(_confirmed(stage), stage.values)


@lru_cache
def _confirmed(stage: Stage) -> bytes:
    statement = sql.SQL("""
        INSERT INTO nightporter.confirmed (run_id, dataset, row_id, as_of)
        SELECT s.run_id, %(dataset)s, t.id, s.as_of FROM {stage} s JOIN {table} t ON {same}
        WHERE s.run_id = %(run)s AND t.run_id <> s.run_id AND (t.as_of IS NULL OR t.as_of < s.as_of)
    """)
    return statement.format(stage=stage.table, table=stage.target, same=fragments.same(stage)).as_bytes()


def written(conn: Connection, stage: Stage, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Of the staged rows that made or changed one of the table: the line, and some fields as they are now."""
    found = sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in fields)
    statement = sql.SQL("SELECT s.source_line, {} FROM {} s JOIN {} t ON {} WHERE s.run_id = %(run)s AND t.run_id = s.run_id")
    given = (found, stage.table, stage.target, fragments.same(stage))
    return db.driver(conn).execute(statement.format(*given), stage.values).fetchall()


def open_totals(conn: Connection, stage: Stage, entities: list[str]) -> dict[str, Decimal]:
    """What is open of the dataset by currency, over whole entities; nothing for a dataset that has no balance."""
    balance, presence = stage.dataset.balance, stage.dataset.presence
    if balance is None or presence is None:
        return {}
    if balance.totals:
        table, amount, only = sql.Identifier(*balance.totals.split(".")), "amount", sql.SQL("").format()
    else:
        table, amount, only = (
            stage.target,
            balance.amount,
            sql.SQL("AND {} = {}").format(sql.Identifier(presence.state), presence.here),
        )
    statement = sql.SQL("SELECT {}, sum({}) FROM {} WHERE entity = ANY(%s) {} GROUP BY 1").format(
        sql.Identifier(balance.currency), sql.Identifier(amount), table, only
    )
    found = db.driver(conn).execute(statement, [entities]).fetchall()
    return {currency: total for currency, total in found if currency is not None}

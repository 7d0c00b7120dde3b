"""Merge: one join tells new rows, changed rows and the rest apart; only these are written, and what changes is kept as it was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.marks import move_marks, settle_marks, sole
from daemon.loading.pairs import is_empty, joined
from daemon.loading.staging import Stage
from daemon.model import Money, Tally

_MERGE = sql.SQL("""
    WITH classified AS MATERIALIZED (
        SELECT s.*, t.id AS target, {was} AS was, {now} AS now, {old_amount} AS old_amount, {new_amount} AS new_amount,
               {old_currency} AS old_currency, {new_currency} AS new_currency, {counted} AS counted, {counts} AS counts,
               {old_scope} AS old_scope, {new_scope} AS new_scope, {moved} AS moved,
               {scaled} AS scaled
        FROM {joined}
    ), kept AS (
        INSERT INTO nightporter.row_change (run_id, dataset, row_id, before)
        SELECT %(run)s, %(dataset)s, t.id, to_jsonb(t) FROM classified c JOIN {table} t ON t.id = c.target
    ), created AS (
        {create} FROM classified s WHERE target IS NULL
    ), updated AS (
        UPDATE {table} t SET {changes} FROM classified s WHERE t.id = s.target
    ), judged AS (
        SELECT *, target IS NOT NULL AND was = {here} AND counted AS counted_before,
               target IS NOT NULL AND was = {here} AND NOT counted AS left_out_before,
               now = {here} AND counts AS counted_after,
               target IS NOT NULL AND was = {here} AND counted AND now = {here} AND counts
               AND new_currency = old_currency AS stays
        FROM classified
    )
    SELECT entity, new_currency, old_currency, CASE WHEN old_scope = new_scope THEN old_scope END AS scope,
           count(*) FILTER (WHERE target IS NULL) AS created, count(*) FILTER (WHERE target IS NOT NULL) AS updated,
           count(*) FILTER (WHERE was = {here} AND now = {gone}) AS cleared,
           count(*) FILTER (WHERE was = {gone} AND now = {here}) AS reopened, count(*) FILTER (WHERE moved) AS moved,
           count(*) FILTER (WHERE target IS NOT NULL AND scaled) AS scaled,
           sum(new_amount) FILTER (WHERE target IS NULL AND counted_after) AS new_money,
           sum(new_amount) FILTER (WHERE was = {gone} AND counted_after) AS reopened_money,
           sum(new_amount) FILTER (WHERE left_out_before AND counted_after) AS entered,
           sum(old_amount) FILTER (WHERE counted_before AND now = {here} AND NOT counts) AS left_out,
           sum(old_amount) FILTER (WHERE counted_before AND now = {gone}) AS cleared_money,
           sum(greatest(new_amount - old_amount, 0)) FILTER (WHERE stays) AS increased,
           sum(greatest(old_amount - new_amount, 0)) FILTER (WHERE stays) AS decreased,
           sum(new_amount) FILTER (WHERE counted_before AND counted_after AND NOT stays) AS changed_into,
           sum(old_amount) FILTER (WHERE counted_before AND counted_after AND NOT stays) AS changed_from,
           sum(old_amount) FILTER (WHERE counted_before AND old_scope <> new_scope) AS taken_over,
           sum(greatest(new_amount, 0)) FILTER (WHERE target IS NOT NULL AND counted_after) AS debits_after,
           sum(least(new_amount, 0)) FILTER (WHERE target IS NOT NULL AND counted_after) AS credits_after,
           sum(greatest(old_amount, 0)) FILTER (WHERE counted_before) AS debits_before,
           sum(least(old_amount, 0)) FILTER (WHERE counted_before) AS credits_before
    FROM judged GROUP BY 1, 2, 3, 4
""")
_CREATE = sql.SQL("INSERT INTO {table} ({columns}, created_by_run{more_columns}) SELECT {columns}, run_id{more_values}")
_ALL_NEW = sql.SQL("{create} FROM (SELECT s.*, {now} AS now FROM {stage} s WHERE run_id = %(run)s) s")
_STAGED = sql.SQL("""
    SELECT entity, {currency} AS currency, count(*) AS staged, sum({amount}) FILTER (WHERE {counts}) AS taken,
           sum({amount}) FILTER (WHERE NOT {counts}) AS off_balance
    FROM {stage} s WHERE run_id = %(run)s GROUP BY 1, 2
""")
_NOTHING = Decimal(0)


@dataclass
class Merged:
    """What a merge came to: its tally; how many other rows lost a mark that only one can have; of how many rows that were there
    the amount is a hundred or a thousand times, or that part of, what it was; by entity and currency what became of the open
    debits and credits of the rows it changed; and whose scopes, beside its own, it changed something in.
    """

    tally: Tally = field(default_factory=Tally)
    marks_moved: int = 0
    scaled: int = 0
    changed: dict[tuple[str, str], tuple[Decimal, Decimal]] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=set)

    def change(self, entity: str, currency: str | None, debits: Decimal, credits: Decimal) -> None:
        """Add to what became of a currency."""
        if currency is not None:
            before = self.changed.get((entity, currency), (_NOTHING, _NOTHING))
            self.changed[entity, currency] = (before[0] + debits, before[1] + credits)


def merge(conn: Connection, stage: Stage) -> Merged:
    """Bring the dataset's table up to the staged rows."""
    mark = sole(stage)
    if mark:
        settle_marks(conn, stage, mark)
    merged = Merged()
    with db.driver(conn).cursor(row_factory=dict_row) as cursor:
        staged = cursor.execute(_staged(stage), stage.values).fetchall()
        for row in staged:
            merged.tally += Tally(unchanged=row["staged"], money=_of(row, row["currency"], "taken", "off_balance"))
        if stage.own and is_empty(conn, stage, {row["entity"] for row in staged}):
            cursor.execute(_all_new(stage), stage.values)
            for row in staged:
                new = _of(row, row["currency"], new="taken")
                merged.tally += Tally(created=row["staged"], unchanged=-row["staged"], money=new)
            return merged
        for row in cursor.execute(_statement(stage), stage.values):
            merged.tally += _tally(row)
            merged.scaled += row["scaled"]
            after, before = (
                (row[f"debits_{when}"] or _NOTHING, row[f"credits_{when}"] or _NOTHING) for when in ("after", "before")
            )
            merged.change(row["entity"], row["new_currency"], *after)
            merged.change(row["entity"], row["old_currency"], -before[0], -before[1])
            merged.scopes |= {row["scope"]} - {None}
    merged.marks_moved = move_marks(conn, stage, mark) if mark else 0
    return merged


def _tally(row: Mapping[str, Any]) -> Tally:
    """What became of the rows that were in one currency and are in another, or the same."""
    counted = ("created", "updated", "cleared", "reopened", "moved")
    new, old = row["new_currency"], row["old_currency"] or row["new_currency"]
    rows = Tally(unchanged=-row["created"] - row["updated"], **{name: row[name] for name in counted})
    into = _of(row, new, new="new_money", reopened="reopened_money", by_type="entered", currency_changed="changed_into")
    kept = _of(row, old, "increased", "decreased", "taken_over", cleared="cleared_money")
    out = {currency: -money for currency, money in _of(row, old, by_type="left_out", currency_changed="changed_from").items()}
    return rows + Tally(money=into) + Tally(money=kept) + Tally(money=out)


def _of(row: Mapping[str, Any], currency: str | None, *same: str, **named: str) -> dict[str, Money]:
    """Money of one currency, from columns of a row."""
    if currency is None:
        return {}
    sums = {name: row[column] or _NOTHING for name, column in (dict(zip(same, same, strict=True)) | named).items()}
    return {currency: Money(**sums)}


@lru_cache
def _staged(stage: Stage) -> bytes:
    return _STAGED.format(
        stage=stage.table,
        currency=fragments.currency(stage, "s"),
        amount=fragments.amount(stage, "s"),
        counts=fragments.counts(stage.dataset, "s"),
    ).as_bytes()


@lru_cache
def _all_new(stage: Stage) -> bytes:
    return _ALL_NEW.format(create=_create(stage), now=fragments.now(stage), stage=stage.table).as_bytes()


def _create(stage: Stage) -> sql.Composed:
    """How new rows are made of staged ones, which have their state as `now`."""
    presence = stage.dataset.presence
    more: dict[str, sql.Composable] = {"customer_entity": fragments.customer_entity()} if stage.dataset.refers_to else {}
    own = [name for name in stage.fields if name in stage.dataset.custom]
    for name in stage.fields:
        if stage.dataset.fields[name].shared:
            more[fragments.brought(name)] = sql.Identifier(name)
    if own:
        more["custom"] = fragments.together({name: sql.Identifier(name) for name in own})
    if presence:
        more |= {
            "scope": sql.SQL("%(scope)s"),
            presence.state: sql.SQL("now"),
            presence.since: sql.SQL("CASE now WHEN {} THEN now() END").format(presence.gone),
            presence.by: sql.SQL("CASE now WHEN {} THEN run_id END").format(presence.gone),
        }
    return _CREATE.format(
        table=stage.target,
        columns=fragments.names(
            ["entity", "run_id", "source_line", "as_of", *(name for name in stage.fields if name not in own)]
        ),
        more_columns=sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in more),
        more_values=sql.SQL("").join(sql.SQL(", {}").format(value) for value in more.values()),
    )


@lru_cache
def _statement(stage: Stage) -> bytes:
    presence, changes = stage.dataset.presence, fragments.changes(stage)
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
        table=stage.target,
        create=_create(stage),
        joined=joined(stage),
        changes=sql.SQL(", ").join(updates),
        was=sql.SQL("t.{}").format(sql.Identifier(presence.state)) if presence else sql.SQL("NULL::text"),
        now=fragments.now(stage),
        here=sql.Literal(presence.here if presence else None),
        gone=sql.Literal(presence.gone if presence else None),
        **_amounts(stage, changes),
        moved=_moved(stage),
        scaled=_scaled(stage),
    ).as_bytes()


def _scaled(stage: Stage) -> sql.Composable:
    """Whether an amount of a row that is there would be a hundred or a thousand times, or that part of, what it is."""
    balance = stage.dataset.balance
    names = [name for name in (balance.amount, balance.whole) if name in stage.fields and name] if balance else []
    times = sql.SQL("(s.{0} <> 0 AND t.{0} <> 0 AND greatest(abs(s.{0}), abs(t.{0})) >= 1 AND ({1}))")
    one = sql.SQL("abs(abs(s.{0}) - {1} * abs(t.{0})) <= {1} * 0.005 OR abs(abs(t.{0}) - {1} * abs(s.{0})) <= {1} * 0.005")
    terms = [
        times.format(
            sql.Identifier(name), sql.SQL(" OR ").join(one.format(sql.Identifier(name), factor) for factor in (100, 1000))
        )
        for name in names
    ]
    return sql.SQL(" OR ").join(terms) if terms else sql.SQL("false")


def _amounts(stage: Stage, changes: Mapping[str, sql.Composable]) -> dict[str, sql.Composable]:
    """What a row was in the balance, and what it is now."""
    balance, scoped = stage.dataset.balance, stage.dataset.presence is not None
    scopes = {"old_scope": sql.SQL("t.scope" if scoped else "''"), "new_scope": changes.get("scope", sql.SQL("''"))}
    old = {
        "old_amount": fragments.amount(stage, "t"),
        "old_currency": fragments.currency(stage, "t"),
        "counted": fragments.counts(stage.dataset, "t"),
    }
    if balance is None:
        nothing = {"new_amount": sql.SQL("NULL::numeric"), "new_currency": sql.SQL("NULL::text"), "counts": sql.SQL("true")}
        return scopes | old | nothing

    def then(name: str) -> sql.Composable:
        """A field as it is once the row is merged."""
        given = sql.SQL("s.{}").format(sql.Identifier(name)) if name in stage.fields else sql.SQL("NULL")
        later = changes.get(name, sql.SQL("t.{}").format(sql.Identifier(name)))
        return sql.SQL("CASE WHEN t.id IS NULL THEN {} ELSE {} END").format(given, later)

    counts: sql.Composable = sql.SQL("true")
    if balance.type and balance.uncounted:
        counts = sql.SQL("coalesce({} <> ALL ({}::text[]), true)").format(then(balance.type), balance.uncounted)
    return scopes | old | {"new_amount": then(balance.amount), "new_currency": then(balance.currency), "counts": counts}


def _moved(stage: Stage) -> sql.Composable:
    """Whether a row of the table is another customer's now."""
    if "customer_code" in stage.key or "customer_code" not in stage.fields or not stage.dataset.refers_to:
        return sql.SQL("false")
    return sql.SQL("coalesce(t.customer_code <> s.customer_code, false)")

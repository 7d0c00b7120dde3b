"""Merge: one join tells new rows, changed rows and the rest apart; only what is new or changed is written."""

from decimal import Decimal
from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading.staging import Stage
from daemon.model import Money, Tally

_MERGE = sql.SQL("""
    WITH classified AS MATERIALIZED (
        SELECT s.*, t.id AS target, {was} AS was, {now} AS now, {open} AS open_before, {old_currency} AS old_currency
        FROM {stage} s LEFT JOIN {table} t ON {same}
        WHERE s.run_id = %(run)s AND (t.id IS NULL OR {differs})
    ), created AS (
        INSERT INTO {table} ({columns}, created_by_run{state_columns})
        SELECT {columns}, run_id{state_values} FROM classified WHERE target IS NULL
    ), updated AS (
        UPDATE {table} t SET {changes} FROM classified c WHERE t.id = c.target
    )
    SELECT {currency}, old_currency, count(*) FILTER (WHERE target IS NULL), count(*) FILTER (WHERE target IS NOT NULL),
           count(*) FILTER (WHERE was = 'open' AND now = 'cleared'), count(*) FILTER (WHERE was = 'cleared' AND now = 'open'),
           coalesce(sum({amount}) FILTER (WHERE target IS NULL), 0),
           coalesce(sum(open_before) FILTER (WHERE was = 'open' AND now = 'cleared'), 0)
    FROM classified GROUP BY 1, 2
""")


def merge(conn: Connection, stage: Stage, tally: Tally) -> None:
    """Bring the dataset's table up to the staged rows, and count into `tally` what that took."""
    connection = db.driver(conn)
    written = 0
    for currency, old_currency, created, updated, cleared, reopened, new, settled in connection.execute(
        _statement(stage), stage.run
    ):
        written += created + updated
        tally.created += created
        tally.updated += updated
        tally.cleared += cleared
        tally.reopened += reopened
        if currency is not None:
            tally.money.setdefault(currency, Money()).new += new
            tally.money.setdefault(old_currency or currency, Money()).cleared += settled
    count = sql.SQL("SELECT count(*) FROM {} WHERE run_id = %s").format(stage.table)
    tally.unchanged += connection.execute(count, [stage.run_id]).fetchall()[0][0] - written


def open_totals(conn: Connection, stage: Stage, entities: list[str]) -> dict[str, Decimal]:
    """What is open of the dataset by currency, over whole entities; nothing for a dataset that has no balance."""
    if stage.dataset.balance is None:
        return {}
    totals = sql.Identifier(*stage.dataset.balance.totals.split("."))
    statement = sql.SQL("SELECT currency, sum(amount) FROM {} WHERE entity = ANY(%s) GROUP BY 1").format(totals)
    return dict(db.driver(conn).execute(statement, [entities]).fetchall())


@lru_cache
def _statement(stage: Stage) -> bytes:
    return _MERGE.format(**_parts(stage)).as_bytes()


def _parts(stage: Stage) -> dict[str, sql.Composable]:
    changeable = [name for name in stage.fields if name not in stage.key and stage.dataset.fields[name].owner == "erp"]
    balance = stage.dataset.balance
    amount = sql.Identifier(balance.amount) if balance else sql.SQL("NULL::numeric")
    now = sql.SQL("CASE WHEN s.{} = 0 THEN 'cleared' ELSE 'open' END").format(amount)
    return {
        "stage": stage.table,
        "table": stage.target,
        "columns": _list(["entity", "run_id", "source_line", *stage.fields]),
        "same": _same(stage),
        "differs": _differs(changeable, now if balance else None),
        "changes": sql.SQL(", ").join(_changes(changeable, bool(balance))),
        "was": sql.SQL("t.state") if balance else sql.SQL("NULL::text"),
        "now": now if balance else sql.SQL("NULL::text"),
        "old_currency": sql.SQL("t.{}").format(sql.Identifier(balance.currency)) if balance else sql.SQL("NULL::text"),
        "open": sql.SQL("t.{}").format(amount) if balance else amount,
        "currency": sql.Identifier(balance.currency) if balance else sql.SQL("NULL::text"),
        "amount": amount,
        "state_columns": sql.SQL(", state, cleared_at, cleared_by" if balance else ""),
        "state_values": sql.SQL(
            ", now, CASE now WHEN 'cleared' THEN now() END, CASE now WHEN 'cleared' THEN run_id END" if balance else ""
        ),
    }


def _same(stage: Stage) -> sql.Composed:
    """The row of the table that a staged row is. Rows known by another key are none of them."""
    other_keys = {name for key in stage.dataset.keys if tuple(key) != stage.key and len(key) == 1 for name in key}
    terms = [sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in ["entity", *stage.key]]
    terms += [sql.SQL("t.{} IS NULL").format(sql.Identifier(name)) for name in sorted(other_keys)]
    return sql.SQL(" AND ").join(terms)


def _differs(changeable: list[str], now: sql.Composed | None) -> sql.Composed:
    """Whether anything would change. A blank in the file leaves what is stored."""
    term = sql.SQL("(s.{0} IS NOT NULL AND s.{0} IS DISTINCT FROM t.{0})")
    terms: list[sql.Composable] = [term.format(sql.Identifier(name)) for name in changeable]
    if now is not None:
        terms.append(sql.SQL("t.state <> {}").format(now))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(terms or [sql.SQL("false")]))


def _changes(changeable: list[str], has_state: bool) -> list[sql.Composable]:
    changes: list[sql.Composable] = [sql.SQL("{0} = coalesce(c.{0}, t.{0})").format(sql.Identifier(name)) for name in changeable]
    changes += [sql.SQL("run_id = c.run_id"), sql.SQL("source_line = c.source_line"), sql.SQL("updated_at = now()")]
    if has_state:
        changes += [
            sql.SQL("state = c.now"),
            sql.SQL("cleared_at = CASE c.now WHEN 'cleared' THEN coalesce(t.cleared_at, now()) END"),
            sql.SQL("cleared_by = CASE c.now WHEN 'cleared' THEN coalesce(t.cleared_by, c.run_id) END"),
        ]
    return changes


def _list(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))

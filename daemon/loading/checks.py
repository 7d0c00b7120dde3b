"""Checks that need more than one row, by SQL on the stage: twins in the file; and what a check came to."""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.staging import Stage
from daemon.model import Money, Reason, ReasonCode, Tally


def settle_twins(conn: Connection, stage: Stage) -> Tally:
    """Rows with the same key: if they are equal over the mapped fields the first stays and the others are skipped;
    if they differ all are rejected, for none may win by chance; but of what rides along the last one counts.
    """
    if stage.own and not db.driver(conn).execute(_any_twins(stage), stage.values).fetchall()[0][0]:
        return Tally()
    if not stage.own:
        return counted(conn, stage, _twins(stage))
    connection = db.driver(conn)
    connection.execute("SET LOCAL enable_nestloop = off")  # how many twins there are the planner cannot know: it thinks of few
    settled = counted(conn, stage, _twins(stage))
    connection.execute("SET LOCAL enable_nestloop = on")
    return settled


@lru_cache
def _any_twins(stage: Stage) -> bytes:
    """Whether any two rows may have one key: by a hash of it, which is quickly told of many rows and hardly ever wrong."""
    return (
        sql.SQL("""
            SELECT EXISTS (SELECT FROM {stage} s WHERE run_id = %(run)s
                           GROUP BY hash_record_extended(ROW({key}), 0) HAVING count(*) > 1)""")
        .format(stage=stage.table, key=sql.SQL(", ").join(fragments.key(stage, "s")))
        .as_bytes()
    )


def written_otherwise(conn: Connection, stage: Stage, few: int) -> tuple[int, list[str]]:
    """Of what rides along, of how many the file has rows that differ; and a `few` of them."""
    if not stage.rules.rides_along:
        return 0, []
    key = fragments.key(stage, "s")
    statement = sql.SQL("""
        SELECT {label}, count(*) OVER () FROM {stage} s WHERE run_id = %(run)s GROUP BY {key}, {label}
        HAVING count(DISTINCT ROW({fields})::text) > 1 ORDER BY 1 LIMIT %(few)s
    """).format(
        label=sql.SQL("s.{}::text").format(sql.Identifier(stage.label_field)),
        stage=stage.table,
        key=sql.SQL(", ").join(key),
        fields=fragments.names(stage.fields),
    )
    rows = db.driver(conn).execute(statement, stage.values | {"few": few}).fetchall()
    return (rows[0][1] if rows else 0), [row[0] for row in rows]


@lru_cache
def _twins(stage: Stage) -> bytes:
    statement = sql.SQL("""
        WITH twice AS MATERIALIZED (
            SELECT {key} FROM {stage} s WHERE run_id = %(run)s GROUP BY {key} HAVING count(*) > 1
        ), twins AS MATERIALIZED (
            SELECT {named_key}, source_line, ROW({fields})::text AS content, {told}
            FROM {stage} s WHERE run_id = %(run)s AND ({key}) IN (SELECT * FROM twice)
        ), judged AS MATERIALIZED (
            SELECT *, min(source_line) OVER own AS first, max(source_line) OVER own AS last,
                   min(content) OVER own = max(content) OVER own AS equal
            FROM twins WINDOW own AS (PARTITION BY {key_names})
        ), off AS (
            DELETE FROM {stage} s USING judged j
            WHERE s.run_id = %(run)s AND s.source_line = j.source_line AND ({faulted} OR j.source_line <> j.{stays})
        ), taken AS (
            SELECT *, CASE WHEN source_line = first THEN last ELSE first END::text AS detail, {faulted} AS faulty
            FROM judged j WHERE {faulted} OR source_line <> {stays}
        ) {end}
    """)
    rides = stage.rules.rides_along
    key = fragments.key(stage, "s")
    key_names = [sql.Identifier(f"key {number}") for number in range(len(key))]
    named = [sql.SQL("{} AS {}").format(term, name) for term, name in zip(key, key_names, strict=True)]
    return filled(
        statement,
        stage,
        ReasonCode.DUPLICATE_KEY,
        stage.label_field,
        key=sql.SQL(", ").join(key),
        named_key=sql.SQL(", ").join(named),
        key_names=sql.SQL(", ").join(key_names),
        fields=fragments.names(stage.fields),
        faulty=sql.SQL("faulty"),
        faulted=sql.SQL("false" if rides else "NOT j.equal"),
        stays=sql.SQL("last" if rides else "first"),
    )


_END = sql.SQL("""
    , faulted AS (
        INSERT INTO nightporter.stage_fault (run_id, line, reasons)
        SELECT %(run)s, source_line, jsonb_build_array(jsonb_build_object('code', {code}, 'field', {field},
               'value', coalesce(label, ''), 'detail', coalesce(detail, '')))
        FROM taken WHERE {faulty}
    ){guarded}
    SELECT currency, count(*) FILTER (WHERE {faulty}), count(*) FILTER (WHERE NOT {faulty}),
           coalesce(sum(amount) FILTER (WHERE {faulty}), 0), coalesce(sum(amount) FILTER (WHERE NOT {faulty}), 0)
    FROM taken GROUP BY currency
""")
_GUARDED = sql.SQL(""", guarded AS (
        INSERT INTO nightporter.stage_protected (run_id, number) SELECT %(run)s, number FROM taken WHERE {faulty}
    )""")


def filled(
    statement: sql.SQL,
    stage: Stage,
    fault: ReasonCode,
    label: str,
    faulty: sql.SQL | None = None,
    *,
    protects: bool = True,
    **more: sql.Composable,
) -> bytes:
    """A check's statement: its `taken` are the rows it takes off the stage, each with what is `{told}` of it and a detail;
    `{end}` writes down the faults of the `faulty` ones and counts them. Those of a snapshot keep what they speak of from being
    taken for gone, unless they say nothing that `protects` it.
    """
    presence = stage.dataset.presence
    known = {
        "code": sql.Literal(str(fault)),
        "field": sql.Literal(label),
        "faulty": faulty or sql.SQL("true"),
    }
    known["guarded"] = _GUARDED.format(**known) if stage.rules.snapshot and protects else sql.SQL("")
    named = {
        "label": sql.SQL("s.{}::text").format(sql.Identifier(label)),
        "currency": fragments.currency(stage, "s"),
        "amount": fragments.amount(stage, "s"),
        "number": sql.SQL("s.{}").format(sql.Identifier(presence.protects)) if presence else sql.SQL("NULL::text"),
    }
    return statement.format(
        stage=stage.table,
        table=stage.target,
        same=fragments.same(stage),
        told=sql.SQL(", ").join(sql.SQL("{} AS {}").format(term, sql.Identifier(name)) for name, term in named.items()),
        end=_END.format(**known),
        **more,
    ).as_bytes()


def counted(conn: Connection, stage: Stage, statement: bytes) -> Tally:
    """Run a check; returns how many rows it took off the stage as rejected, and as twins skipped, with their money."""
    tally = Tally()
    for currency, rejected, skipped, faulty, twins in db.driver(conn).execute(statement, stage.values):
        money = {} if currency is None else {currency: Money(rejected=faulty, twins=twins)}
        tally += Tally(rejected=rejected, skipped=skipped, money=money)
    return tally


def taken_off(stage: Stage, deleting: sql.Composable, *, protects: bool = False) -> sql.Composed:
    """A statement that takes rows off the stage by a DELETE of `s` without its RETURNING, and counts them by currency; with
    `protects`, what they speak of is not taken for gone by a snapshot.
    """
    presence = stage.dataset.presence
    guarded = sql.SQL("")
    if protects and presence and stage.rules.snapshot:
        guarded = sql.SQL(
            ", guarded AS (INSERT INTO nightporter.stage_protected (run_id, number) SELECT %(run)s, number FROM off)"
        )
    return sql.SQL("""
        WITH off AS ({deleting} RETURNING {currency} AS currency, {amount} AS amount, {number} AS number){guarded}
        SELECT currency, count(*), coalesce(sum(amount), 0) FROM off GROUP BY 1
    """).format(
        deleting=deleting,
        currency=fragments.currency(stage, "s"),
        amount=fragments.amount(stage, "s"),
        number=sql.SQL("s.{}").format(sql.Identifier(presence.protects)) if presence else sql.SQL("NULL::text"),
        guarded=guarded,
    )


def skipped(conn: Connection, stage: Stage, statement: bytes, **given: object) -> Tally:
    """Run a statement of `taken_off`; returns how many rows were skipped, and their money."""
    tally = Tally()
    for currency, count, amount in db.driver(conn).execute(statement, stage.values | given):
        tally += Tally(skipped=count, money={} if currency is None else {currency: Money(skipped=amount)})
    return tally


def turned_down(conn: Connection, stage: Stage, first: int, last: int) -> dict[int, tuple[Reason, ...]]:
    """The reasons of the rows between two lines that the checks rejected, by line; they are told once."""
    rows = db.driver(conn).execute(
        "DELETE FROM nightporter.stage_fault WHERE run_id = %s AND line BETWEEN %s AND %s RETURNING line, reasons",
        [stage.run_id, first, last],
    )
    return {
        line: tuple(Reason(**(reason | {"code": ReasonCode(reason["code"])})) for reason in reasons) for line, reasons in rows
    }


def countries(conn: Connection, entity: str) -> dict[str, float]:
    """The countries of an entity's customers, each with its share."""
    statement = """
        SELECT country, (count(*) / sum(count(*)) OVER ())::float8 FROM ar.customer
        WHERE entity = %s AND country IS NOT NULL GROUP BY country
    """
    return dict(db.driver(conn).execute(statement, [entity]).fetchall())


def known_customers(conn: Connection, codes: list[str]) -> int:
    """How many of some codes are customers, of whatever entity."""
    statement = "SELECT count(DISTINCT customer_code) FROM ar.customer WHERE customer_code = ANY(%s)"
    count: int = db.driver(conn).execute(statement, [codes]).fetchall()[0][0]
    return count

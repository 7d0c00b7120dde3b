"""Matching: which row of the table a staged row is, where that may be unclear; and which staged rows come too late."""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon import db
from daemon.loading import fragments
from daemon.loading.checks import counted, filled
from daemon.loading.staging import Stage
from daemon.loading.standing import Standing
from daemon.model import ReasonCode, Tally


def resolve_aliases(conn: Connection, stage: Stage) -> None:
    """Give staged rows the code that their customer has now, where they come with an old one (`ar.customer_alias`)."""
    if stage.dataset.refers_to and conn.exec_driver_sql("SELECT FROM ar.customer_alias LIMIT 1").rowcount:
        statement = sql.SQL("""
            UPDATE {stage} s SET customer_code = a.customer_code FROM ar.customer_alias a
            WHERE s.run_id = %(run)s AND a.entity = {entity} AND a.old_code = s.customer_code
        """)
        db.driver(conn).execute(statement.format(stage=stage.table, entity=fragments.customer_entity()), stage.values)


def reject_ambiguous(conn: Connection, stage: Stage) -> Tally:
    """Reject rows that are the same as several of the table; and, where rows are matched by something else than the dataset's
    own key, new ones whose key another row has.
    """
    if list(stage.key) in stage.dataset.keys:
        return Tally()
    result = counted(conn, stage, _ambiguous(stage))
    for own in stage.dataset.keys:
        if set(own) <= set(stage.fields):
            result += counted(conn, stage, _taken(stage, tuple(own)))
            result += counted(conn, stage, _shared(stage, tuple(own)))
    return result


@lru_cache
def _ambiguous(stage: Stage) -> bytes:
    statement = sql.SQL("""
        WITH candidates AS MATERIALIZED (
            SELECT s.source_line, string_agg(concat_ws(' ', '#' || t.id, {known_as}), ', ' ORDER BY t.id) AS named
            FROM {stage} s JOIN {table} t ON {same} WHERE s.run_id = %(run)s GROUP BY 1 HAVING count(*) > 1
        ), taken AS (
            DELETE FROM {stage} s USING candidates c WHERE s.run_id = %(run)s AND s.source_line = c.source_line
            RETURNING s.source_line, c.named AS detail, {told}
        ) {end}
    """)
    known_as = next(name for name, field in stage.dataset.fields.items() if field.required)
    return filled(
        statement,
        stage,
        ReasonCode.AMBIGUOUS,
        stage.label_field,
        known_as=sql.SQL("t.{}").format(sql.Identifier(known_as)),
    )


@lru_cache
def _taken(stage: Stage, own: tuple[str, ...]) -> bytes:
    statement = sql.SQL("""
        WITH taken AS (
            DELETE FROM {stage} s USING {table} o
            WHERE s.run_id = %(run)s AND {own} AND NOT EXISTS (SELECT FROM {table} t WHERE {same})
            RETURNING s.source_line, '#' || o.id AS detail, {told}
        ) {end}
    """)
    terms_own = [sql.SQL("o.{0} = s.{0}").format(sql.Identifier(name)) for name in ("entity", *own)]
    return filled(
        statement,
        stage,
        ReasonCode.KEY_TAKEN,
        own[-1],
        own=sql.SQL(" AND ").join(terms_own),
    )


@lru_cache
def _shared(stage: Stage, own: tuple[str, ...]) -> bytes:
    """Of new rows with one key of the dataset's own none is taken, for none may win by chance."""
    statement = sql.SQL("""
        WITH fresh AS MATERIALIZED (
            SELECT source_line, {own}, count(*) OVER (PARTITION BY {own}) AS together, string_agg(source_line::text, ', ')
                   OVER (PARTITION BY {own}) AS lines
            FROM {stage} s WHERE s.run_id = %(run)s AND {filled} AND NOT EXISTS (SELECT FROM {table} t WHERE {same})
        ), taken AS (
            DELETE FROM {stage} s USING fresh f
            WHERE s.run_id = %(run)s AND s.source_line = f.source_line AND f.together > 1
            RETURNING s.source_line, f.lines AS detail, {told}
        ) {end}
    """)
    filled_in = [sql.SQL("s.{} IS NOT NULL").format(sql.Identifier(name)) for name in own]
    return filled(
        statement,
        stage,
        ReasonCode.DUPLICATE_KEY,
        own[-1],
        own=fragments.names(("entity", *own)),
        filled=sql.SQL(" AND ").join(filled_in),
    )


def skip_known(conn: Connection, stage: Stage) -> Tally:
    """Take off the stage what is in the table already, where the profile only inserts."""
    if not stage.rules.insert_only:
        return Tally()
    statement = sql.SQL("DELETE FROM {} s USING {} t WHERE s.run_id = %(run)s AND {}")
    known = db.driver(conn).execute(statement.format(stage.table, stage.target, fragments.same(stage)), stage.values)
    return Tally(skipped=known.rowcount)


def skip_older(conn: Connection, stage: Stage, standing: Standing) -> Tally:
    """Take off the stage the rows of which something younger is known: from a later file, that had them otherwise, or as they
    are stored, or that spoke for their whole scope.
    """
    return Tally(skipped=db.driver(conn).execute(_older(stage), stage.values).rowcount if standing.late else 0)


def reject_outdated(conn: Connection, stage: Stage, original: int) -> Tally:
    """Reject the rows of a correction of which a run has spoken since the original one, and not about an earlier day: by changing
    them, finding them as they are, having them wait, or saying all there is of their scope; and those of which something younger
    was known before.
    """
    return counted(conn, stage, _outdated(stage, original))


def _outdated(stage: Stage, original: int) -> bytes:
    presence = stage.dataset.presence
    cleared: sql.Composable = sql.SQL("")
    scope = sql.SQL("%(scope)s")
    if presence:
        cleared = sql.SQL("OR l.id = t.{}").format(sql.Identifier(presence.by))
        scope = sql.SQL("coalesce(t.scope, %(scope)s)")
    statement = sql.SQL("""
        WITH RECURSIVE family AS (
            SELECT {original}::bigint AS id
            UNION
            SELECT r.id FROM nightporter.import_run r JOIN family f ON r.corrects = f.id OR r.parent_id = f.id
        ), later AS MATERIALIZED (
            SELECT l.id, l.finished_at > p.finished_at AS since
            FROM nightporter.import_run l JOIN nightporter.import_run p ON p.id = {original}
            WHERE l.dataset = p.dataset AND l.state = 'imported' AND l.undone_at IS NULL
                  AND (l.business_date > p.business_date OR (l.business_date = p.business_date AND l.finished_at > p.finished_at))
                  AND l.id NOT IN (SELECT id FROM family)
        ), spoken_of AS MATERIALIZED (
            SELECT s.source_line, max(l.id) AS run FROM {stage} s LEFT JOIN {table} t ON {same}
            JOIN later l ON l.id = t.run_id {cleared}
                 OR EXISTS (SELECT FROM nightporter.confirmed c
                            WHERE c.run_id = l.id AND c.dataset = %(dataset)s AND c.row_id = t.id)
                 OR EXISTS (SELECT FROM nightporter.parked q
                            WHERE q.run_id = l.id AND q.dataset = %(dataset)s AND q.key = {key} AND q.ended_at IS NULL)
                 OR EXISTS (SELECT FROM nightporter.snapshot n
                            WHERE n.run_id = l.id AND n.dataset = %(dataset)s AND n.entity = s.entity AND n.scope = {scope}
                                  AND (l.since OR t.id IS NOT NULL))
            WHERE s.run_id = %(run)s GROUP BY 1
        ), taken AS (
            DELETE FROM {stage} s USING spoken_of o WHERE s.run_id = %(run)s AND s.source_line = o.source_line
            RETURNING s.source_line, o.run::text AS detail, {told}
        ) {end}
    """)
    return filled(
        statement,
        stage,
        ReasonCode.OUTDATED,
        stage.label_field,
        original=sql.Literal(original),
        cleared=cleared,
        scope=scope,
        key=fragments.whole_key(stage, "s"),
    )


@lru_cache
def _older(stage: Stage) -> bytes:
    statement = sql.SQL("""
        WITH confirmed AS MATERIALIZED (
            SELECT c.row_id, max(c.as_of) AS as_of
            FROM nightporter.confirmed c JOIN nightporter.import_run r ON r.id = c.run_id
            WHERE c.dataset = %(dataset)s AND c.as_of > %(as_of)s AND r.undone_at IS NULL GROUP BY 1
        ), spoken_for AS MATERIALIZED (
            SELECT n.entity, n.scope, max(n.business_date) AS as_of
            FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
            WHERE n.dataset = %(dataset)s AND n.business_date > %(as_of)s AND r.undone_at IS NULL GROUP BY 1, 2
        )
        DELETE FROM {stage} s USING {table} t
            LEFT JOIN confirmed c ON c.row_id = t.id
            LEFT JOIN spoken_for n ON {in_scope}
        WHERE s.run_id = %(run)s AND {same} AND greatest(t.as_of, c.as_of, n.as_of) > s.as_of
    """)
    in_scope = "n.entity = t.entity AND n.scope = t.scope" if stage.dataset.presence else "false"
    return statement.format(
        stage=stage.table, table=stage.target, same=fragments.same(stage), in_scope=sql.SQL(in_scope)
    ).as_bytes()

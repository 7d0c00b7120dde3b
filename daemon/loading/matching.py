"""Matching: which row of the table a staged row is, where that may be unclear."""

from functools import lru_cache

from psycopg import sql
from sqlalchemy import Connection

from daemon.loading import fragments
from daemon.loading.checks import counted, filled, skipped, taken_off
from daemon.loading.staging import Stage
from daemon.model import ReasonCode, Tally


def reject_ambiguous(conn: Connection, stage: Stage) -> Tally:
    """Reject rows that are the same as several of the table; and, where rows are matched by something else than the dataset's
    own key, new ones whose key another row has.
    """
    if list(stage.key) in stage.dataset.keys:
        return Tally()
    result = counted(conn, stage, _ambiguous(stage))
    if stage.fallback:
        result += counted(conn, stage, _so_called_too(stage))
        result += counted(conn, stage, _crowded(stage))
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
def _so_called_too(stage: Stage) -> bytes:
    """Of a row without what rows are known by, the file has another that is called the same."""
    statement = sql.SQL("""
        WITH others AS MATERIALIZED (
            SELECT s.source_line, string_agg(DISTINCT o.{last}::text, ', ') AS line FROM {stage} s JOIN {stage} o ON {same_owner}
            WHERE s.run_id = %(run)s AND o.run_id = %(run)s AND s.{last} IS NULL AND o.{last} IS NOT NULL
                  AND {called_s} = {called_o} GROUP BY 1
        ), taken AS (
            DELETE FROM {stage} s USING others o WHERE s.run_id = %(run)s AND s.source_line = o.source_line
            RETURNING s.source_line, o.line AS detail, {told}
        ) {end}
    """)
    *owner, last = stage.key
    return filled(
        statement,
        stage,
        ReasonCode.AMBIGUOUS,
        stage.fallback or "",
        last=sql.Identifier(last),
        same_owner=sql.SQL(" AND ").join(sql.SQL("o.{0} = s.{0}").format(sql.Identifier(name)) for name in ("entity", *owner)),
        called_s=fragments.folded("s", stage.fallback or ""),
        called_o=fragments.folded("o", stage.fallback or ""),
    )


@lru_cache
def _crowded(stage: Stage) -> bytes:
    """Several rows of the file may be one and the same of the table."""
    statement = sql.SQL("""
        WITH pairs AS MATERIALIZED (
            SELECT s.source_line, t.id, count(*) OVER (PARTITION BY t.id) AS rows FROM {stage} s JOIN {table} t ON {same}
            WHERE s.run_id = %(run)s
        ), taken AS (
            DELETE FROM {stage} s USING pairs p WHERE s.run_id = %(run)s AND s.source_line = p.source_line AND p.rows > 1
            RETURNING s.source_line, '#' || p.id AS detail, {told}
        ) {end}
    """)
    return filled(statement, stage, ReasonCode.AMBIGUOUS, stage.fallback or "")


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
    known = sql.SQL("DELETE FROM {} s USING {} t WHERE s.run_id = %(run)s AND {}")
    deleting = known.format(stage.table, stage.target, fragments.same(stage))
    return skipped(conn, stage, taken_off(stage, deleting).as_bytes())


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

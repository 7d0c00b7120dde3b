"""What a person at the console looks at: runs by what is asked for, those that wait for somebody, the nights one by one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.runs.run import RUN, run_of
from daemon.model import ImportRun


@dataclass(frozen=True)
class Sight:
    """What of the runs somebody may see: all of them, or those of some entities and of no other. Where a run's entities are not
    known yet, it is seen with its profile.
    """

    entities: Collection[str] | None = None
    profiles: Collection[str] = ()

    @property
    def sql(self) -> str:
        """The condition on a run `r`."""
        if self.entities is None:
            return "true"
        return """(CASE WHEN cardinality(r.entities) > 0 THEN r.entities <@ CAST(:seen_entities AS text[])
                        ELSE r.profile = ANY(:seen_profiles) END)"""

    @property
    def values(self) -> dict[str, Any]:
        """What fills it."""
        if self.entities is None:
            return {}
        return {"seen_entities": list(self.entities), "seen_profiles": list(self.profiles)}


@dataclass(frozen=True)
class Wanted:
    """Which runs are asked for; None and '' mean any."""

    state: str = ""
    profile: str = ""
    file: str = ""
    problems: bool = False

    @property
    def asked(self) -> dict[str, str]:
        """What an address, or a form, says for it."""
        return self.values | ({"problems": "1"} if self.problems else {})

    @property
    def sql(self) -> str:
        """The condition on a run `r` of an arrival `a`."""
        parts = ["true"]
        if self.state:
            parts.append("r.state = :state")
        if self.profile:
            parts.append("r.profile = :profile")
        if self.file:
            parts.append("strpos(lower(a.name), lower(:file)) > 0")
        if self.problems:
            parts.append("(r.state IN ('refused', 'held') OR (r.tally->>'rejected')::bigint > 0)")
        return " AND ".join(parts)

    @property
    def values(self) -> dict[str, str]:
        """What fills it."""
        return {name: value for name in ("state", "profile", "file") if (value := getattr(self, name))}


ACTS_ON_MANY = {
    "decline": "r.state = 'held' AND r.approved IS NULL",
    "approve": "r.state = 'held' AND r.approved IS NULL",
    "retry": """r.state = 'refused' AND a.archive IS NOT NULL
                AND r.code NOT IN ('duplicate', 'superseded', 'passed_over', 'declined')
                AND NOT EXISTS (SELECT FROM nightporter.import_run again WHERE again.parent_id = r.id)""",
}
"""What can be done to many runs at once, and to which."""


def runs_for(conn: Connection, act: str, wanted: Wanted, sight: Sight, limit: int, only: int | None = None) -> list[ImportRun]:
    """The runs that are asked for on which something can be done, the newest first; or the `only` one, if that is one of them."""
    where = f"""WHERE {wanted.sql} AND {sight.sql} AND {ACTS_ON_MANY[act]} AND (CAST(:only AS bigint) IS NULL OR r.id = :only)
                ORDER BY r.id DESC LIMIT :limit"""
    named = wanted.values | sight.values | {"only": only, "limit": limit}
    return [run for row in conn.execute(text(RUN + where), named).mappings() if (run := run_of(row))]


def counts_for(conn: Connection, wanted: Wanted, sight: Sight) -> dict[str, int]:
    """On how many of the runs that are asked for each act could be done."""
    counted = ", ".join(f"count(*) FILTER (WHERE {where}) AS {act}" for act, where in ACTS_ON_MANY.items())
    statement = f"""SELECT {counted} FROM nightporter.import_run r JOIN nightporter.arrival a ON a.id = r.arrival_id
                    WHERE {wanted.sql} AND {sight.sql} AND r.state IN ('held', 'refused')"""
    return dict(conn.execute(text(statement), wanted.values | sight.values).mappings().one())


def runs_before(conn: Connection, wanted: Wanted, sight: Sight, before: int | None, limit: int) -> list[ImportRun]:
    """The latest runs that are asked for, below one number, the newest first."""
    where = f"""WHERE {wanted.sql} AND {sight.sql} AND (CAST(:before AS bigint) IS NULL OR r.id < :before)
                ORDER BY r.id DESC LIMIT :limit"""
    named = wanted.values | sight.values | {"before": before, "limit": limit}
    return [run for row in conn.execute(text(RUN + where), named).mappings() if (run := run_of(row))]


def seen_run(conn: Connection, run_id: int, sight: Sight) -> ImportRun | None:
    """One run, if it may be seen."""
    where = f"WHERE r.id = :id AND {sight.sql}"
    return run_of(conn.execute(text(RUN + where), sight.values | {"id": run_id}).mappings().one_or_none())


def waiting_runs(conn: Connection, sight: Sight, days: int) -> list[ImportRun]:
    """The runs that wait for somebody: those that are held, and those refused of late that no later one of their profile made
    good; duplicates and what a later file took over are no trouble.
    """
    where = f"""
        WHERE {sight.sql} AND (r.state = 'held' AND r.approved IS NULL OR (
              r.state = 'refused' AND r.finished_at > clock_timestamp() - make_interval(days => :days)
              AND r.code NOT IN ('duplicate', 'superseded', 'passed_over', 'declined')
              AND NOT EXISTS (SELECT FROM nightporter.import_run later WHERE later.profile = r.profile
                              AND later.dataset = r.dataset AND later.id > r.id AND later.state = 'imported')))
        ORDER BY r.state = 'held' DESC, r.id DESC LIMIT 50"""
    rows = conn.execute(text(RUN + where), sight.values | {"days": days})
    return [run for row in rows.mappings() if (run := run_of(row))]


class NightState(NamedTuple):
    """What came of a profile's last file about a day."""

    profile: str
    day: date
    run: int
    state: str
    rejected: int
    parked: int


def night_states(conn: Connection, profiles: Collection[str], since: date) -> list[NightState]:
    """For profiles and the days since one, what came of the last file about each."""
    rows = conn.execute(
        text("""
            SELECT DISTINCT ON (profile, business_date) profile, business_date AS day, id AS run, state,
                   coalesce((tally->>'rejected')::int, 0) AS rejected, coalesce((tally->>'parked')::int, 0) AS parked
            FROM nightporter.import_run
            WHERE profile = ANY(:profiles) AND section = 0 AND corrects IS NULL AND business_date >= :since
                  AND state IN ('imported', 'held', 'refused') AND undone_at IS NULL
                  AND code IS DISTINCT FROM 'duplicate' AND code IS DISTINCT FROM 'superseded'
            ORDER BY profile, business_date, id DESC"""),
        {"profiles": list(profiles), "since": since},
    )
    return [NightState(*row) for row in rows]


class Open(NamedTuple):
    """What is open of an entity in a currency, now and after the nights before."""

    entity: str
    currency: str
    amount: Decimal
    nights: list[Decimal]


def open_by_entity(conn: Connection, sight: Sight, nights: int) -> list[Open]:
    """What is open now by entity and currency, of the entities that may be seen, and what was after the last nights' files."""
    rows = conn.execute(
        text("""
            SELECT entity, currency, sum(amount) AS amount FROM ar.open_total
            WHERE (CAST(:all AS boolean) OR entity = ANY(:entities)) GROUP BY 1, 2 HAVING sum(amount) <> 0 ORDER BY 1, 2"""),
        {"all": sight.entities is None, "entities": list(sight.entities or [])},
    ).all()
    found = []
    for entity, currency, amount in rows:
        history = conn.execute(
            text("""
                SELECT DISTINCT ON (business_date)
                       (tally->'money'->:currency->>'open_after')::numeric + (tally->'money'->:currency->>'rest')::numeric
                FROM nightporter.import_run
                WHERE entities = ARRAY[CAST(:entity AS text)] AND state = 'imported' AND tally->'money' ? :currency
                      AND undone_at IS NULL AND business_date IS NOT NULL
                ORDER BY business_date DESC, id DESC LIMIT :nights"""),
            {"entity": entity, "currency": currency, "nights": nights},
        )
        found.append(Open(entity, currency, amount, [row[0] for row in history][::-1]))
    return found

"""Orphaned: the admins are told, once for each scope, of open rows that no profile speaks for."""

from itertools import groupby

from sqlalchemy import Engine

from daemon import db, loading, results
from daemon.model import shown
from daemon.profiles import Profiles
from daemon.settings import Settings


def tell_orphaned(engine: Engine, settings: Settings, profiles: Profiles) -> None:
    """Tell the admins of each scope that has orphans, unless they were told of it before."""
    with db.transaction(engine) as conn:
        found = loading.orphans(conn, *profiles.scopes())
        for (dataset, entity, scope), each in groupby(found, key=lambda orphans: orphans[:3]):
            rows = list(each)
            about = {"dataset": dataset, "entity": shown(entity), "scope": shown(scope)}
            if not results.was_told(conn, "orphans", **about):
                money = {row.currency: f"{row.amount:f}" for row in rows}
                count = sum(row.rows for row in rows)
                results.owe_notice(conn, "orphans", settings.admins, count=count, money=money, **about)

"""Postgres: connections and transactions, the embedded server, migrations, the tables that the settings ask for."""

from daemon.db.cluster import make_enterable
from daemon.db.connection import KEEPALIVES, SEARCH_PATH, connect, conninfo, driver, migrate, now, tell, text, told, transaction
from daemon.db.entities import Declared, declared
from daemon.db.opened import is_there, opened

__all__ = [
    "KEEPALIVES",
    "SEARCH_PATH",
    "Declared",
    "connect",
    "conninfo",
    "declared",
    "driver",
    "is_there",
    "make_enterable",
    "migrate",
    "now",
    "opened",
    "tell",
    "text",
    "told",
    "transaction",
]

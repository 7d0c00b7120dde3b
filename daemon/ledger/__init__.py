"""The ledger: arrivals, import runs and drops in Postgres, and all static SQL about them. One face for each of the three."""

from daemon.ledger import arrivals, drops, runs

__all__ = ["arrivals", "drops", "runs"]

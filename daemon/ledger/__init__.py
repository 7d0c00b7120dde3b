"""The ledger: arrivals, import runs, drops, people and drafts in Postgres, and all static SQL about them; a face for each."""

from daemon.ledger import arrivals, drafts, drops, people, runs

__all__ = ["arrivals", "drafts", "drops", "people", "runs"]

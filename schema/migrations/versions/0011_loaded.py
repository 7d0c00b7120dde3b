"""Rows that were told to wait, and have loaded: found without reading all that ever waited."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = """
CREATE INDEX parked_told ON nightporter.parked (ended_as) WHERE told_at IS NOT NULL;
COMMENT ON COLUMN nightporter.parked.told_at IS 'Since when somebody knows that it waits, and does not know yet that it loaded.';
"""


def upgrade() -> None:
    """Add it."""
    op.execute(STATEMENTS)

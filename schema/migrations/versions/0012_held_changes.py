"""What a held file would do to single rows, for whoever decides about it."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = """
ALTER TABLE nightporter.import_run ADD COLUMN changes jsonb;
COMMENT ON COLUMN nightporter.import_run.changes IS 'Of a held run: the dearest of the rows that it would change, and how.';
"""


def upgrade() -> None:
    """Add it."""
    op.execute(STATEMENTS)

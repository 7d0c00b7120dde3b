"""What a rejected row was about in money, so that the dearest are shown first; by whose clock a mail tells."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = """
ALTER TABLE nightporter.rejection ADD COLUMN amount numeric(18, 5), ADD COLUMN currency text;
COMMENT ON COLUMN nightporter.rejection.amount IS 'What the row was about, where that could be read.';
ALTER TABLE nightporter.email ADD COLUMN timezone text;
COMMENT ON COLUMN nightporter.email.timezone IS 'By whose clock times are told; NULL: that of the company which the file is of.';
"""


def upgrade() -> None:
    """Add them."""
    op.execute(STATEMENTS)

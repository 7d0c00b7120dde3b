"""What a run's rows were read and judged by: the same bytes are news once that is another thing."""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = """
ALTER TABLE nightporter.import_run ADD COLUMN rules text;
COMMENT ON COLUMN nightporter.import_run.rules IS 'A mark of the profile and the declarations an imported run was judged by.';
"""


def upgrade() -> None:
    """Add it."""
    op.execute(STATEMENTS)

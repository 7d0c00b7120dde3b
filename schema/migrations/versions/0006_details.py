"""Why a run was refused, held or put off is a code and what fills its sentence; a customer's state had no place on the stage."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A detail that was a text is one still: JSON holds it."""
    op.execute("ALTER TABLE nightporter.import_run ALTER COLUMN detail TYPE jsonb USING to_jsonb(detail)")
    op.execute("ALTER TABLE nightporter.stage_customers ADD COLUMN state text")

"""Why a run was refused, held or put off is a code and what stands in its sentence; what was a text is one still."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Text becomes JSON, which holds it."""
    op.execute("ALTER TABLE nightporter.import_run ALTER COLUMN detail TYPE jsonb USING to_jsonb(detail)")

"""The key of receivables led by the item number, in whose order ERPs print: rows are appended to it, not scattered over it."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = """
DROP INDEX ar.receivable_key;
CREATE UNIQUE INDEX receivable_key
ON ar.receivable (item_number, customer_code, entity, instalment, year) WHERE unique_key IS NULL;
DROP INDEX ar.receivable_created_by;
CREATE INDEX receivable_created_by ON ar.receivable USING brin (created_by_run);
"""


def upgrade() -> None:
    """Build both indexes anew."""
    op.get_bind().connection.driver_connection.execute(STATEMENTS)

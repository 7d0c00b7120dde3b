"""Groups, payment terms, one source of credits; rows that were corrected and sent again; what admins add."""

from alembic import op

revision = "0005"
down_revision = "0004"

CUSTOMERS = """
ALTER TABLE ar.customer
    ADD COLUMN groups text[], ADD COLUMN payment_days integer, ADD COLUMN payment_end_of_month boolean;
ALTER TABLE nightporter.stage_customers
    ADD COLUMN groups text[], ADD COLUMN payment_days integer, ADD COLUMN payment_end_of_month boolean;
CREATE INDEX contact_collection ON ar.contact (customer_entity, customer_code) WHERE is_collection_contact;

CREATE VIEW ar.customer_group_member AS
SELECT c.entity, unnest(c.groups) AS group_name, c.customer_code FROM ar.customer c;
COMMENT ON VIEW ar.customer_group_member IS 'Which customers are in which group; one may be in several.';
CREATE VIEW ar.customer_group AS
SELECT entity, group_name, count(*) AS customers FROM ar.customer_group_member GROUP BY 1, 2;
COMMENT ON VIEW ar.customer_group IS 'The groups that customers are in: a group is there as soon as one is.';
"""

ENTITIES = """
ALTER TABLE ar.entity ALTER COLUMN timezone SET DEFAULT 'UTC',
    ADD COLUMN credits text CHECK (credits IN ('receivables', 'open_credits'));
COMMENT ON TABLE ar.entity IS
'The companies of the group, as the settings say: in which time zone their days begin, and which dataset their credits come by.';
"""

CORRECTIONS = """
ALTER TABLE nightporter.import_run ADD COLUMN corrects bigint REFERENCES nightporter.import_run;
CREATE INDEX import_run_corrects ON nightporter.import_run (corrects) WHERE corrects IS NOT NULL;
COMMENT ON COLUMN nightporter.import_run.corrects IS 'The run whose rejected rows this one brings again, corrected.';
ALTER TABLE nightporter.rejection
    ADD COLUMN resolved_by bigint REFERENCES nightporter.import_run, ADD COLUMN typed integer[];
COMMENT ON COLUMN nightporter.rejection.typed IS 'The places of the cells that a spreadsheet had typed: their text is canonical.';
CREATE INDEX rejection_resolved ON nightporter.rejection (resolved_by) WHERE resolved_by IS NOT NULL;
COMMENT ON COLUMN nightporter.rejection.resolved_by IS 'The run by which the row went in after all.';
"""


def upgrade() -> None:
    """Add the columns, and the views over them."""
    connection = op.get_bind().connection.driver_connection
    for statements in (CUSTOMERS, ENTITIES, CORRECTIONS):
        connection.execute(statements)

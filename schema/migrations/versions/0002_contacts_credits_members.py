"""Contacts and open credits; the members of archives."""

from alembic import op

revision = "0002"
down_revision = "0001"

_COMMON = """
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity text NOT NULL DEFAULT '',
    created_by_run bigint NOT NULL,
    run_id bigint NOT NULL,
    source_line integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    custom jsonb
"""

CONTACT = f"""
CREATE TABLE ar.contact (
    {_COMMON},
    customer_code text NOT NULL,
    external_id text,
    name text NOT NULL,
    last_name text, first_name text, role text, email text, phone text, mobile text, language text,
    is_collection_contact boolean
);
CREATE INDEX contact_customer ON ar.contact (entity, customer_code);
CREATE UNIQUE INDEX contact_external_id ON ar.contact (entity, external_id) WHERE external_id IS NOT NULL;
"""

BALANCE_ADJUSTMENT = f"""
CREATE TABLE ar.balance_adjustment (
    {_COMMON},
    customer_code text NOT NULL,
    credit_number text NOT NULL,
    credit_date date NOT NULL,
    balance numeric(18, 5) NOT NULL CHECK (balance > 0),
    currency text,
    kind text,
    original_invoice text, customer_po text, location_code text, reason text
);
CREATE UNIQUE INDEX balance_adjustment_key ON ar.balance_adjustment (entity, customer_code, credit_number);
"""

MEMBER = """
ALTER TABLE nightporter.import_run ADD COLUMN member text NOT NULL DEFAULT '';
COMMENT ON COLUMN nightporter.import_run.member IS 'Of a zip: which of its files this run is about.';
"""

STAGES = """
CREATE UNLOGGED TABLE nightporter.stage_contacts (LIKE ar.contact);
CREATE UNLOGGED TABLE nightporter.stage_open_credits (LIKE ar.balance_adjustment);
"""


def upgrade() -> None:
    """Create the tables, their stages, and the column."""
    connection = op.get_bind().connection.driver_connection
    for statements in (CONTACT, BALANCE_ADJUSTMENT, MEMBER, STAGES):
        connection.execute(statements)
    for table in ("stage_contacts", "stage_open_credits"):
        for column in ("id", "created_by_run", "created_at", "updated_at", "custom"):
            connection.execute(f"ALTER TABLE nightporter.{table} DROP COLUMN {column}")
        connection.execute(f"CREATE INDEX {table}_run ON nightporter.{table} (run_id)")

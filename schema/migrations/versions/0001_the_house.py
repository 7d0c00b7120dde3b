"""The first tables: the ledger, the queue, customers and receivables."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

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

LEDGER = """
CREATE TABLE nightporter.arrival (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drop_name text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    mtime bigint NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    host text NOT NULL DEFAULT '',
    archive text,
    sha256 text,
    disposed_at timestamptz,
    disposed_as text
);
COMMENT ON TABLE nightporter.arrival IS
'A file that came to a drop. disposed_at: the source is out of the way, so that whatever has its name now is new.';
CREATE UNIQUE INDEX arrival_waiting ON nightporter.arrival (drop_name, name, size, mtime) WHERE disposed_at IS NULL;
CREATE INDEX arrival_disposed ON nightporter.arrival (drop_name, name, disposed_at);

CREATE TABLE nightporter.import_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    arrival_id bigint NOT NULL REFERENCES nightporter.arrival,
    section integer NOT NULL DEFAULT 0,
    parent_id bigint REFERENCES nightporter.import_run,
    profile text NOT NULL,
    dataset text NOT NULL,
    state text NOT NULL DEFAULT 'arrived'
        CHECK (state IN ('arrived', 'importing', 'imported', 'refused', 'held', 'vanished')),
    attempt integer NOT NULL DEFAULT 0,
    deferrals integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    code text,
    detail text,
    header text[],
    format jsonb,
    tally jsonb
);
COMMENT ON TABLE nightporter.import_run IS
'One file through one profile, or one section of it: the unit of work and of history.';
CREATE INDEX import_run_arrival ON nightporter.import_run (arrival_id);
CREATE INDEX import_run_imported ON nightporter.import_run (profile, dataset, finished_at) WHERE state = 'imported';

CREATE INDEX import_run_unfinished ON nightporter.import_run (state) WHERE state IN ('arrived', 'importing');

CREATE TABLE nightporter.rejection (
    run_id bigint NOT NULL REFERENCES nightporter.import_run,
    line integer NOT NULL,
    cells jsonb NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (run_id, line)
);
COMMENT ON TABLE nightporter.rejection IS 'One row refused: its cells as read and why.';

CREATE TABLE nightporter.email (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('result', 'unmatched')),
    run_id bigint REFERENCES nightporter.import_run,
    about jsonb,
    recipient text NOT NULL,
    language text NOT NULL,
    message_id text NOT NULL UNIQUE,
    queued_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    given_up_at timestamptz,
    fault text
);
COMMENT ON TABLE nightporter.email IS 'A mail owed to one recipient; queued in the transaction that owes it.';
CREATE INDEX email_run ON nightporter.email (run_id);
CREATE INDEX email_owed ON nightporter.email (id) WHERE sent_at IS NULL AND given_up_at IS NULL;

CREATE TABLE nightporter.unmatched (
    drop_name text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    mtime bigint NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (drop_name, name, size, mtime)
);
COMMENT ON TABLE nightporter.unmatched IS 'Files no profile claims, so that the admins are told once.';

CREATE UNLOGGED TABLE nightporter.stage_fault (
    run_id bigint NOT NULL,
    line integer NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (run_id, line)
);
COMMENT ON TABLE nightporter.stage_fault IS
'Rows that the checks in SQL turned down, until their cells are read again from the archive.';
"""

CUSTOMER = f"""
CREATE TABLE ar.customer (
    {_COMMON},
    customer_code text NOT NULL,
    business_name text NOT NULL,
    trading_name text, legal_id text, vat_number text,
    street text, street_2 text, postbox text, postal_code text, city text, state text, country text,
    phone text, email text, url text, language text,
    payment_term text, payment_method text, currency text,
    group_code text, customer_type text, collector text, sales_rep text, sales_rep_email text, risk_category text,
    blocked boolean,
    order_backlog numeric(18, 5),
    credit_limit numeric(18, 5), insurer_guarantee numeric(18, 5), other_guarantees numeric(18, 5),
    insurer_reference text, insurer_rating text,
    temporary_guarantee numeric(18, 5), temporary_from date, temporary_to date,
    comments text
);
CREATE UNIQUE INDEX customer_key ON ar.customer (entity, customer_code);
"""

RECEIVABLE = f"""
CREATE TABLE ar.receivable (
    {_COMMON},
    customer_code text NOT NULL,
    item_number text NOT NULL,
    instalment text NOT NULL DEFAULT '',
    unique_key text,
    fiscal_year integer,
    year integer NOT NULL,
    item_type text NOT NULL,
    erp_type text,
    issue_date date NOT NULL,
    due_date date NOT NULL,
    amount numeric(18, 5) NOT NULL,
    amount_excl_tax numeric(18, 5),
    remaining numeric(18, 5) NOT NULL,
    currency text NOT NULL,
    payment_date date,
    order_number text, customer_po text, location_code text, file_number text, business_case text, sales_rep text,
    comment text,
    dispute_status text, dispute_comment text, promise_date date,
    state text NOT NULL CHECK (state IN ('open', 'cleared')),
    cleared_at timestamptz,
    cleared_by bigint
);
CREATE UNIQUE INDEX receivable_key
ON ar.receivable (entity, customer_code, item_number, instalment, year) WHERE unique_key IS NULL;
CREATE UNIQUE INDEX receivable_unique_key ON ar.receivable (entity, unique_key) WHERE unique_key IS NOT NULL;
"""

STAGES = """
CREATE UNLOGGED TABLE nightporter.stage_customers (LIKE ar.customer);
CREATE UNLOGGED TABLE nightporter.stage_receivables (LIKE ar.receivable);
"""


def upgrade() -> None:
    """Create everything."""
    frozen = Path(__file__).parent.parent / "procrastinate-3.10.sql"
    connection = op.get_bind().connection.driver_connection
    connection.execute(frozen.read_text(encoding="utf-8"))
    connection.execute("CREATE SCHEMA ar")
    for statements in (LEDGER, CUSTOMER, RECEIVABLE, STAGES):
        connection.execute(statements)
    for table in ("stage_customers", "stage_receivables"):
        for column in (
            "id",
            "created_by_run",
            "created_at",
            "updated_at",
            "custom",
            "state",
            "cleared_at",
            "cleared_by",
        ):
            connection.execute(f"ALTER TABLE nightporter.{table} DROP COLUMN IF EXISTS {column}")
        connection.execute(f"CREATE INDEX {table}_run ON nightporter.{table} (run_id)")

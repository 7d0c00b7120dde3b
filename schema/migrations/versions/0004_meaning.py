"""What rows mean: whose word counts, what a snapshot speaks for, what is kept aside, held, and undone."""

from alembic import op

revision = "0004"
down_revision = "0003"

ROWS = """
ALTER TABLE ar.customer
    ADD COLUMN scope text NOT NULL DEFAULT '', ADD COLUMN as_of date,
    ADD COLUMN presence text NOT NULL DEFAULT 'present' CHECK (presence IN ('present', 'absent')),
    ADD COLUMN absent_since timestamptz, ADD COLUMN absent_by bigint;
ALTER TABLE ar.receivable
    ADD COLUMN scope text NOT NULL DEFAULT '', ADD COLUMN as_of date, ADD COLUMN customer_entity text NOT NULL DEFAULT '';
ALTER TABLE ar.contact ADD COLUMN as_of date, ADD COLUMN customer_entity text NOT NULL DEFAULT '';
ALTER TABLE ar.balance_adjustment
    ADD COLUMN scope text NOT NULL DEFAULT '', ADD COLUMN as_of date, ADD COLUMN customer_entity text NOT NULL DEFAULT '',
    ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'cleared')),
    ADD COLUMN cleared_at timestamptz, ADD COLUMN cleared_by bigint;
UPDATE ar.receivable SET customer_entity = entity WHERE entity <> '';
UPDATE ar.contact SET customer_entity = entity WHERE entity <> '';
UPDATE ar.balance_adjustment SET customer_entity = entity WHERE entity <> '';
CREATE INDEX customer_scope ON ar.customer (entity, scope) WHERE presence = 'present';
CREATE INDEX receivable_scope ON ar.receivable (entity, scope) WHERE state = 'open';
CREATE INDEX balance_adjustment_scope ON ar.balance_adjustment (entity, scope) WHERE state = 'open';

CREATE TABLE ar.customer_alias (
    entity text NOT NULL DEFAULT '',
    old_code text NOT NULL,
    customer_code text NOT NULL,
    PRIMARY KEY (entity, old_code)
);
COMMENT ON TABLE ar.customer_alias IS 'Codes that customers had before a recode or a merge; files may go on using them.';
"""

STAGES = """
ALTER TABLE nightporter.stage_customers ADD COLUMN as_of date;
ALTER TABLE nightporter.stage_receivables ADD COLUMN as_of date;
ALTER TABLE nightporter.stage_contacts ADD COLUMN as_of date;
ALTER TABLE nightporter.stage_open_credits ADD COLUMN as_of date;
CREATE UNLOGGED TABLE nightporter.stage_protected (run_id bigint NOT NULL, number text NOT NULL);
CREATE INDEX stage_protected_run ON nightporter.stage_protected (run_id, number);
CREATE UNLOGGED TABLE nightporter.stage_absent (run_id bigint NOT NULL, row_id bigint NOT NULL);
CREATE INDEX stage_absent_run ON nightporter.stage_absent (run_id, row_id);
COMMENT ON TABLE nightporter.stage_protected IS
'What rejected and parked rows of a snapshot speak of, so that it is not taken for gone.';
COMMENT ON TABLE nightporter.stage_absent IS 'The rows of a scope that a snapshot leaves out.';
"""

RUNS = """
ALTER TABLE nightporter.import_run
    ADD COLUMN business_date date, ADD COLUMN notes jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN effect jsonb, ADD COLUMN approved jsonb, ADD COLUMN decided_by text, ADD COLUMN decided_at timestamptz,
    ADD COLUMN undone_at timestamptz, ADD COLUMN undone_by text;
COMMENT ON COLUMN nightporter.import_run.notes IS 'What else is to be told of the run.';
COMMENT ON COLUMN nightporter.import_run.effect IS 'Of a held run: what it would do.';
COMMENT ON COLUMN nightporter.import_run.approved IS 'The effect that somebody approved.';
CREATE INDEX import_run_dated ON nightporter.import_run (dataset, business_date) WHERE state = 'imported';
CREATE INDEX import_run_held ON nightporter.import_run (id) WHERE state = 'held';

CREATE TABLE nightporter.snapshot (
    run_id bigint NOT NULL REFERENCES nightporter.import_run,
    dataset text NOT NULL,
    entity text NOT NULL,
    scope text NOT NULL,
    business_date date NOT NULL,
    rows integer NOT NULL,
    totals jsonb NOT NULL,
    PRIMARY KEY (run_id, dataset, entity)
);
CREATE INDEX snapshot_scope ON nightporter.snapshot (dataset, entity, scope, business_date, run_id);
COMMENT ON TABLE nightporter.snapshot IS
'Each accepted snapshot of a scope: how many rows it had, and what was open by currency.';

CREATE TABLE nightporter.row_change (
    id bigint GENERATED ALWAYS AS IDENTITY,
    run_id bigint NOT NULL,
    dataset text NOT NULL,
    row_id bigint NOT NULL,
    before jsonb NOT NULL
);
CREATE INDEX row_change_run ON nightporter.row_change (run_id);
CREATE INDEX row_change_row ON nightporter.row_change (dataset, row_id);
CREATE INDEX receivable_created_by ON ar.receivable (created_by_run);
CREATE INDEX customer_created_by ON ar.customer (created_by_run);
CREATE INDEX contact_created_by ON ar.contact (created_by_run);
CREATE INDEX balance_adjustment_created_by ON ar.balance_adjustment (created_by_run);
COMMENT ON TABLE nightporter.row_change IS 'A row as it was before a run changed, cleared or reopened it.';

CREATE TABLE nightporter.confirmed (run_id bigint NOT NULL, dataset text NOT NULL, row_id bigint NOT NULL, as_of date NOT NULL);
CREATE INDEX confirmed_run ON nightporter.confirmed USING brin (run_id);
COMMENT ON TABLE nightporter.confirmed IS 'Rows that a delta found as they were, though it is younger than they.';

CREATE TABLE nightporter.suppressed (
    run_id bigint NOT NULL,
    line integer NOT NULL,
    row_id bigint NOT NULL,
    field text NOT NULL,
    kept text,
    offered text NOT NULL
);
CREATE INDEX suppressed_run ON nightporter.suppressed (run_id);
COMMENT ON TABLE nightporter.suppressed IS 'Values of a file that were not taken, for the field is not the file''s to change.';

CREATE TABLE nightporter.parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES nightporter.import_run,
    line integer NOT NULL,
    dataset text NOT NULL,
    entity text NOT NULL,
    customer_entity text NOT NULL,
    customer_code text NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    content jsonb NOT NULL,
    rules jsonb NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_at timestamptz,
    ended_at timestamptz,
    ended_as text CHECK (ended_as IN ('released', 'replaced', 'dropped', 'undone')),
    ended_by bigint
);
CREATE INDEX parked_customer ON nightporter.parked (customer_entity, customer_code) WHERE ended_at IS NULL;
CREATE INDEX parked_scope ON nightporter.parked (dataset, entity, scope) WHERE ended_at IS NULL;
CREATE INDEX parked_key ON nightporter.parked (dataset, key) WHERE ended_at IS NULL;
CREATE INDEX parked_run ON nightporter.parked (run_id);
CREATE INDEX parked_ended ON nightporter.parked (ended_by) WHERE ended_by IS NOT NULL;
COMMENT ON TABLE nightporter.parked IS 'A row kept aside because its customer is not known yet.';
"""

VIEWS = """
CREATE TABLE ar.entity (
    entity text PRIMARY KEY,
    timezone text NOT NULL
);
COMMENT ON TABLE ar.entity IS 'The time zone in which an entity''s day begins, for those of which it is not UTC.';

CREATE VIEW ar.open_item AS
SELECT r.customer_entity, r.customer_code, r.entity, r.currency, r.item_number, r.item_type, r.due_date, r.remaining AS amount,
       (now() AT TIME ZONE coalesce(e.timezone, 'UTC'))::date - r.due_date AS days_late
FROM ar.receivable r LEFT JOIN ar.entity e ON e.entity = r.entity
WHERE r.state = 'open' AND r.item_type <> 'down_payment_request';
COMMENT ON VIEW ar.open_item IS 'The items that count: open, and no request for a down payment. Late by the entity''s own day.';

CREATE VIEW ar.customer_balance AS
SELECT coalesce(i.customer_entity, a.customer_entity) AS entity, coalesce(i.customer_code, a.customer_code) AS customer_code,
       coalesce(i.currency, a.currency) AS currency, coalesce(i.open_items, 0) AS open_items,
       coalesce(a.adjustments, 0) AS adjustments, coalesce(i.open_items, 0) + coalesce(a.adjustments, 0) AS balance,
       coalesce(i.overdue, 0) AS overdue
FROM (
    SELECT customer_entity, customer_code, currency, sum(amount) AS open_items,
           coalesce(sum(amount) FILTER (WHERE days_late > 0), 0) AS overdue
    FROM ar.open_item GROUP BY 1, 2, 3) i
FULL JOIN (
    SELECT b.customer_entity, b.customer_code, coalesce(b.currency, c.currency, '') AS currency, -sum(b.balance) AS adjustments
    FROM ar.balance_adjustment b
    LEFT JOIN ar.customer c ON c.entity = b.customer_entity AND c.customer_code = b.customer_code
    WHERE b.state = 'open' GROUP BY 1, 2, 3) a
ON a.customer_entity = i.customer_entity AND a.customer_code = i.customer_code AND a.currency = i.currency;
COMMENT ON VIEW ar.customer_balance IS 'What each customer owes, by currency: open items, less the credits in hand.';

CREATE VIEW ar.aging AS
SELECT customer_entity AS entity, customer_code, currency,
       coalesce(sum(amount) FILTER (WHERE days_late <= 0), 0) AS not_due,
       coalesce(sum(amount) FILTER (WHERE days_late BETWEEN 1 AND 30), 0) AS days_1_30,
       coalesce(sum(amount) FILTER (WHERE days_late BETWEEN 31 AND 60), 0) AS days_31_60,
       coalesce(sum(amount) FILTER (WHERE days_late BETWEEN 61 AND 90), 0) AS days_61_90,
       coalesce(sum(amount) FILTER (WHERE days_late > 90), 0) AS days_over_90
FROM ar.open_item GROUP BY 1, 2, 3;
COMMENT ON VIEW ar.aging IS 'How late what each customer owes is, by currency.';
"""


def upgrade() -> None:
    """Add the columns and tables."""
    connection = op.get_bind().connection.driver_connection
    for statements in (ROWS, STAGES, RUNS, VIEWS):
        connection.execute(statements)

"""Arrivals: where each file is now and what it follows, drops' faults, expectations, digests; and
what is open, added up.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

ARRIVAL = """
ALTER TABLE nightporter.arrival
    ADD COLUMN path text,
    ADD COLUMN follows bigint REFERENCES nightporter.arrival,
    ADD COLUMN control text,
    ADD COLUMN companions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN archive_host text NOT NULL DEFAULT '',
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN left_at timestamptz,
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN not_before timestamptz,
    ADD COLUMN fault text;
UPDATE nightporter.arrival SET archive_host = host WHERE archive IS NOT NULL;
UPDATE nightporter.arrival SET path = name;
ALTER TABLE nightporter.arrival ALTER COLUMN path SET NOT NULL;
COMMENT ON COLUMN nightporter.arrival.host IS 'The machine that looks after it: fetches it, and puts it away.';
COMMENT ON COLUMN nightporter.arrival.archive_host IS 'The machine that has its bytes; empty when all share one archive.';
COMMENT ON COLUMN nightporter.arrival.path IS 'Where in the drop it is now: another path than its name while it is set aside.';
COMMENT ON COLUMN nightporter.arrival.follows IS 'The arrival before it under the same name.';
COMMENT ON COLUMN nightporter.arrival.control IS 'What its control file says.';
COMMENT ON COLUMN nightporter.arrival.companions IS 'Its marker and its control file: they go when it goes.';
COMMENT ON COLUMN nightporter.arrival.left_at IS 'Left where it is, as its drop says; when it was last seen to be the same.';
COMMENT ON COLUMN nightporter.arrival.fault IS 'Why it could not be fetched, or put away; tried again from not_before on.';
CREATE INDEX arrival_owed ON nightporter.arrival (drop_name, id) WHERE disposed_at IS NULL AND drop_name <> '';
CREATE INDEX arrival_named ON nightporter.arrival (drop_name, name, id);
CREATE INDEX arrival_archived ON nightporter.arrival (arrived_at) WHERE archive IS NOT NULL;
CREATE INDEX import_run_line ON nightporter.import_run (profile, arrival_id, section)
WHERE state IN ('arrived', 'importing') AND parent_id IS NULL;
ALTER TABLE nightporter.import_run ADD COLUMN waits_until timestamptz;
COMMENT ON COLUMN nightporter.import_run.waits_until IS 'It keeps its place in its line until then: it waits for another file.';
CREATE INDEX import_run_pinned_decimal ON nightporter.import_run (profile, dataset, finished_at)
WHERE state = 'imported' AND format->>'decimal' IS NOT NULL;
CREATE INDEX import_run_pinned_thousands ON nightporter.import_run (profile, dataset, finished_at)
WHERE state = 'imported' AND format->>'thousands' IS NOT NULL;
CREATE INDEX import_run_pinned_date ON nightporter.import_run (profile, dataset, finished_at)
WHERE state = 'imported' AND format->>'date' IS NOT NULL;
CREATE INDEX arrival_arrived ON nightporter.arrival (arrived_at);
UPDATE nightporter.arrival a SET ended_at = clock_timestamp()
WHERE disposed_at IS NULL AND drop_name <> '' AND NOT EXISTS (
    SELECT FROM nightporter.import_run r
    WHERE r.arrival_id = a.id AND r.parent_id IS NULL AND r.state IN ('arrived', 'importing', 'held'));
DELETE FROM nightporter.procrastinate_jobs WHERE task_name = 'dispose' AND status = 'todo';
CREATE INDEX import_run_profile ON nightporter.import_run (profile, arrival_id);
"""

DROP_STATE = """
CREATE TABLE nightporter.drop_state (
    drop_name text NOT NULL,
    host text NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    alive_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    faults integer NOT NULL DEFAULT 0,
    fault text,
    since timestamptz,
    next_look timestamptz,
    told boolean NOT NULL DEFAULT false,
    refusals integer NOT NULL DEFAULT 0,
    credentials text,
    PRIMARY KEY (drop_name, host)
);
COMMENT ON TABLE nightporter.drop_state IS 'How each machine finds each drop: when it looked, what is wrong since when.';
COMMENT ON COLUMN nightporter.drop_state.credentials IS 'A keyed fingerprint of what was refused; it is not shown again.';
"""

EXPECTATION = """
CREATE TABLE nightporter.expectation (
    profile text NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('begun', 'came', 'missing', 'late')),
    met_at timestamptz,
    PRIMARY KEY (profile, due_at)
);
COMMENT ON TABLE nightporter.expectation IS 'What became of each moment by which a profile expected a file.';
"""

EMAIL = """
ALTER TABLE nightporter.email DROP CONSTRAINT email_kind_check;
ALTER TABLE nightporter.email ADD COLUMN digest bigint REFERENCES nightporter.email;
COMMENT ON COLUMN nightporter.email.digest IS 'The mail that tells this one together with others.';
CREATE UNIQUE INDEX email_open_digest ON nightporter.email (recipient, language, (about->>'drop'))
WHERE kind = 'digest' AND attempts = 0;
CREATE INDEX email_digest ON nightporter.email (digest) WHERE digest IS NOT NULL;
"""

OPEN_TOTAL = """
CREATE TABLE ar.open_total (
    entity text NOT NULL,
    currency text NOT NULL,
    amount numeric(24, 5) NOT NULL,
    PRIMARY KEY (entity, currency)
);
COMMENT ON TABLE ar.open_total IS 'What is open of ar.receivable, kept by its triggers whoever changes that.';

CREATE FUNCTION ar.keep_open_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ar.open_total AS t
        SELECT entity, currency, sum(remaining) FROM arrived WHERE state = 'open' GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (entity, currency) DO UPDATE SET amount = t.amount + excluded.amount;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO ar.open_total AS t
        SELECT entity, currency, -sum(remaining) FROM gone WHERE state = 'open' GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (entity, currency) DO UPDATE SET amount = t.amount + excluded.amount;
    ELSE
        INSERT INTO ar.open_total AS t
        SELECT entity, currency, sum(change) FROM (
            SELECT entity, currency, remaining AS change FROM arrived WHERE state = 'open'
            UNION ALL SELECT entity, currency, -remaining FROM gone WHERE state = 'open') changes
        GROUP BY 1, 2 HAVING sum(change) <> 0 ORDER BY 1, 2
        ON CONFLICT (entity, currency) DO UPDATE SET amount = t.amount + excluded.amount;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION ar.empty_open_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ar.open_total;
    RETURN NULL;
END $$;
CREATE TRIGGER open_total_created AFTER INSERT ON ar.receivable REFERENCING NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION ar.keep_open_total();
CREATE TRIGGER open_total_changed AFTER UPDATE ON ar.receivable REFERENCING OLD TABLE AS gone NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION ar.keep_open_total();
CREATE TRIGGER open_total_deleted AFTER DELETE ON ar.receivable REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION ar.keep_open_total();
CREATE TRIGGER open_total_emptied AFTER TRUNCATE ON ar.receivable
FOR EACH STATEMENT EXECUTE FUNCTION ar.empty_open_total();
INSERT INTO ar.open_total SELECT entity, currency, sum(remaining) FROM ar.receivable WHERE state = 'open' GROUP BY 1, 2;
"""


def upgrade() -> None:
    """Add the columns and tables."""
    connection = op.get_bind().connection.driver_connection
    for statements in (ARRIVAL, DROP_STATE, EXPECTATION, EMAIL, OPEN_TOTAL):
        connection.execute(statements)

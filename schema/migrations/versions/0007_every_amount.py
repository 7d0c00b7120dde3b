"""Every amount accounted for: totals by scope, what snapshots and people said, what entities want."""

from alembic import op

revision = "0007"
down_revision = "0006"

_TOTALS = """
CREATE TABLE {totals} (
    entity text NOT NULL,
    scope text NOT NULL,
    currency text NOT NULL,
    debits numeric(24, 5) NOT NULL,
    credits numeric(24, 5) NOT NULL,
    amount numeric(24, 5) NOT NULL GENERATED ALWAYS AS (debits + credits) STORED,
    PRIMARY KEY (entity, scope, currency)
);
COMMENT ON TABLE {totals} IS 'What is open of {table} and counts in the balance, kept by its triggers whoever changes that.';

CREATE FUNCTION ar.keep_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {totals} AS t (entity, scope, currency, debits, credits)
        SELECT entity, scope, {currency}, {debits}, {credits} FROM arrived WHERE {counts} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (entity, scope, currency)
        DO UPDATE SET debits = t.debits + excluded.debits, credits = t.credits + excluded.credits;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {totals} AS t (entity, scope, currency, debits, credits)
        SELECT entity, scope, {currency}, -{debits}, -{credits} FROM gone WHERE {counts} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (entity, scope, currency)
        DO UPDATE SET debits = t.debits + excluded.debits, credits = t.credits + excluded.credits;
    ELSE
        INSERT INTO {totals} AS t (entity, scope, currency, debits, credits)
        SELECT entity, scope, currency, sum(debits), sum(credits) FROM (
            SELECT entity, scope, {currency} AS currency, {debits} AS debits, {credits} AS credits
            FROM arrived WHERE {counts} GROUP BY 1, 2, 3
            UNION ALL
            SELECT entity, scope, {currency}, -{debits}, -{credits} FROM gone WHERE {counts} GROUP BY 1, 2, 3) changes
        GROUP BY 1, 2, 3 HAVING sum(debits) <> 0 OR sum(credits) <> 0 ORDER BY 1, 2, 3
        ON CONFLICT (entity, scope, currency)
        DO UPDATE SET debits = t.debits + excluded.debits, credits = t.credits + excluded.credits;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION ar.empty_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM {totals};
    RETURN NULL;
END $$;
CREATE TRIGGER {name}_created AFTER INSERT ON {table} REFERENCING NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION ar.keep_{name}();
CREATE TRIGGER {name}_changed AFTER UPDATE ON {table} REFERENCING OLD TABLE AS gone NEW TABLE AS arrived
FOR EACH STATEMENT EXECUTE FUNCTION ar.keep_{name}();
CREATE TRIGGER {name}_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION ar.keep_{name}();
CREATE TRIGGER {name}_emptied AFTER TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION ar.empty_{name}();
INSERT INTO {totals} (entity, scope, currency, debits, credits)
SELECT entity, scope, {currency}, {debits}, {credits} FROM {table} WHERE {counts} GROUP BY 1, 2, 3;
"""


def _totals(table: str, name: str, amount: str, currency: str, counts: str) -> str:
    return _TOTALS.format(
        table=table,
        totals=f"ar.{name}",
        name=name,
        currency=currency,
        debits=f"coalesce(sum({amount}) FILTER (WHERE {amount} > 0), 0)",
        credits=f"coalesce(sum({amount}) FILTER (WHERE {amount} < 0), 0)",
        counts=counts,
    )


OLD_TOTAL = """
DROP TRIGGER open_total_created ON ar.receivable;
DROP TRIGGER open_total_changed ON ar.receivable;
DROP TRIGGER open_total_deleted ON ar.receivable;
DROP TRIGGER open_total_emptied ON ar.receivable;
DROP FUNCTION ar.keep_open_total();
DROP FUNCTION ar.empty_open_total();
DROP TABLE ar.open_total;
"""

CREDITS = """
UPDATE ar.balance_adjustment b SET currency = c.currency FROM ar.customer c
WHERE b.currency IS NULL AND c.currency IS NOT NULL AND c.entity = b.customer_entity AND c.customer_code = b.customer_code;
"""

SCOPES = """
CREATE TEMP TABLE was_default ON COMMIT DROP AS
SELECT n.dataset, n.entity, min(n.scope) AS scope
FROM nightporter.snapshot n JOIN nightporter.import_run r ON r.id = n.run_id
WHERE r.undone_at IS NULL
GROUP BY n.dataset, n.entity
HAVING count(DISTINCT r.profile) = 1 AND count(DISTINCT n.scope) = 1 AND min(n.scope) = min(r.profile);
UPDATE ar.receivable t SET scope = '' FROM was_default d
WHERE d.dataset = 'receivables' AND t.entity = d.entity AND t.scope = d.scope;
UPDATE ar.customer t SET scope = '' FROM was_default d
WHERE d.dataset = 'customers' AND t.entity = d.entity AND t.scope = d.scope;
UPDATE ar.balance_adjustment t SET scope = '' FROM was_default d
WHERE d.dataset = 'open_credits' AND t.entity = d.entity AND t.scope = d.scope;
UPDATE nightporter.parked t SET scope = '' FROM was_default d
WHERE t.dataset = d.dataset AND t.entity = d.entity AND t.scope = d.scope;
DO $$
DECLARE own record;
BEGIN
    -- The admin's own datasets, whose tables only their names in was_default tell of.
    FOR own IN SELECT DISTINCT dataset FROM was_default
               WHERE dataset NOT IN ('receivables', 'customers', 'open_credits')
                     AND to_regclass('ar.' || quote_ident(dataset)) IS NOT NULL
    LOOP
        EXECUTE format('UPDATE ar.%I t SET scope = '''' FROM was_default d '
                       'WHERE d.dataset = %L AND t.entity = d.entity AND t.scope = d.scope', own.dataset, own.dataset);
    END LOOP;
END $$;
UPDATE nightporter.snapshot t SET scope = '' FROM was_default d
WHERE t.dataset = d.dataset AND t.entity = d.entity AND t.scope = d.scope;
"""

RUNS = """
ALTER TABLE nightporter.import_run ADD COLUMN scope text, ADD COLUMN entities text[];
COMMENT ON COLUMN nightporter.import_run.scope IS 'What its rows belong to, where nothing else was said of them.';
COMMENT ON COLUMN nightporter.import_run.entities IS 'The companies that it speaks of; NULL of runs of earlier versions.';
UPDATE nightporter.import_run r SET scope = coalesce((SELECT min(n.scope) FROM nightporter.snapshot n WHERE n.run_id = r.id), '')
WHERE state = 'imported';
CREATE INDEX import_run_pinned_final_newline ON nightporter.import_run (profile, dataset, finished_at)
WHERE state = 'imported' AND format->>'final_newline' IS NOT NULL;
CREATE INDEX arrival_sha256 ON nightporter.arrival (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX import_run_scope ON nightporter.import_run (dataset, scope, finished_at)
WHERE state = 'imported' AND undone_at IS NULL AND corrects IS NULL;

ALTER TABLE nightporter.snapshot ADD COLUMN arrival_id bigint, ADD COLUMN whole boolean NOT NULL DEFAULT true;
UPDATE nightporter.snapshot n SET arrival_id = r.arrival_id FROM nightporter.import_run r WHERE r.id = n.run_id;
ALTER TABLE nightporter.snapshot ALTER COLUMN arrival_id SET NOT NULL;
COMMENT ON COLUMN nightporter.snapshot.arrival_id IS 'The file that said so last: of two of one day the later one speaks.';
COMMENT ON COLUMN nightporter.snapshot.whole IS
'Whether what it leaves out is not open: each of its rows said at least what it is about.';
CREATE TABLE nightporter.protected (run_id bigint NOT NULL, number text NOT NULL);
CREATE INDEX protected_run ON nightporter.protected (run_id, number);
COMMENT ON TABLE nightporter.protected IS
'What an accepted snapshot rejected or parked: of that it does not say that it is not open.';

CREATE TABLE nightporter.act (
    id bigint PRIMARY KEY DEFAULT nextval('nightporter.import_run_id_seq'),
    kind text NOT NULL CHECK (kind IN ('merge', 'adopt', 'renumber')),
    given jsonb NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_by text NOT NULL,
    undone_at timestamptz,
    undone_by text
);
COMMENT ON TABLE nightporter.act IS
'What a person did to the ledger that no file did; its numbers are of one series with the runs.';
CREATE TABLE nightporter.act_row (
    act_id bigint NOT NULL REFERENCES nightporter.act,
    dataset text NOT NULL,
    row_id bigint NOT NULL,
    was jsonb NOT NULL,
    PRIMARY KEY (act_id, dataset, row_id)
);
COMMENT ON TABLE nightporter.act_row IS 'The columns that an act changed of a row, as they were; of parked rows too.';
"""

ENTITIES = """
ALTER TABLE ar.entity
    ADD COLUMN numbering text CHECK (numbering IN ('yearly', 'continuous')), ADD COLUMN brake_from jsonb,
    ADD COLUMN closed_until date;
COMMENT ON COLUMN ar.entity.numbering IS
'Whether item numbers begin anew each year; as rows are keyed now, whatever the settings say.';

ALTER TABLE ar.customer_alias ADD COLUMN moved_at timestamptz;
CREATE INDEX customer_alias_unmoved ON ar.customer_alias (entity) WHERE moved_at IS NULL;
COMMENT ON COLUMN ar.customer_alias.moved_at IS
'When what the ledger had under the old code was moved; NULL where it is still to be.';

CREATE VIEW ar.customer_code_now AS
WITH RECURSIVE chain AS (
    SELECT entity, old_code, customer_code, 1 AS steps FROM ar.customer_alias
    UNION ALL
    SELECT c.entity, c.old_code, a.customer_code, c.steps + 1 FROM chain c
    JOIN ar.customer_alias a ON a.entity = c.entity AND a.old_code = c.customer_code WHERE c.steps < 100
)
SELECT DISTINCT ON (entity, old_code) entity, old_code, customer_code FROM chain ORDER BY entity, old_code, steps DESC;
COMMENT ON VIEW ar.customer_code_now IS 'What each old code of a customer means today, however often it was changed.';

ALTER TABLE ar.customer ADD COLUMN groups_brought text[];
UPDATE ar.customer SET groups_brought = groups;
COMMENT ON COLUMN ar.customer.groups_brought IS 'The groups that the latest file brought; those beside them were made by hand.';
"""


def upgrade() -> None:
    """Add the columns and tables, and have the totals kept by scope."""
    connection = op.get_bind().connection.driver_connection
    receivable = _totals(
        "ar.receivable", "open_total", "remaining", "currency", "state = 'open' AND item_type <> 'down_payment_request'"
    )
    credit = _totals("ar.balance_adjustment", "open_credit_total", "balance", "coalesce(currency, '')", "state = 'open'")
    for statements in (OLD_TOTAL, CREDITS, SCOPES, RUNS, ENTITIES, receivable, credit):
        connection.execute(statements)

"""The console: who may come in, what they did, and imports that are being set up."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = """
CREATE TABLE nightporter.account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    password text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'manager')),
    entities text[] NOT NULL DEFAULT '{}',
    language text,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);
COMMENT ON TABLE nightporter.account IS 'Somebody who may come into the console; a manager sees only the entities named.';
COMMENT ON COLUMN nightporter.account.password IS 'Its hash by argon2id, never itself.';

CREATE TABLE nightporter.session (
    id text PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES nightporter.account,
    form_token text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);
COMMENT ON TABLE nightporter.session IS 'A login; known by the hash of what the browser''s cookie holds, ended from here.';

CREATE TABLE nightporter.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL,
    action text NOT NULL,
    about jsonb NOT NULL
);
COMMENT ON TABLE nightporter.audit IS 'What was done in the console, by whom, and what was so before and after.';

CREATE TABLE nightporter.draft (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file text NOT NULL,
    path text NOT NULL,
    host text NOT NULL,
    choices jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    result jsonb,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id bigint REFERENCES nightporter.import_run
);
COMMENT ON TABLE nightporter.draft IS 'An import that is being set up from the bytes at path; each choice counts its version up.';
COMMENT ON COLUMN nightporter.draft.result IS 'What the dry run of one version came to.';
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(STATEMENTS)

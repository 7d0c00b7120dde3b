"""Alembic's environment: migrations run on the connection that `daemon.db.migrate` passes in, in its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema="nightporter",
)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's entry: runs the migrations on the connection that store/migrate.py hands in."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="cleargate_schema")
with context.begin_transaction():
    context.run_migrations()

"""Bring a database to today's schema: roles, our tables, the engine's tables.

Runs as the owner role; the app role that everything else uses can create nothing.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import sql

APP_ROLE = "cleargate_app"
_LOCK = 7_202_611


def migrate(owner_url: str, app_password: str) -> None:
    """Create or update roles and tables; safe to run twice and by two at once."""
    engine = sa.create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _make_app_role(connection, app_password)
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def app_url(owner_url: str, app_password: str) -> str:
    """The same database, as the role that every running process uses."""
    url = sa.make_url(owner_url).set(username=APP_ROLE, password=app_password)
    return url.render_as_string(hide_password=False)


def _make_app_role(connection: sa.Connection, password: str) -> None:
    """The role of every running process: it owns nothing and is bound by every policy."""
    exists = connection.scalar(
        sa.text("select true from pg_roles where rolname = :role"), {"role": APP_ROLE}
    )
    verb = sql.SQL("alter role" if exists else "create role")
    statement = sql.SQL("{} {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}")
    driver = connection.connection.driver_connection
    if driver is None:
        msg = "the database connection was closed while migrating"
        raise RuntimeError(msg)
    driver.execute(statement.format(verb, sql.Identifier(APP_ROLE), sql.Literal(password)))

"""Bring a database to today's schema: roles, our tables, the engine's tables.

Runs as the owner role; the app role that everything else uses can create nothing.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import sql

from cleargate.nouns.errors import BadSettings
from cleargate.store import roles

APP_ROLE = "cleargate_app"
_LOCK = 7_202_611


def migrate(
    owner_url: str,
    app_password: str,
    *,
    backup_password: str = "",
    retention_password: str = "",
) -> None:
    """Create or update roles and tables; safe to run twice and by two at once.

    A role without a password cannot sign in, or keeps the one that it has; there is a backup role
    only where it was given one.
    """
    engine = sa.create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _make_app_role(connection, app_password)
            roles.make_retention_role(connection, retention_password)
            if backup_password:
                roles.make_backup_role(connection, backup_password)
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


# What the app role may be. Only a superuser can take these rights away again.
_ROLE = sa.text("select rolsuper or rolbypassrls as unbound from pg_roles where rolname = :role")


def _make_app_role(connection: sa.Connection, password: str) -> None:
    """The role of every running process: it owns nothing and is bound by every policy."""
    role = connection.execute(_ROLE, {"role": APP_ROLE}).first()
    if role is not None and role.unbound:
        msg = f"the database role {APP_ROLE} must be neither SUPERUSER nor BYPASSRLS"
        raise BadSettings(msg)
    name = sql.Identifier(APP_ROLE)
    if role is None:
        rights = sql.SQL("nosuperuser nobypassrls nocreatedb nocreaterole")
        _execute(connection, sql.SQL("create role {} nologin {}").format(name, rights))
    if password:
        roles.set_password(connection, APP_ROLE, password)
    database = sql.Identifier(connection.execute(sa.text("select current_database()")).scalar_one())
    _execute(connection, sql.SQL("revoke temporary on database {} from public").format(database))


def _execute(connection: sa.Connection, statement: sql.Composed) -> None:
    """Run a statement that takes names and a password, which no bound parameter can carry."""
    driver = connection.connection.driver_connection
    if driver is None:
        msg = "the database connection was closed while migrating"
        raise RuntimeError(msg)
    driver.execute(statement)

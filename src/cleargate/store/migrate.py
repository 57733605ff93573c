"""Bring a database to today's schema: roles, our tables, the engine's tables.

Runs as the owner role; the app role that everything else uses can create nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import sql

from cleargate.nouns.errors import BadSettings
from cleargate.store.connect import ROLE_LIMITS

APP_ROLE = "cleargate_app"
SEALER_ROLE = "cleargate_sealer"
AUDITOR_ROLE = "cleargate_auditor"
ROLES = MappingProxyType({"SEALER": SEALER_ROLE, "AUDITOR": AUDITOR_ROLE})
"""Roles beside the app's, by the middle of the variable that holds their password."""
_LOCK = 7_202_611


def migrate(
    owner_url: str, app_password: str, others: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Create or update roles and tables; safe to run twice and by two at once.

    `others` are the passwords of the other roles; one that has none yet can own rights, but nobody
    can sign in as it.
    """
    engine = sa.create_engine(owner_url, hide_parameters=True)
    passwords = {APP_ROLE: app_password, **dict.fromkeys(ROLES.values(), ""), **others}
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for role, password in passwords.items():
                _make_role(connection, role, password)
            _limit_app_role(connection)
            _forbid_temporary_tables(connection)
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def role_url(owner_url: str, role: str, password: str) -> str:
    """The same database, as one of our roles."""
    url = sa.make_url(owner_url).set(username=role, password=password)
    return url.render_as_string(hide_password=False)


# What a role may be. Only a superuser can take these rights away again.
_ROLE = sa.text("select rolsuper or rolbypassrls as unbound from pg_roles where rolname = :role")


def _make_role(connection: sa.Connection, role: str, password: str) -> None:
    """A role that owns nothing and is bound by every policy; without a password it signs in never.

    A password that it has is left alone when none is given.
    """
    found = connection.execute(_ROLE, {"role": role}).first()
    if found is not None and found.unbound:
        msg = f"the database role {role} must be neither SUPERUSER nor BYPASSRLS"
        raise BadSettings(msg)
    name = sql.Identifier(role)
    if found is None:
        rights = sql.SQL("nologin nosuperuser nobypassrls nocreatedb nocreaterole")
        _execute(connection, sql.SQL("create role {} {}").format(name, rights))
    if password:
        secret = sql.Literal(password)
        _execute(connection, sql.SQL("alter role {} login password {}").format(name, secret))


def _limit_app_role(connection: sa.Connection) -> None:
    """The server itself holds every running process to its limits."""
    for limit, value in ROLE_LIMITS.items():
        setting = sql.SQL("alter role {} set {} = {}")
        names = (sql.Identifier(APP_ROLE), sql.Identifier(limit), sql.Literal(value))
        _execute(connection, setting.format(*names))


def _forbid_temporary_tables(connection: sa.Connection) -> None:
    database = sql.Identifier(connection.execute(sa.text("select current_database()")).scalar_one())
    _execute(connection, sql.SQL("revoke temporary on database {} from public").format(database))


def _execute(connection: sa.Connection, statement: sql.Composed) -> None:
    """Run a statement that takes names and a password, which no bound parameter can carry."""
    driver = connection.connection.driver_connection
    if driver is None:
        msg = "the database connection was closed while migrating"
        raise RuntimeError(msg)
    driver.execute(statement)

"""Bring a database to today's schema: roles, our tables, the engine's tables.

Runs as the owner role; the app role that everything else uses can create nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql

from cleargate.store import roles
from cleargate.store.connect import ROLE_LIMITS
from cleargate.store.roles import APP_ROLE

_LOCK = 7_202_611


def migrate(
    owner_url: str, app_password: str, others: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Create or update roles and tables; safe to run twice and by two at once.

    `others` are the passwords of other roles, by their names. A role without a password cannot sign
    in, or keeps the one that it has; there is a backup role only where it was given one.
    """
    engine = sa.create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for role, password in {APP_ROLE: app_password, **others}.items():
                roles.make(connection, role, password)
            for role in roles.OTHERS.values():
                roles.make(connection, role, "")
            _limit_app_role(connection)
            _forbid_temporary_tables(connection)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _tell_version(connection, newest())
    finally:
        engine.dispose()


def newest() -> str:
    """The schema that this release works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def role_url(owner_url: str, role: str, password: str) -> str:
    """The same database, as one of our roles."""
    url = sa.make_url(owner_url).set(username=role, password=password)
    return url.render_as_string(hide_password=False)


def _limit_app_role(connection: sa.Connection) -> None:
    """The server itself holds every running process to its limits."""
    for limit, value in ROLE_LIMITS.items():
        setting = sql.SQL("alter role {} set {} = {}")
        names = (sql.Identifier(APP_ROLE), sql.Identifier(limit), sql.Literal(value))
        _execute(connection, setting.format(*names))


def _forbid_temporary_tables(connection: sa.Connection) -> None:
    database = sql.Identifier(connection.execute(sa.text("select current_database()")).scalar_one())
    _execute(connection, sql.SQL("revoke temporary on database {} from public").format(database))


def _tell_version(connection: sa.Connection, version: str) -> None:
    """As a comment, which every role can read; Alembic's own table is the owner's alone."""
    statement = sql.SQL("comment on table cleargate_schema is {}").format(sql.Literal(version))
    _execute(connection, statement)


def _execute(connection: sa.Connection, statement: sql.Composed) -> None:
    """Run a statement that takes names and a password, which no bound parameter can carry."""
    driver = connection.connection.driver_connection
    if driver is None:
        msg = "the database connection was closed while migrating"
        raise RuntimeError(msg)
    driver.execute(statement)

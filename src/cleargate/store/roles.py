"""The database's roles: the app's, and those of whoever seals, audits, deletes or backs up.

Only the app role is used by processes that serve pages or work the queue.
"""

from collections.abc import Iterable
from types import MappingProxyType

import psycopg
import sqlalchemy as sa
from psycopg import sql

from cleargate.nouns.errors import BadSettings
from cleargate.store.schema import ENGINE, ENGINE_VERSION

LOCK = 7_202_611
"""Only one migrates at a time."""

APP_ROLE = "cleargate_app"

SEALER_ROLE = "cleargate_sealer"
"""Adds seals to the trail; only `cleargate audit seal` signs in as it."""

AUDITOR_ROLE = "cleargate_auditor"
"""Reads the trail and nothing else."""

RETENTION_ROLE = "cleargate_retention"
"""Deletes what is over, bound by the policies; only `cleargate retention` signs in as it."""

BACKUP_ROLE = "cleargate_backup"
"""Reads every practice (BYPASSRLS) and writes nothing; only `cleargate backup` signs in as it."""

OTHERS = MappingProxyType(
    {
        "SEALER": SEALER_ROLE,
        "AUDITOR": AUDITOR_ROLE,
        "RETENTION": RETENTION_ROLE,
        "BACKUP": BACKUP_ROLE,
    }
)
"""Roles beside the app's, by the middle of the variable that holds their password."""

# What a role may be. Only a superuser can take these rights away again.
_ROLE = sa.text("select rolsuper, rolbypassrls from pg_roles where rolname = :role")


def make(connection: sa.Connection, role: str, password: str) -> None:
    """Make a role, or give it a new password. Without one nobody signs in as it, or as before.

    The migrations grant to each role but the backup's, so each must be there before them.
    """
    if role == BACKUP_ROLE:
        if password:
            _make_backup_role(connection, password)
        return
    found = connection.execute(_ROLE, {"role": role}).first()
    if found is not None and (found.rolsuper or found.rolbypassrls):
        msg = f"the database role {role} must be neither SUPERUSER nor BYPASSRLS"
        raise BadSettings(msg)
    if found is None:
        run(connection, "create role {} nologin nosuperuser nobypassrls nocreatedb", role)
    if password:
        set_password(connection, role, password)


def _make_backup_role(connection: sa.Connection, password: str) -> None:
    """The role that sees every practice. Raises BadSettings where only a superuser can make it."""
    found = connection.execute(_ROLE, {"role": BACKUP_ROLE}).first()
    if found is not None and (found.rolsuper or not found.rolbypassrls):
        msg = f"the database role {BACKUP_ROLE} must be BYPASSRLS and not SUPERUSER"
        raise BadSettings(f"{msg}: a superuser changes it with `alter role`")
    try:
        if found is None:
            run(connection, "create role {} nologin bypassrls", BACKUP_ROLE)
        set_password(connection, BACKUP_ROLE, password)
    except psycopg.errors.InsufficientPrivilege:
        raise BadSettings(
            f"only a superuser can make the role {BACKUP_ROLE}: `create role {BACKUP_ROLE} "
            f"bypassrls; grant {BACKUP_ROLE} to OWNER with admin true, inherit false, set false`"
        ) from None


def make_missing(owner_url: str, names: Iterable[str]) -> None:
    """Make the roles that a backup grants to; nobody is one before `migrate` sets its password."""
    engine = sa.create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            for name in names:
                if not exists(connection, name):
                    run(connection, "create role {} nologin", name)
    finally:
        engine.dispose()


def exists(connection: sa.Connection, role: str) -> bool:
    """Whether there is such a role."""
    return connection.execute(_ROLE, {"role": role}).first() is not None


# Every schema with tables of ours or the engine's.
_SCHEMAS = sa.text(
    "select distinct schemaname from pg_tables"
    " where schemaname not in ('pg_catalog', 'information_schema') order by 1"
)


def let_retention_sweep(connection: sa.Connection) -> None:
    """Let the retention role see which files of the bucket a row still names."""
    run(connection, "grant select ({1}) on {2} to {0}", RETENTION_ROLE, "object", "attachments")


def let_backup_read(owner_url: str) -> None:
    """Let the backup role, if there is one, read every table there is now; after each migration."""
    engine = sa.create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            if not exists(connection, BACKUP_ROLE):
                return
            for schema in connection.execute(_SCHEMAS).scalars().all():
                run(connection, "grant usage on schema {1} to {0}", BACKUP_ROLE, schema)
                for kind in ("tables", "sequences"):
                    grant = f"grant select on all {kind} in schema {{1}} to {{0}}"
                    run(connection, grant, BACKUP_ROLE, schema)
    finally:
        engine.dispose()


# What the app role needs of the engine's schema, and nothing that an earlier release, or DBOS
# itself, gave beside it. What the engine makes later is granted by the migration that makes it.
_ENGINE_RIGHTS = (
    "alter default privileges in schema {1} revoke all on tables from {0}",
    "alter default privileges in schema {1} revoke all on sequences from {0}",
    "alter default privileges in schema {1} revoke all on functions from {0}",
    "revoke all on all tables in schema {1} from {0}",
    "revoke all on all sequences in schema {1} from {0}",
    "grant usage on schema {1} to {0}",
    "grant select, insert, update, delete on all tables in schema {1} to {0}",
    "grant select, usage on all sequences in schema {1} to {0}",
    "grant execute on all functions in schema {1} to {0}",
    "revoke insert, update, delete on {1}.{2} from {0}",
)


def let_app_queue(owner_url: str) -> None:
    """Let the app role use the engine's tables, and no more; after each of its migrations.

    In one transaction, so that those who work meanwhile never lack a right.
    """
    engine = sa.create_engine(owner_url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            for statement in _ENGINE_RIGHTS:
                run(connection, statement, APP_ROLE, ENGINE, ENGINE_VERSION)
    finally:
        engine.dispose()


def set_password(connection: sa.Connection, role: str, password: str) -> None:
    """Let the role sign in with this password, which is sent as a verifier and logged nowhere."""
    driver = _driver(connection)
    verifier = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("alter role {} login password {}")
    driver.execute(statement.format(sql.Identifier(role), sql.Literal(verifier.decode())))


def run(connection: sa.Connection, statement: str, *names: str) -> None:
    """Run a statement that takes names, which no bound parameter can carry."""
    # nosemgrep: values-in-sql - statements of this file, names quoted.
    composed = sql.SQL(statement).format(*map(sql.Identifier, names))
    _driver(connection).execute(composed)


def _driver(connection: sa.Connection) -> psycopg.Connection:
    driver: psycopg.Connection | None = connection.connection.driver_connection
    if driver is None:
        msg = "the database connection was closed while migrating"
        raise RuntimeError(msg)
    return driver

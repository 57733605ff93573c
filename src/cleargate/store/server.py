"""What the database server says of itself and of our way to it; PHI-free, without a practice."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import sqlalchemy as sa

# Who we are there, what may be done with us, and which schema it has (see store/migrate.py).
_ABOUT = sa.text(
    "select current_user as role, r.rolsuper or r.rolbypassrls as unbound,"
    " pg_backend_pid() as backend, clock_timestamp() as now,"
    " current_setting('server_version') as release,"
    " current_setting('server_version_num')::integer / 10000 as major,"
    " coalesce(obj_description(to_regclass('public.cleargate_schema'), 'pg_class'), '') as schema"
    " from pg_roles r where r.rolname = current_user"
)


@dataclass(frozen=True, slots=True)
class Server:
    """One look at the database.

    `unbound`: the role is a superuser or passes by row-level security. `pooled`: somebody stands
    between us and the server. `verified`: its certificate was held against its name.
    """

    role: str
    unbound: bool
    release: str
    major: int
    schema: str
    now: datetime
    host: str
    encrypted: bool
    verified: bool
    pooled: bool


_MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def newest() -> str:
    """The schema that this release works with; the files are named after it."""
    return max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("[0-9]*_*.py"))


def look(connection: sa.Connection) -> Server:
    """Ask the server, and the driver about the line."""
    row = connection.execute(_ABOUT).one()
    line = connection.connection.driver_connection
    if not isinstance(line, psycopg.Connection):
        msg = "the database connection is not psycopg's"
        raise TypeError(msg)
    return Server(
        role=row.role,
        unbound=row.unbound,
        release=row.release.split()[0],
        major=row.major,
        schema=row.schema,
        now=row.now,
        host=line.info.host,
        encrypted=line.pgconn.ssl_in_use,
        verified=line.info.get_parameters().get("sslmode") == "verify-full",
        # A pooler tells a number of its own making, as the one with which to cancel a query.
        pooled=line.pgconn.backend_pid != row.backend,
    )

"""Why a database cannot be worked with: found out by one look, and said to whoever set it up.

Nothing here repeats what the server or the driver said: its message may hold more than a reason.
"""

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError

from cleargate.nouns.errors import Unavailable
from cleargate.store import grants, server
from cleargate.store.connect import AWAY, Limits, engine
from cleargate.store.database_url import must_be_verified

LOOKS = Limits(answer_s=10, connect_s=5, free_s=5)
"""Somebody waits in front of a terminal."""

PAUSE_S = 1.0
"""Between two looks for a database that may still come."""

_VARIABLE = re.compile(r"CLEARGATE_(\w+_)?DATABASE_URL")

_MIGRATE = "run `cleargate migrate`"

_log = structlog.get_logger()


class NoDatabase(Unavailable):
    """The database is away, or not as this release needs it; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a database, and the way out. `passes`: it may end by itself."""

    what: str
    way_out: str
    passes: bool = False

    def about(self, url: str) -> str:
        """One sentence that names the variable."""
        return f"{variable(url)}: {self.what}; {self.way_out}."


def variable(url: str) -> str:
    """The variable that leads to a database."""
    named = (name for name, value in _urls().items() if value == url)
    return next(named, "the database's address")


def _urls() -> dict[str, str]:
    """Every database that the environment names, by its variable; nothing that is no address."""
    found = {}
    for name, value in sorted(os.environ.items()):
        with suppress(ValueError):
            if _VARIABLE.fullmatch(name) and value:
                found[name] = must_be_verified(value)
    return found


def await_database(url: str, wait_s: float) -> None:
    """Return once the database is as this release needs it; what may pass is waited for.

    Raises NoDatabase: at once where a person has to act.
    """
    gives_up = time.monotonic() + wait_s
    while (found := trouble(url)) is not None:
        if not found.passes or time.monotonic() >= gives_up:
            raise NoDatabase(found.about(url))
        _log.warning("waiting_for_database")
        time.sleep(PAUSE_S)


def explain(error: BaseException) -> str:
    """Why a command failed, where it was the database: one sentence. Empty for anything else.

    Looks at every database that the environment names; none has a fault when it was a bug of ours.
    """
    if not isinstance(error, (DBAPIError, psycopg.Error, *AWAY)):
        return ""
    for url in _urls().values():
        if (found := trouble(url)) is not None:
            return found.about(url)
    if isinstance(error, (psycopg.OperationalError, *AWAY)):
        return "The database stopped answering, and answers now; run the command again."
    return ""


def trouble(url: str) -> Trouble | None:
    """What is wrong with a database for the role of its address; None when nothing is."""
    opened = engine(url, "cleargate", LOOKS, prepared=False, pool_size=1, overflow=0, ping=False)
    try:
        with opened.begin() as connection:
            return _unfit(connection)
    except (DBAPIError, *AWAY) as error:
        return shut(url, str(getattr(error, "orig", "")))
    finally:
        opened.dispose()


def _unfit(connection: sa.Connection) -> Trouble | None:
    """What is wrong with a database that lets us in."""
    found, wanted = server.look(connection), server.newest()
    if not found.schema:
        return Trouble(
            f"the database has no schema of Cleargate, and this version wants {wanted}", _MIGRATE
        )
    if found.schema != wanted:
        is_older = found.schema < wanted
        return Trouble(
            f"the database has schema {found.schema}, and this version wants {wanted}",
            _MIGRATE if is_older else "use the version that migrated it, or a later one",
        )
    lacking = grants.lacking(connection, found.role)
    if not lacking:
        return None
    return Trouble(
        f"{found.role} lacks rights in the database, such as {lacking[0]}",
        f"{_MIGRATE}, and `cleargate doctor` names them all",
    )


_PASSWORD = "correct the address, or give the role this password with `cleargate migrate`"  # noqa: S105

# Words of the server or of libpq, what they mean, the way out, and whether it may end by itself.
_SAYS = (
    ("password authentication failed", "refuses the password of {role}", _PASSWORD, False),
    ("SASL authentication failed", "refuses the password of {role}", _PASSWORD, False),
    ("no password supplied", "wants a password for {role}", _PASSWORD, False),
    ("not permitted to log in", "has no password for {role} yet", _PASSWORD, False),
    ('role ".*" does not exist', "has no role {role}", _MIGRATE, False),
    (
        'database ".*" does not exist',
        "has no database {database}",
        "correct the address, or create it",
        False,
    ),
    (
        "no pg_hba.conf entry",
        "does not take {role} from this machine",
        "add a line to its pg_hba.conf",
        False,
    ),
    (
        "invalid .*(option|value)",
        "cannot be asked with these options",
        "correct what stands behind the question mark of the address",
        False,
    ),
    (
        "certificate|SSL|ssl",
        "does not prove who it is",
        "see its certificate, and sslmode and sslrootcert in the address",
        False,
    ),
    (
        "too many (connections|clients)|connection slots",
        "has no free connection",
        "try again, or raise its max_connections",
        True,
    ),
    (
        "starting up|shutting down|recovery mode|not yet accepting",
        "is starting or ending",
        "try again in a minute",
        True,
    ),
    ("FATAL", "refuses {role}", "its log says why", False),
)
"""The server is there. Source: Postgres 18, PgBouncer 1.18."""

_NO_HOST = re.compile(r"resolve host|translate host name|resolve hostname")


def shut(address: str, said: str) -> Trouble:
    """Why a database does not let us in, after what the driver said."""
    url = sa.make_url(address)
    if _NO_HOST.search(said):
        return Trouble(
            f"there is no host {_place(url)}", "correct the address, or see to the DNS", passes=True
        )
    for words, what, way_out, passes in _SAYS:
        if re.search(words, said):
            told = what.format(role=url.username or "nobody", database=url.database or "")
            return Trouble(f"the database at {_place(url)} {told}", way_out, passes)
    return Trouble(
        f"nothing answers at {_place(url)}",
        "see that Postgres runs and can be reached from here, and that the address is right",
        passes=True,
    )


def _place(url: sa.URL) -> str:
    """Host and port, or the directory of the socket."""
    host = url.host or url.query.get("host", "") or os.environ.get("PGHOST", "") or "localhost"
    named = host if isinstance(host, str) else ",".join(host)
    return named if named.startswith("/") else f"{named}:{url.port or 5432}"

"""A dump back into a database: an empty one, whole or not at all.

Until it is settled there, nobody but the owner may connect: a worker must not find half of it,
or take what the lost hours did for undone (see store/restores.py).
"""

from collections.abc import Iterator
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO

from psycopg import sql

from cleargate.nouns.errors import Refused
from cleargate.store.postgres_tools import connected, database, program, running

_LIST_BYTES_MAX = 10_000_000

# Anything that somebody has made in this database.
_ANYTHING = """
select exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)')
  or exists (select 1 from pg_namespace
    where nspname not in ('public', 'information_schema') and nspname !~ '^pg_')
"""


def refuse_unless_empty(url: str) -> None:
    """Raises Refused when the database holds anything: a restore never overwrites."""
    with connected(url) as connection:
        if connection.execute(_ANYTHING).fetchone() == (True,):
            raise Refused(
                "The database is not empty, and a restore overwrites nothing: "
                "make a new one with `create database` and name that."
            )


def list_entries(url: str, dump: Iterator[bytes]) -> bytes:
    """What is in a dump, one entry a line; reads the dump to its end, which proves it whole."""
    with TemporaryFile() as entries:
        command = [program("pg_restore", url), "--list"]
        with running(command, url, reads=True, output=entries) as child:
            _feed(child.stdin, dump)
        for _ in dump:  # pg_restore has seen enough; what follows must be sound as well.
            pass
        entries.seek(0)
        return entries.read(_LIST_BYTES_MAX)


def load(url: str, dump: Iterator[bytes], entries: bytes) -> None:
    """Restore a dump in one transaction, as the owner that the URL names.

    Default privileges are left out: they name the owner of before, who may not be here. The
    migrations that follow grant them to the owner of now.
    """
    wanted = [line for line in entries.splitlines() if b" DEFAULT ACL " not in line]
    with NamedTemporaryFile() as list_file:
        list_file.write(b"\n".join(wanted) + b"\n")
        list_file.flush()
        command = [
            *(program("pg_restore", url), "--exit-on-error", "--single-transaction"),
            *("--no-owner", "--no-password", f"--use-list={list_file.name}"),
            f"--dbname={database(url)}",
        ]
        with running(command, url, reads=True) as child:
            _feed(child.stdin, dump)


def _feed(stdin: IO[bytes] | None, dump: Iterator[bytes]) -> None:
    if stdin is not None:
        for piece in dump:
            stdin.write(piece)


# The database's name, and whether everybody may connect to it, as to a new one.
_DATABASE = """
select current_database(), has_database_privilege('public', current_database(), 'connect')
"""


def shut(url: str) -> None:
    """Let nobody but the owner connect. Raises Refused when the URL is not the owner's."""
    if _change_right(url, "revoke connect on database {} from public"):
        raise Refused("The URL's role does not own the database: name the owner's.")


def reopen(url: str) -> None:
    """Let everybody connect who has a role, as in a new database."""
    _change_right(url, "grant connect on database {} to public")


def _change_right(url: str, statement: str) -> bool:
    """Change who may connect; gives whether everybody may then."""
    with connected(url) as connection:
        name, _ = connection.execute(_DATABASE).fetchone() or ("", False)
        # nosemgrep: values-in-sql - one of the two statements above.
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
        _, is_open = connection.execute(_DATABASE).fetchone() or ("", True)
        return bool(is_open)

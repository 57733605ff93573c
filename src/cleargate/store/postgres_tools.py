"""Postgres's own programs as our children: which ones, how they sign in, and what they may say.

A password goes through the child's environment, never its command line. What a program writes to
its stderr is not shown: a server's message may quote a row.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from typing import BinaryIO

import psycopg
import sqlalchemy as sa
from psycopg import pq

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.store.embedded_home import MAJOR, own_programs
from cleargate.store.trouble import shut

HOURS_MAX = 6.0
"""A program that runs longer hangs, and is ended."""

_SESSION = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 90_000,
}
"""A server that went away without a word is given up after a minute and a half."""

_SAYS = {
    b"password authentication failed": "the role or its password is wrong",
    b"row-level security": "the role may not see every practice (it needs BYPASSRLS)",
    b"permission denied": "the role has too few rights: run cleargate migrate",
    b"No space left on device": "the server's disk is full",
    b"unsupported version": "the backup is of a newer Postgres",
    b"could not connect": "the server cannot be reached",
    b"connection to server": "the server cannot be reached, or ended the session",
    b"lock timeout": "a table was locked for too long",
    b"lock_timeout": "a table was locked for too long",
}
"""What a program may be complaining of, in words of ours. Source: Postgres 18."""


def program(name: str, url: str) -> str:
    """The path of pg_dump or pg_restore of the server's own major version.

    Another version may refuse the server, or write what an older one cannot read. Raises Refused
    where there is none.
    """
    major = server_major(url)
    own = own_programs() / name
    if major == MAJOR and own.exists():
        return str(own)
    found = shutil.which(name)
    if found is not None and _major(found) == major:
        return found
    raise Refused(
        f"The server is Postgres {major}, and there is no {name} of version {major} here: "
        f"install the Postgres {major} client programs and put them on the PATH."
    )


def server_major(url: str) -> int:
    """The major version of the server behind one of our URLs. Raises Refused."""
    with connected(url) as connection:
        return connection.info.server_version // 10_000


def connected(url: str) -> psycopg.Connection:
    """A plain connection for one of our URLs. Raises Refused when there is none to be had."""
    try:
        return psycopg.connect(plain(url), connect_timeout=10)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise Refused(shut(url, str(error)).about(url)) from None


def _major(path: str) -> int:
    """What `pg_dump (PostgreSQL) 17.2 (Debian ...)` says of itself, or 0."""
    with Popen([path, "--version"], stdout=PIPE) as child:  # noqa: S603
        said = child.communicate(timeout=20)[0].split(b") ", 1)[-1]
    digits = said.split(b".")[0].strip()
    return int(digits) if digits.isdigit() else 0


def plain(url: str) -> str:
    """One of our URLs as libpq reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def place(url: str) -> str:
    """Where a URL leads, without its password."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return "the URL that was given"
    return f"{parsed.host or parsed.query.get('host', 'localhost')}/{parsed.database}"


def environment(url: str) -> dict[str, str]:
    """What a child needs to sign in, and nothing else of our environment."""
    variables = {
        each.keyword.decode(): each.envvar.decode()
        for each in pq.Conninfo.get_defaults()
        if each.envvar
    }
    given = {"PATH": os.defpath, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10"}
    for name, value in psycopg.conninfo.conninfo_to_dict(plain(url)).items():
        if name not in variables:
            raise BadSettings(f"the database URL's {name} cannot be given to Postgres's programs")
        given[variables[name]] = str(value)
    return given


def database(url: str) -> str:
    """How a program is told which database: nothing secret, and a session that hangs ends."""
    name = psycopg.conninfo.conninfo_to_dict(plain(url)).get("dbname")
    return psycopg.conninfo.make_conninfo("", dbname=name, **_SESSION)


@contextmanager
def running(
    command: list[str], url: str, *, reads: bool = False, output: BinaryIO | int = PIPE
) -> Iterator[Popen[bytes]]:
    """A program as our child; raises Refused when it does not end well.

    `reads`: it is given its input by a pipe. It is ended with us, and after HOURS_MAX in any case.
    """
    with TemporaryFile() as complaints:
        child = Popen(  # noqa: S603 - our own programs, no shell
            command,
            env=environment(url),
            stdin=PIPE if reads else DEVNULL,
            stdout=output,
            stderr=complaints,
        )
        limit = threading.Timer(HOURS_MAX * 3600, child.kill)
        limit.daemon = True
        limit.start()
        # A broken pipe says that it ended before its input did; its exit code says why.
        with suppress(BrokenPipeError), child:
            try:
                yield child
            except BrokenPipeError:
                pass
            except BaseException:
                child.kill()
                raise
            finally:
                limit.cancel()
        if child.returncode != 0:
            complaints.seek(0)
            raise Refused(f"{Path(command[0]).name} failed: {_reason(complaints.read(20_000))}.")


def _reason(complaint: bytes) -> str:
    return next(
        (ours for theirs, ours in _SAYS.items() if theirs in complaint),
        "for a reason of its own; the server's log may say which",
    )

"""The whole database as one stream: first what it must hold, then what pg_dump writes of it.

Both are of the same snapshot, so a restored copy can be counted against it.
"""

import json
import struct
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO

import sqlalchemy as sa
from psycopg import sql

from cleargate import __version__
from cleargate.nouns.errors import Refused
from cleargate.store.backup_frames import Damaged
from cleargate.store.postgres_tools import database, place, program, running

PIECE_BYTES = 1 << 18
CONTENTS_BYTES_MAX = 1_000_000

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds: `rows` is how many each table has, `schema` is our newest migration.

    `roles` are those that rights are granted to, `events` how many each practice's trail has.
    """

    made: datetime
    release: str
    schema: str
    roles: list[str]
    rows: dict[str, int]
    events: dict[str, int]


# The tables that are ours or the engine's, as a dump names them.
_TABLES = sa.text(
    "select schemaname || '.' || tablename from pg_tables"
    " where schemaname not in ('pg_catalog', 'information_schema') order by 1"
)

# Our newest migration.
_SCHEMA = sa.text("select version_num from public.cleargate_schema")

# The roles of an installation, but for its owner, who may have any name.
_ROLES = sa.text(
    "select rolname from pg_roles where rolname like 'cleargate\\_%'"
    " and rolname not in (select tableowner from pg_tables where schemaname = 'public') order by 1"
)

# How long each practice's trail is.
_EVENTS = sa.text("select practice_id::text, count(*) from public.audit_events group by 1")

# This session only waits while pg_dump works, for as long as it takes.
_STAY = sa.text("set local idle_in_transaction_session_timeout = 0")

# Another session may see exactly what this transaction sees.
_SNAPSHOT = sa.text("select pg_export_snapshot()")


def dump(url: str, made: datetime) -> Generator[bytes, None, None]:
    """The stream, as the backup role reads it. Raises Refused when pg_dump does not end well."""
    command = [program("pg_dump", url), "--format=custom", "--compress=gzip:1", "--no-password"]
    command += [f"--dbname={database(url)}"]
    engine = sa.create_engine(url, hide_parameters=True, isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            connection.execute(_STAY)
            snapshot = connection.execute(_SNAPSHOT).scalar_one()
            yield _packed(_contents(connection, made))
            command += [f"--snapshot={snapshot}", "--lock-wait-timeout=60s"]
            with running(command, url) as child:
                yield from _output(child.stdout)
    except sa.exc.OperationalError:
        raise Refused(f"The database at {place(url)} went away, or let us in no more.") from None
    except sa.exc.ProgrammingError:
        raise Refused("The backup role may not read everything: run cleargate migrate.") from None
    finally:
        engine.dispose()


def _output(stdout: IO[bytes] | None) -> Iterator[bytes]:
    while stdout is not None and (piece := stdout.read(PIECE_BYTES)):
        yield piece


def _contents(connection: sa.Connection, made: datetime) -> Contents:
    """What this transaction sees; the role sees every practice's rows."""
    tables = connection.execute(_TABLES).scalars().all()
    return Contents(
        made=made,
        release=__version__,
        schema=connection.execute(_SCHEMA).scalar_one(),
        roles=list(connection.execute(_ROLES).scalars()),
        rows={table: connection.execute(count_of(table)).scalar_one() for table in tables},
        events={practice: count for practice, count in connection.execute(_EVENTS)},
    )


def count_of(table: str) -> sa.TextClause:
    """The query that counts a table's rows."""
    name = sql.Identifier(*table.split(".", 1)).as_string()
    # nosemgrep: values-in-sql - a name from the catalogue, quoted.
    return sa.text(f"select count(*) from {name}")  # noqa: S608


def _packed(contents: Contents) -> bytes:
    text = json.dumps({**asdict(contents), "made": contents.made.isoformat()}).encode()
    return _LENGTH.pack(len(text)) + text


def unpack(plain: Iterator[bytes]) -> tuple[Contents, Iterator[bytes]]:
    """What a stream says that it holds, and the dump that follows."""
    head = bytearray()
    wanted = _LENGTH.size
    for piece in plain:
        head += piece
        if wanted == _LENGTH.size <= len(head):
            wanted += min(_LENGTH.unpack_from(head)[0], CONTENTS_BYTES_MAX)
        if len(head) >= wanted > _LENGTH.size:
            break
    contents = _read(bytes(head[_LENGTH.size : wanted]))
    return contents, _rest(bytes(head[wanted:]), plain)


def _rest(first: bytes, following: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from following


def _read(text: bytes) -> Contents:
    """What `_packed` wrote. It is authenticated, so a fault is another release's doing."""
    try:
        values = json.loads(text)
        values["made"] = datetime.fromisoformat(values["made"])
        return Contents(**values)
    except (ValueError, TypeError, KeyError):
        raise Damaged(
            "The backup's list of contents cannot be read: is it of a newer release?"
        ) from None

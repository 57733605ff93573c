"""Whether a restored database is what the backup says: rows, trail, and values that open.

Read as the owner, who is bound by the policies: every practice is entered in its turn.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from psycopg import sql

from cleargate.nouns.ids import PracticeId
from cleargate.ports import KeyService
from cleargate.store.backup_dump import Contents, count_of
from cleargate.store.database import Database, Session
from cleargate.store.engine_keys import engine_key
from cleargate.store.keyless import KeylessDatabase
from cleargate.store.keyring import Keyring
from cleargate.store.schema import SEALED

SAMPLE = 25
"""How many values of each sealed column are opened, for each practice."""

# Every table, and whether its rows are a practice's.
_TABLES = sa.text(
    "select n.nspname || '.' || c.relname as name, c.relrowsecurity as bound from pg_class c"
    " join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r'"
    " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1"
)

# All practices of this installation.
_PRACTICES = sa.text("select id from practices order by slug limit 1000")

# Whether the engine, or a practice, has sealed anything yet.
_HAS_ENGINE_KEY = sa.text("select exists (select 1 from engine_keys)")
_HAS_KEYS = sa.text("select exists (select 1 from data_keys where practice_id = :practice)")

# How long the practice's trail is.
_EVENTS = sa.text("select count(*) from audit_events where practice_id = :practice")


def faults(owner_url: str, contents: Contents) -> list[str]:
    """Rows and events that a restored database lacks, each as kind and place. Changes nothing.

    The schema may be an older release's.
    """
    with closing(KeylessDatabase(owner_url)) as database:
        with database.public() as connection:
            practices = _practices(connection)
        found = _row_faults(database, practices, contents.rows)
        for practice in practices:
            with database.session(practice) as session:
                found += _trail_faults(session, contents.events.get(str(practice), 0))
    return found


def key_faults(owner_url: str, keys: KeyService) -> list[str]:
    """Columns of which a value does not open with the keys. Needs today's schema; changes nothing.

    Raises BadSettings when the key service holds another key.
    """
    found = []
    with closing(Database(owner_url, Keyring(keys))) as database:
        with database.public() as connection:
            practices = _practices(connection)
            if connection.execute(_HAS_ENGINE_KEY).scalar_one():
                engine_key(connection, keys)
        for practice in practices:
            with closing(KeylessDatabase(owner_url)) as bare, bare.session(practice) as session:
                has_keys = session.run(_HAS_KEYS).scalar_one()
            if has_keys:
                with database.session(practice) as session:
                    found += _sealed_faults(session)
    return found


def _practices(connection: sa.Connection) -> list[PracticeId]:
    return [PracticeId(id_) for id_ in connection.execute(_PRACTICES).scalars()]


def _row_faults(
    database: Database, practices: list[PracticeId], expected: Mapping[str, int]
) -> list[str]:
    """Tables that have other rows than the backup says, or that only one of them has."""
    with database.public() as connection:
        tables = {row.name: row.bound for row in connection.execute(_TABLES)}
        counted = {
            name: connection.execute(count_of(name)).scalar_one()
            for name, bound in tables.items()
            if not bound
        }
    bound_tables = [name for name, bound in tables.items() if bound]
    counted |= dict.fromkeys(bound_tables, 0)
    for practice in practices:
        with database.session(practice) as session:
            for name in bound_tables:
                counted[name] += session.run(count_of(name)).scalar_one()
    both = sorted(counted.keys() | expected.keys())
    return [f"rows:{name}" for name in both if counted.get(name) != expected.get(name)]


def _trail_faults(session: Session, expected: int) -> list[str]:
    """The practice's trail has as many events; `trail/verify.py` holds them against their seals."""
    events = session.run(_EVENTS).scalar_one()
    return [] if events == expected else ["trail:audit_events"]


def _sealed_faults(session: Session) -> list[str]:
    """Columns of which a value does not open with the keys."""
    found = []
    for table, column, row in _places():
        for each in session.all(_sample(table, column, row), limit=SAMPLE):
            try:
                session.sealer.open(each["sealed"], table, column, each["row"])
            except InvalidTag:
                found.append(f"sealed:{table}.{column}")
                break
    return found


def _places() -> Iterator[tuple[str, str, str]]:
    """Every sealed column, and the column that names the row in the seal."""
    for table, sealed in SEALED.items():
        for column in sealed.columns:
            yield table, column, sealed.row


def _sample(table: str, column: str, row: str) -> sa.TextClause:
    """Some values of a sealed column, with what names their rows."""
    names = {name: sql.Identifier(name).as_string() for name in (table, column, row)}
    # nosemgrep: values-in-sql - identifiers, quoted.
    return sa.text(
        f"select {names[row]} as row, {names[column]} as sealed from {names[table]}"  # noqa: S608
        f" where practice_id = :practice and {names[column]} is not null limit :limit"
    )

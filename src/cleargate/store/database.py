"""The database, and the only way in: a session that sees one practice's rows and commits on exit.

Every transaction names its practice for the row-level policies, transaction-locally, so that a
pooler cannot carry it over. A worker's transaction also proves that the worker still holds its
lease: a process that was frozen and overtaken gets Overtaken instead of a transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId
from cleargate.ports import FileStore
from cleargate.store.crypto import Sealer
from cleargate.store.keyring import Keyring

POOL_SIZE = 30
POOL_OVERFLOW = 10
"""A connection beyond the pool's size is opened, signed in and closed for one transaction."""

PREPARE_AFTER = 3
"""A statement is prepared when it is used so often on one connection."""


class Overtaken(CleargateError):
    """Another worker took over this process's work; it must stop and write nothing."""


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction of one practice."""

    connection: sa.Connection
    practice: PracticeId
    sealer: Sealer
    files: FileStore | None = None

    def run(self, statement: sa.TextClause, **values: object) -> sa.CursorResult[Any]:
        """Execute a named query; the practice is always bound as `:practice`."""
        return self.connection.execute(statement, {"practice": self.practice, **values})

    def one(self, statement: sa.TextClause, **values: object) -> sa.RowMapping | None:
        """The first row, or None."""
        return self.run(statement, **values).mappings().first()

    def all(self, statement: sa.TextClause, **values: object) -> list[sa.RowMapping]:
        """Every row; the query carries its own limit."""
        return list(self.run(statement, **values).mappings())


# The practice becomes visible to the policies for this transaction only; with it, what is noted of
# its data keys.
_ENTER = sa.text(
    "select set_config('app.practice_id', :name, true),"
    " coalesce(newest_key, 0) as newest_key, shredded_at is not null as shredded"
    " from (values (1)) as one left join practices on id = :practice"
)

# The same, and proof that this worker's lease was not taken.
_ENTER_FENCED = sa.text(
    "select set_config('app.practice_id', :name, true),"
    " coalesce(newest_key, 0) as newest_key, shredded_at is not null as shredded,"
    " exists (select 1 from leases where executor = :executor and lost_at is null) as held"
    " from (values (1)) as one left join practices on id = :practice"
)


class Database:
    """Connections of one role, and the keys of the practices.

    `executor` is set in workers only: it fences every transaction (see the module's docstring).
    `prepared` is for a database without a pooler in transaction mode before it. `files` is where
    attachments are kept, None for in the database.
    """

    def __init__(
        self,
        url: str,
        keyring: Keyring,
        executor: str = "",
        *,
        prepared: bool = False,
        files: FileStore | None = None,
    ) -> None:
        self._engine = _connect(url, executor, prepared=prepared)
        self._keyring = keyring
        self._executor = executor
        self._files = files

    @contextmanager
    def session(self, practice: PracticeId) -> Iterator[Session]:
        """A transaction of one practice; commits when the block ends without an error.

        Keys that cannot be had are told when something is sealed or opened, and not before: what
        needs none goes on without them.
        """
        self._keyring.prepare(practice, partial(self._without_sealer, practice))
        with self._engine.begin() as connection:
            yield self._turn(connection, practice)

    @contextmanager
    def across(self) -> Iterator[tuple[sa.Connection, Callable[[PracticeId], Session]]]:
        """One transaction over several practices, one after the other: each call turns to one."""
        with self._engine.begin() as connection:
            yield connection, partial(self._turn, connection)

    def check_keys(self, practice: PracticeId) -> None:
        """Raise KeyServiceDown or KeysDestroyed when the practice's keys could not be had now."""
        self._keyring.prepare(practice, partial(self._without_sealer, practice))
        self._keyring.check(practice)

    def _turn(self, connection: sa.Connection, practice: PracticeId) -> Session:
        """Let the transaction see a practice, and nothing else."""
        row = self._enter(connection, practice)
        sealer = self._keyring.sealer(practice, connection, row.newest_key, shredded=row.shredded)
        return Session(connection, practice, sealer, self._files)

    @contextmanager
    def _without_sealer(self, practice: PracticeId) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            self._enter(connection, practice)
            yield connection

    def _enter(self, connection: sa.Connection, practice: PracticeId) -> sa.Row[Any]:
        values = {"practice": practice, "name": str(practice)}
        if not self._executor:
            return connection.execute(_ENTER, values).one()
        row = connection.execute(_ENTER_FENCED, {**values, "executor": self._executor}).one()
        if not row.held:
            raise Overtaken(self._executor)
        return row

    @contextmanager
    def public(self) -> Iterator[sa.Connection]:
        """A transaction without a practice, for the closed list of PHI-free tables only."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def watching(self) -> Iterator[sa.Connection]:
        """A connection on which each statement is its own transaction: for locks that outlast."""
        with self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def prepare_threshold(*, prepared: bool) -> int | None:
    """The driver's setting: None prepares nothing, because a pooler would carry it elsewhere."""
    return PREPARE_AFTER if prepared else None


def _connect(url: str, application: str, *, prepared: bool) -> sa.Engine:
    """An engine that shows no values in errors."""
    return sa.create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        # A page must not fail because the database was away; a worker runs its phase again.
        pool_pre_ping=not application,
        hide_parameters=True,
        connect_args={
            "prepare_threshold": prepare_threshold(prepared=prepared),
            "application_name": application or "cleargate",
            "connect_timeout": 10,
        },
    )

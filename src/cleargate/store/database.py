"""The database, and the only way in: a session that sees one practice's rows and commits on exit.

Every transaction names its practice for the row-level policies, transaction-locally, so that a
pooler cannot carry it over. A worker's transaction also proves that the worker still holds its
lease: a process that was frozen and overtaken gets Overtaken instead of a transaction.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId
from cleargate.ports import FileStore
from cleargate.store.connect import PAGES, WORKERS, Limits, engine
from cleargate.store.crypto import Sealer
from cleargate.store.keyring import Keyring

POOL_SIZE = 30
POOL_OVERFLOW = 10
"""A connection beyond the pool's size is opened, signed in and closed for one transaction."""


class Overtaken(CleargateError):
    """Another worker took over this process's work; it must stop and write nothing."""


_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Source:
    """Whence somebody acts, for the trail.

    `client` is the program (`web`, `api`, `command`, a worker's name), `address` the network
    address that asked it, `authn` how the actor proved who they are, `session` the beginning of the
    hash of their signed-in session.
    """

    client: str = ""
    address: str = ""
    authn: str = ""
    session: str = ""


COMMAND = "command"
NOWHERE = Source()


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction of one practice. `recorded` are the events that it put on the trail."""

    connection: sa.Connection
    practice: PracticeId
    sealer: Sealer
    source: Source = NOWHERE
    files: FileStore | None = None
    recorded: list[UUID] = field(default_factory=list)

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
    attachments are kept, None for in the database. `limits` are those of a worker or of a page,
    unless told otherwise.
    """

    def __init__(
        self,
        url: str,
        keyring: Keyring,
        executor: str = "",
        *,
        prepared: bool = False,
        files: FileStore | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._engine = engine(
            url,
            executor or "cleargate",
            limits or (WORKERS if executor else PAGES),
            prepared=prepared,
            pool_size=POOL_SIZE,
            overflow=POOL_OVERFLOW,
            # A page must not fail because the database was away; a worker runs its phase again.
            ping=not executor,
        )
        self._keyring = keyring
        self._executor = executor
        self._files = files
        self._source = Source(executor or COMMAND)

    @contextmanager
    def session(self, practice: PracticeId, source: Source | None = None) -> Iterator[Session]:
        """A transaction of one practice; commits when the block ends without an error.

        What it put on the trail is then named in the log too: a second copy of the ids, in other
        hands, tells whether an event was taken away before it was sealed. Keys that cannot be had
        are told when something is sealed or opened, and not before: what needs none goes on
        without them.
        """
        self._keyring.prepare(practice, partial(self._without_sealer, practice))
        with self._engine.begin() as connection:
            session = self._turn(connection, practice, source)
            yield session
        if session.source.client != COMMAND:  # At a terminal there is no log to keep it.
            for event in session.recorded:
                _log.info("audit", audit=event, practice_id=practice)

    @contextmanager
    def across(self) -> Iterator[tuple[sa.Connection, Callable[[PracticeId], Session]]]:
        """One transaction over several practices, one after the other: each call turns to one."""
        with self._engine.begin() as connection:
            yield connection, partial(self._turn, connection)

    def check_keys(self, practice: PracticeId) -> None:
        """Raise KeyServiceDown or KeysDestroyed when the practice's keys could not be had now."""
        self._keyring.prepare(practice, partial(self._without_sealer, practice))
        self._keyring.check(practice)

    def _turn(
        self, connection: sa.Connection, practice: PracticeId, source: Source | None = None
    ) -> Session:
        """Let the transaction see a practice, and nothing else."""
        row = self._enter(connection, practice)
        sealer = self._keyring.sealer(practice, connection, row.newest_key, shredded=row.shredded)
        return Session(connection, practice, sealer, source or self._source, self._files)

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

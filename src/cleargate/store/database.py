"""The database, and the only way in: a session that sees one practice's rows and commits on exit.

Every transaction names its practice for the row-level policies, transaction-locally, so that a
pooler cannot carry it over. A worker's transaction also proves that the worker still holds its
lease: a process that was frozen and overtaken gets Overtaken instead of a transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import PracticeId
from cleargate.store.connect import PAGES, WORKERS, Limits, engine
from cleargate.store.crypto import Keyring, Sealer

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


NOWHERE = Source()


@dataclass(frozen=True, slots=True)
class Session:
    """One transaction of one practice. `recorded` are the events that it put on the trail."""

    connection: sa.Connection
    practice: PracticeId
    sealer: Sealer
    source: Source = NOWHERE
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


# The practice becomes visible to the policies for this transaction only.
_ENTER = sa.text("select set_config('app.practice_id', :practice, true)")

# The same, and proof that this worker's lease was not taken.
_ENTER_FENCED = sa.text(
    "select set_config('app.practice_id', :practice, true),"
    " exists (select 1 from leases where executor = :executor and lost_at is null) as held"
)


class Database:
    """Connections of one role, and the keys of the practices.

    `executor` is set in workers only: it fences every transaction (see the module's docstring).
    `prepared` is for a database without a pooler in transaction mode before it. `limits` are those
    of a worker or of a page, unless told otherwise.
    """

    def __init__(
        self,
        url: str,
        keyring: Keyring,
        executor: str = "",
        *,
        prepared: bool = False,
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
        self._source = Source(executor or "command")

    @contextmanager
    def session(self, practice: PracticeId, source: Source | None = None) -> Iterator[Session]:
        """A transaction of one practice; commits when the block ends without an error.

        What it put on the trail is then named in the log too: a second copy of the ids, in other
        hands, tells whether an event was taken away before it was sealed.
        """
        sealer = self._keyring.sealer(practice, lambda: self._transaction(practice))
        with self._transaction(practice) as connection:
            session = Session(connection, practice, sealer, source or self._source)
            yield session
        if structlog.is_configured():  # A command at a terminal keeps no log.
            for event in session.recorded:
                _log.info("audit", audit=event, practice_id=practice)

    @contextmanager
    def _transaction(self, practice: PracticeId) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            self._enter(connection, practice)
            yield connection

    def _enter(self, connection: sa.Connection, practice: PracticeId) -> None:
        if not self._executor:
            connection.execute(_ENTER, {"practice": str(practice)})
            return
        row = connection.execute(
            _ENTER_FENCED, {"practice": str(practice), "executor": self._executor}
        ).one()
        if not row.held:
            raise Overtaken(self._executor)

    @contextmanager
    def public(self) -> Iterator[sa.Connection]:
        """A transaction without a practice, for the closed list of PHI-free tables only."""
        with self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

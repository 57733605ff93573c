"""Connections to Postgres on which no wait is endless.

Whatever lies between us and the database may stop answering without closing anything: a NAT that
forgot us, a frozen server or pooler. The driver alone would then wait for ever, and with it the
page or the heartbeat. Here every wait has a limit; a connection that reached it is closed, and
all others of its pool are replaced as they are asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

R = TypeVar("R")

AWAY = (OperationalError, PoolTimeout)
"""What is raised when the database is away, full, or too slow: none of it is a bug of ours.

The outcome of a transaction whose COMMIT ended so is not known.
"""

PREPARE_AFTER = 3
"""A statement is prepared when it is used so often on one connection."""

_WAKE_S = 0.1
"""How often a wait looks up, so that Ctrl-C works; the driver's own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a process waits for the database, in seconds.

    `answer_s` for the answer to one statement, `connect_s` for a new connection (2 at least, says
    libpq), `free_s` for a free connection of the pool.
    """

    answer_s: float
    connect_s: int
    free_s: float


PAGES = Limits(answer_s=8, connect_s=5, free_s=5)
"""Somebody waits in front of a page: at the worst, all three in a row."""

WORKERS = Limits(answer_s=40, connect_s=10, free_s=30)
"""Longer than the server lets a statement run (ROLE_LIMITS): it should be the one to say so."""

HEARTBEATS = Limits(answer_s=2, connect_s=2, free_s=2)
"""A lease is 8 s: a beat that is not answered must leave time for another one."""

AUDITS = Limits(answer_s=600, connect_s=10, free_s=30)
"""Nobody waits for the sealer, and a whole trail is read in few, long statements."""

ROLE_LIMITS: Mapping[str, str] = {
    # Longer than the wait for another process that gets a token (connectors/wires/oauth.py).
    "statement_timeout": "30s",
    # Whoever vanished in mid-transaction holds its rows no longer. A token is got in less.
    "idle_in_transaction_session_timeout": "60s",
    # The server asks whether we still live; without it, a lost session stays for two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
}
"""What the server itself holds the app role to. Kept with the role, and not sent when connecting,
because a pooler in transaction mode would refuse it or give it to somebody else."""


class _Bounded(psycopg.Connection[Any]):
    """A connection that waits `answer_s` for an answer, and is closed when none came."""

    answer_s = PAGES.answer_s

    def wait(self, gen: PQGen[R], interval: float = _WAKE_S, timeout: float | None = None) -> R:
        """Let the driver wait for a round trip. Raises OperationalError when it takes too long."""
        limit = self.answer_s if timeout is None else min(timeout, self.answer_s)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            # Still under way: what is read from this connection next would be this answer.
            if self.info.transaction_status is TransactionStatus.ACTIVE:
                self.close()
            raise


def engine(
    url: str,
    application: str,
    limits: Limits,
    *,
    prepared: bool,
    pool_size: int,
    overflow: int,
    ping: bool,
) -> sa.Engine:
    """An engine that shows no values in errors, and on which nothing waits without end.

    `prepared` is for a database without a pooler in transaction mode before it. With `ping`, a
    connection is tried before it is used.
    """
    made = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=limits.free_s,
        pool_pre_ping=ping,
        hide_parameters=True,
        connect_args={
            "prepare_threshold": PREPARE_AFTER if prepared else None,
            "application_name": application,
            "connect_timeout": limits.connect_s,
            # What is sent and not acknowledged, or a silent line, ends the connection as well.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": int(limits.answer_s * 1000),
        },
    )

    def connect(
        _dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        connection = _Bounded.connect(*arguments, **options)
        connection.answer_s = limits.answer_s
        return connection

    sa.event.listen(made, "do_connect", connect)
    sa.event.listen(made, "handle_error", _say_away)
    return made


def _say_away(context: sa.engine.ExceptionContext) -> None:
    """A lost connection is an OperationalError, also where Postgres files it elsewhere (25P03)."""
    if context.is_disconnect and not isinstance(context.sqlalchemy_exception, OperationalError):
        lost = context.original_exception
        raise OperationalError(None, None, lost, hide_parameters=True, connection_invalidated=True)

"""Leases: which worker processes live, and which were overtaken. PHI-free, without a practice.

A worker renews its lease by changing it. Whether it has been silent for too long is counted by
whoever watches, on a clock that cannot be turned (engine/peers.py): the times in the table are for
people, and one is compared with another only to see that it has changed.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

# A worker starts.
_START = sa.text("insert into leases (executor) values (:executor)")

# A worker lives; no row back means that it was overtaken.
_RENEW = sa.text(
    "update leases set seen_at = now() where executor = :executor and lost_at is null"
    " returning executor"
)

# The other workers that hold a lease, and when each showed itself last.
_PEERS = sa.text(
    "select executor, seen_at from leases where lost_at is null and executor <> :executor"
    " order by executor limit 1000"
)

# A worker that has not shown itself since then loses its lease, to one taker.
_EXPIRE = sa.text(
    "update leases set lost_at = now() where executor = :peer and seen_at = :seen"
    " and lost_at is null returning executor"
)

# Whatever the overtaken worker's connections still hold ends here, and is waited for.
_END_CONNECTIONS = sa.text(
    "select pg_terminate_backend(pid, :wait_ms) from pg_stat_activity"
    " where application_name = :executor and usename = current_user"
)

END_WAIT_MS = 100
"""For each session; one that is about to end does so in less, and the next beat looks again."""

# Overtaken workers whose phases are still theirs; their taker may have died in between.
_LOST = sa.text(
    "select executor from leases where lost_at is not null and exists (select 1 from"
    " dbos.workflow_status where executor_id = executor and status = 'PENDING') order by lost_at"
)

# Whether any worker lives.
_ANY = sa.text(
    "select exists (select 1 from leases where lost_at is null"
    " and seen_at > now() - make_interval(secs => :age_s))"
)

# A worker that ends by itself gives its lease back.
_END = sa.text("update leases set lost_at = now() where executor = :executor")


def start(connection: sa.Connection, executor: str) -> None:
    """Take a lease for a new worker."""
    connection.execute(_START, {"executor": executor})


def renew(connection: sa.Connection, executor: str) -> bool:
    """Show that the worker lives; False when it was overtaken."""
    return connection.execute(_RENEW, {"executor": executor}).first() is not None


def peers(connection: sa.Connection, executor: str) -> dict[str, datetime]:
    """The other workers, and what each one's lease says of when it was renewed."""
    return {row.executor: row.seen_at for row in connection.execute(_PEERS, {"executor": executor})}


def expire(connection: sa.Connection, silent: Mapping[str, datetime]) -> list[str]:
    """Take the leases of workers whose last sign of life is still this one; gives their names."""
    taken = [
        connection.execute(_EXPIRE, {"peer": peer, "seen": seen}).scalar()
        for peer, seen in sorted(silent.items())
    ]
    return [peer for peer in taken if peer is not None]


def end_connections(connection: sa.Connection, executor: str) -> None:
    """End the database sessions of an overtaken worker, with whatever they had not committed."""
    connection.execute(_END_CONNECTIONS, {"executor": executor, "wait_ms": END_WAIT_MS})


def lost(connection: sa.Connection) -> list[str]:
    """Workers without a lease that still hold phases."""
    return [row.executor for row in connection.execute(_LOST)]


def any_alive(connection: sa.Connection, age_s: float) -> bool:
    """Whether a worker has shown in the last `age_s` seconds that it lives."""
    return bool(connection.execute(_ANY, {"age_s": age_s}).scalar_one())


def end(connection: sa.Connection, executor: str) -> None:
    """Give the lease back."""
    connection.execute(_END, {"executor": executor})

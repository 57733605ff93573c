"""Tidying up: what nobody needs any more is dropped, a little at a time. Never the trail."""

from datetime import datetime, timedelta

from cleargate.engine.durable import Durable
from cleargate.store import leases, people, throttle, watch
from cleargate.store.database import Database

HISTORY_KEPT = timedelta(days=7)
"""Rows of finished phases and of workers that ended; what a case did stays on its timeline."""

WINDOWS_KEPT = timedelta(days=2)
"""The longest window that anything counts in is a day."""


def tidy(database: Database, durable: Durable, now: datetime) -> None:
    """Drop finished phases, leases and sessions that are over, and counters of past windows."""
    durable.forget_finished(now - HISTORY_KEPT)
    with database.public() as connection:
        people.forget_sign_ins(connection, now)
        leases.forget(connection, now - HISTORY_KEPT)
        practices = watch.practices(connection)
    for practice in practices:
        with database.session(practice) as session:
            throttle.forget(session, now - WINDOWS_KEPT)

"""Tidying up: what nobody needs any more is dropped, a little at a time. Never the trail."""

from datetime import datetime, timedelta

from cleargate.engine.durable import Durable
from cleargate.store import people, throttle, watch
from cleargate.store.database import Database

HISTORY_KEPT = timedelta(days=7)
"""The engine's own rows of finished phases; what a case did stays on its timeline."""

WINDOWS_KEPT = timedelta(days=2)
"""The longest window that anything counts in is a day."""


def tidy(database: Database, durable: Durable, now: datetime) -> None:
    """Drop finished phases of the engine, counters of past windows, and sessions that are over."""
    durable.forget_finished(now - HISTORY_KEPT)
    with database.public() as connection:
        people.forget_sign_ins(connection, now)
        practices = watch.practices(connection)
    for practice in practices:
        with database.session(practice) as session:
            throttle.forget(session, now - WINDOWS_KEPT)

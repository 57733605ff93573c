"""Refusals at the door, put on the trail without letting anybody flood it."""

from dataclasses import replace
from datetime import datetime

from cleargate.store import audit, throttle
from cleargate.store.audit import Event
from cleargate.store.database import Session


def record(session: Session, event: Event, now: datetime) -> None:
    """Put a refusal on the trail: one a minute of each kind and actor, from each address.

    How many there were is in the log of the processes, one line for each request.
    """
    minute = now.replace(second=0, microsecond=0)
    bucket = f"refused:{event.type}:{event.code}:{event.actor}:{session.source.address}"
    if throttle.take(session, bucket, minute, 1):
        audit.record(session, replace(event, outcome="refused"))

"""A raw answer out of the practice's own store: a person reads it, and the trail says so first."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cleargate.nouns.errors import Refused
from cleargate.store import audit, inquiries
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A payer's bytes, and the date that was asked for."""

    content: bytes
    on: date


def take_out(session: Session, inquiry_id: UUID, actor: str) -> StoredAnswer:
    """The newest answer to a question. The caller hands it on only once the session committed.

    Raises Refused where there is none; that nobody found anything is no event.
    """
    inquiry = inquiries.get(session, inquiry_id)
    answer = inquiries.raw(session, inquiry_id)
    if inquiry is None or answer is None:
        raise Refused("This practice has no answer to a question of this id.")
    event = Event(
        "eligibility.capture",
        Action.READ,
        "inquiry",
        str(inquiry_id),
        actor=actor,
        case=inquiry.case,
        connection=inquiry.connection,
        code=inquiry.payer_id,
    )
    audit.record(session, event)
    return StoredAnswer(answer.content, inquiry.service_date)

"""A raw answer out of the practice's own store: a person reads it, and the trail says so first."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId
from cleargate.store import audit, inquiries
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.inquiries import StoredInquiry


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A payer's bytes, and the date that was asked for."""

    content: bytes
    on: date


def take_out(session: Session, id_: UUID, policy: int, actor: str) -> StoredAnswer:
    """The newest answer to a question, which is told by its id, or by its case's and the policy.

    The caller hands it on only once the session committed. Raises Refused where there is none;
    that nobody found anything is no event.
    """
    inquiry = inquiries.get(session, id_) or _of_case(session, CaseId(id_), policy)
    answer = inquiries.raw(session, inquiry.id) if inquiry else None
    if inquiry is None or answer is None:
        raise Refused("This practice has no answer to a question, or in a case, of this id.")
    event = Event(
        "eligibility.capture",
        Action.READ,
        "inquiry",
        str(inquiry.id),
        actor=actor,
        case=inquiry.case,
        connection=inquiry.connection,
        code=inquiry.payer_id,
    )
    audit.record(session, event)
    return StoredAnswer(answer.content, inquiry.service_date)


def _of_case(session: Session, case: CaseId, policy: int) -> StoredInquiry | None:
    """The newest question about a case's policy: 1 is the primary one."""
    current = inquiries.current(session, case)
    return next((inquiry for inquiry in current if inquiry.rank == policy), None)

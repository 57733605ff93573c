"""Who saw this patient, and to whom was something about them disclosed.

Answered from the events' sealed texts, not from columns beside them. Source for the accounting:
45 CFR 164.528.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cleargate.nouns.ids import CaseId
from cleargate.store import audit, people
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session


@dataclass(frozen=True, slots=True)
class Look:
    """One event about a patient: when, who, what, from where, and to whom something went."""

    event: UUID
    at: datetime
    actor: str
    did: str
    action: str
    outcome: str
    case: str
    source: str
    disclosed_to: str


def who(session: Session, patient: str, actor: str) -> list[Look]:
    """Everything about a person, the oldest first; that it was asked is on the trail too.

    `patient` is the blind index of a name and birth date, see `store.cases.person_index`.
    """
    names: dict[str, str] = {}
    looks = [_look(session, json.loads(body), names) for body in audit.about(session, patient)]
    event = Event("audit.who", Action.READ, "patient", patient, actor=actor)
    audit.record(session, event)
    return looks


def index_of_case(session: Session, case: CaseId) -> str | None:
    """The blind index of the person whom a case is about, None where there is no such case."""
    return audit.patient_of(session, case)


def _look(session: Session, said: dict[str, str], names: dict[str, str]) -> Look:
    return Look(
        event=UUID(said["id"]),
        at=datetime.fromisoformat(said["recorded"]),
        actor=_name(session, said["actor"], names),
        did=said["type"],
        action=said["action"],
        outcome=said["outcome"],
        case=said.get("case", ""),
        source=" ".join(said[each] for each in ("client", "address") if said.get(each)),
        disclosed_to=said.get("disclosed_to", ""),
    )


def _name(session: Session, actor: str, names: dict[str, str]) -> str:
    """The name of a staff member, for whoever reads the answer; others are what they are."""
    if actor not in names:
        kind, _, identity = actor.partition(":")
        member = people.of_any_time(session, UUID(identity)) if kind == "staff" else None
        names[actor] = f"{member.name} ({member.username})" if member else actor
    return names[actor]


def disclosures(looks: list[Look]) -> Iterator[Look]:
    """Only what left the house."""
    return (look for look in looks if look.disclosed_to)

"""Who saw this patient, and to whom was something about them disclosed.

Answered from the events' sealed texts, not from columns beside them. Source for the accounting:
45 CFR 164.528.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from cleargate.nouns.disclosure import Disclosure, ToldCall, disclosures
from cleargate.nouns.ids import CaseId
from cleargate.store import audit, people
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session


@dataclass(frozen=True, slots=True)
class Look:
    """One event about a patient: when, who, what, and from where."""

    event: UUID
    at: datetime
    actor: str
    did: str
    action: str
    outcome: str
    case: str
    source: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything about a person, the oldest first: who looked or acted, and what left the house."""

    looks: list[Look]
    disclosures: list[Disclosure]


def who(
    session: Session,
    patient: str,
    actor: str,
    organisations: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Everything about a person; that it was asked is on the trail too.

    `patient` is the blind index of a name and birth date, see `store.cases.person_index`;
    `organisations` says who stands behind a connection.
    """
    names: dict[str, str] = {}
    events = [json.loads(body) for body in audit.about(session, patient)]
    looks = [_look(session, said, names) for said in events]
    event = Event("audit.who", Action.READ, "patient", patient, actor=actor)
    audit.record(session, event)
    return Answer(looks, _disclosures(events, organisations))


def _disclosures(
    events: list[dict[str, str]], organisations: Mapping[str, str]
) -> list[Disclosure]:
    """What left the house, over all of the person's cases."""
    calls: dict[str, list[ToldCall]] = {}
    for said in events:
        if said["type"].startswith("call."):
            at = datetime.fromisoformat(said["recorded"])
            call = ToldCall(
                said["type"], said["connection"], said.get("code", ""), said["outcome"], at
            )
            calls.setdefault(said.get("case", ""), []).append(call)
    found = [each for told in calls.values() for each in disclosures(told, organisations)]
    return sorted(found, key=lambda each: each.at)


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
    )


def _name(session: Session, actor: str, names: dict[str, str]) -> str:
    """The name of a staff member, for whoever reads the answer; others are what they are."""
    if actor not in names:
        kind, _, identity = actor.partition(":")
        member = people.of_any_time(session, UUID(identity)) if kind == "staff" else None
        names[actor] = f"{member.name} ({member.username})" if member else actor
    return names[actor]

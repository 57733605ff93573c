"""The trail: one event in the same transaction as its effect, minimal fields, never PHI.

An event becomes one line of JSON. The database stamps it with its id, practice and time, and keeps
the SHA-256 of the exact text (see migration 0004); `trail/` seals the hashes into a tree.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from cleargate import __version__
from cleargate.nouns.ids import CaseId
from cleargate.store.database import Session


class Action(StrEnum):
    """FHIR AuditEvent's action codes."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


SYSTEM = "system"
"""The actor of what nobody asked for by hand."""

CASES_MAX = 200
"""So many cases may be named by the event of one list."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `type` is a dotted name such as `case.open`; ids are opaque.

    `cases` are those that a list showed, `digest` is a keyed hash of the bytes that left the house
    and of those that came back. Whence it was done comes from the session's source.
    """

    type: str
    action: Action
    entity_type: str
    entity_id: str
    actor: str = SYSTEM
    outcome: str = "ok"
    case: CaseId | None = None
    connection: str = ""
    code: str = ""
    request_id: str = ""
    cases: Sequence[CaseId] = ()
    on_behalf_of: str = ""
    digest: str = ""


# Add one event to the trail; the app role can do nothing else to it. The person whom a case is
# about is taken from the case, as the blind index by which "who saw this patient" is asked.
_ADD = sa.text(
    "insert into audit_events (practice_id, id, body) values (:practice, :id,"
    " (cast(:body as jsonb) || coalesce((select jsonb_build_object('patient',"
    " encode(person_index, 'hex')) from cases where practice_id = :practice and id = :case),"
    " '{}'))::text)"
)

# Whether somebody did the same thing to the same entity a short while ago.
_RECENT = sa.text(
    "select exists (select 1 from audit_events where practice_id = :practice"
    " and (case_id = :case or (case_id is null and cast(:case as uuid) is null))"
    " and recorded > :since and type = :type and entity_id = :entity_id and actor = :actor)"
)


def is_recent(session: Session, event: Event, since: datetime) -> bool:
    """Whether the same event by the same actor is on the trail since then."""
    statement = session.run(
        _RECENT,
        case=event.case,
        since=since,
        type=event.type,
        entity_id=event.entity_id,
        actor=event.actor,
    )
    return bool(statement.scalar_one())


# The entity of the newest event of a type that is about no case.
_LATEST = sa.text(
    "select entity_id from audit_events where practice_id = :practice and case_id is null"
    " and type = :type order by recorded desc limit 1"
)


def latest(session: Session, kind: str) -> str | None:
    """What the newest event of a type was about; for events that are about no case."""
    found = session.run(_LATEST, type=kind).scalar()
    return None if found is None else str(found)


def record(session: Session, event: Event) -> UUID:
    """Add the event to the session's transaction; the id is the event's."""
    event_id = uuid7()
    session.run(_ADD, id=event_id, case=event.case, body=_body(session, event))
    session.recorded.append(event_id)
    return event_id


def _body(session: Session, event: Event) -> str:
    """The event as JSON, without the fields that say nothing."""
    source = session.source
    said = {
        "type": event.type,
        "action": event.action,
        "outcome": event.outcome,
        "actor": event.actor,
        "entity_type": event.entity_type,
        "entity_id": event.entity_id,
        "case": str(event.case) if event.case else "",
        "cases": [str(case) for case in event.cases[:CASES_MAX]],
        "on_behalf_of": event.on_behalf_of,
        "connection": event.connection,
        "digest": event.digest,
        "code": event.code,
        "request_id": event.request_id,
        "client": source.client,
        "address": source.address,
        "authn": source.authn,
        "session": source.session,
        "software": __version__,
    }
    return json.dumps({name: value for name, value in said.items() if value})


def uuid7() -> UUID:
    """A random id that begins with the time in milliseconds. Source: RFC 9562, 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


# Every event about a person: about them, about one of their cases, or a list with such a case.
_ABOUT = sa.text(
    "with events as materialized (select body, body::jsonb as said from audit_events"
    "   where practice_id = :practice),"
    " theirs as (select distinct said ->> 'case' as id from events"
    "   where said ->> 'patient' = :patient and said ? 'case')"
    " select body from events where said ->> 'patient' = :patient"
    " or said ->> 'entity_id' = :patient or said ->> 'case' in (select id from theirs)"
    " or said -> 'cases' ?| array(select id from theirs)"
    " order by said ->> 'recorded', said ->> 'id'"
)

# The person whom a case's events are about.
_PATIENT = sa.text(
    "select body::jsonb ->> 'patient' from audit_events where practice_id = :practice"
    " and case_id = :case and body::jsonb ? 'patient' order by recorded desc limit 1"
)


def about(session: Session, patient: str) -> list[str]:
    """The texts of every event about a person, the oldest first."""
    return [row["body"] for row in session.all(_ABOUT, patient=patient)]


def patient_of(session: Session, case: CaseId) -> str | None:
    """The blind index of the person whom a case is about."""
    found = session.run(_PATIENT, case=case).scalar()
    return None if found is None else str(found)

"""The trail: one event in the same transaction as its effect, minimal fields, never PHI."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

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


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `type` is a dotted name such as `case.open`; ids are opaque."""

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
    digest: str = ""


# Add one event to the trail; the app role can do nothing else to it.
_ADD = sa.text(
    "insert into audit_events (practice_id, id, type, action, outcome, actor, entity_type,"
    " entity_id, case_id, connection, code, request_id, software)"
    " values (:practice, :id, :type, :action, :outcome, :actor, :entity_type, :entity_id, :case,"
    " :connection, :code, :request_id, :software)"
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


def record(session: Session, event: Event) -> UUID:
    """Add the event to the session's transaction; the id is the event's."""
    event_id = uuid4()
    session.run(
        _ADD,
        id=event_id,
        type=event.type,
        action=event.action,
        outcome=event.outcome,
        actor=event.actor,
        entity_type=event.entity_type,
        entity_id=event.entity_id,
        case=event.case,
        connection=event.connection,
        code=event.code,
        request_id=event.request_id,
        software=__version__,
    )
    return event_id

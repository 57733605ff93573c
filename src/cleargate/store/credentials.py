"""What happened to a connection's credentials, on the trail: which stage, never the secret."""

from cleargate.ports import Stage
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session


def note(
    session: Session,
    connection: str,
    what: str,
    stage: Stage,
    *,
    actor: str = audit.SYSTEM,
    outcome: str = "ok",
) -> None:
    """Keep that a credential was `what`: made, proven, refused, rotated, left to a person, used, or
    forgotten.
    """
    event = Event(
        f"credential.{what}",
        Action.UPDATE,
        "connection",
        connection,
        actor=actor,
        outcome=outcome,
        connection=connection,
        code=stage.value,
    )
    audit.record(session, event)

"""What is refused at the door, told on the practice's trail before the answer leaves."""

from cleargate.store import refusals
from cleargate.store.audit import Action, Event
from cleargate.web.site import Here

UNKNOWN = "unknown"
"""The actor, where nobody has shown who they are."""


def tell(here: Here, code: str, actor: str = UNKNOWN) -> None:
    """Put a refusal on the trail; of many alike in a minute, the first.

    `code` says what was wrong: `form_token`, `other_site`, `posts_limit`, `calls_limit`, `trap`,
    `revoked_token`.
    """
    event = Event("door.refused", Action.EXECUTE, "door", here.source.client, actor, code=code)
    with here.session() as session:
        refusals.record(session, event, here.now)

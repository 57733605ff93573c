"""A restored database begins a new life: what the lost hours did out there is looked for first.

Nobody signed in stays so, no worker of before holds a phase, and the trail says what happened.
"""

import sqlalchemy as sa

from cleargate.nouns.ids import PracticeId
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session

# No worker of the life before holds its phases: the next one takes them over.
_END_LEASES = sa.text("update leases set lost_at = now() where lost_at is null")

# Whoever was sent away since the backup was made must not be signed in again by it.
_END_SIGN_INS = sa.text("delete from sign_ins")

# All practices of this installation.
_PRACTICES = sa.text("select id from practices order by slug limit 1000")

# Cases up to here may have done more out there than is known. Not by our clock alone: the one that
# stamped them may have been ahead.
_ADD = sa.text(
    "insert into restores (practice_id, restored_at, backup, cases_until)"
    " select :practice, now(), :backup, greatest(now(), max(created_at)) from cases"
    " where practice_id = :practice"
)


def end_old_life(connection: sa.Connection) -> list[PracticeId]:
    """End leases and signed-in sessions, as the owner; gives the practices."""
    connection.execute(_END_LEASES)
    connection.execute(_END_SIGN_INS)
    return [PracticeId(row.id) for row in connection.execute(_PRACTICES)]


def note(session: Session, backup: str, actor: str) -> None:
    """Remember, as the owner, that this practice's rows are a backup's, and tell its trail."""
    session.run(_ADD, backup=backup)
    event = Event("backup.restored", Action.EXECUTE, "backup", backup, actor=actor)
    audit.record(session, event)

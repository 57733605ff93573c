"""Legal holds: what must not be deleted or made unreadable, whatever its age. Never PHI.

A hold is on one case, or on a whole practice. Whoever places one and whoever deletes take the same
lock, so that no hold comes a moment too late and is still told to be in force.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import sqlalchemy as sa

from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import CaseId
from cleargate.store import audit, cases
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session

_LOCK = 7_202_612

_REFERENCE = re.compile(r"(?=.*\d)[A-Z0-9][A-Z0-9./-]{0,39}", re.ASCII)
"""A matter's number: with a digit and without small letters, so that it is nobody's name."""


class HoldReason(StrEnum):
    """Why something is kept."""

    LITIGATION = "litigation"
    GOVERNMENT_AUDIT = "government_audit"
    PAYER_AUDIT = "payer_audit"
    INVESTIGATION = "investigation"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold; `case` is None for the whole practice, `lifted` is None while it is in force."""

    id: UUID
    case: CaseId | None
    reason: HoldReason
    reference: str
    placed: datetime
    lifted: datetime | None


# Nobody else places a hold or deletes anything of this practice until the transaction ends.
_FREEZE = sa.text(
    "select pg_advisory_xact_lock(:lock, hashtext(cast(cast(:practice as uuid) as text)))"
)

# A new hold.
_ADD = sa.text(
    "insert into holds (practice_id, id, case_id, reason, reference, placed_by, placed_at)"
    " values (:practice, :id, :case, :reason, :reference, :actor, :now)"
)

# A hold is lifted once.
_LIFT = sa.text(
    "update holds set lifted_by = :actor, lifted_at = :now where practice_id = :practice"
    " and id = :id and lifted_at is null returning case_id"
)

# Every hold, those in force first.
_ALL = sa.text(
    "select id, case_id, reason, reference, placed_at, lifted_at from holds"
    " where practice_id = :practice order by lifted_at is not null, placed_at limit 1000"
)

# Whether anything of the practice is held.
_ANY = sa.text(
    "select exists (select 1 from holds where practice_id = :practice and lifted_at is null)"
)


def freeze(session: Session) -> None:
    """Let nobody place a hold, or delete, until this transaction ends."""
    session.run(_FREEZE, lock=_LOCK)


def add(
    session: Session,
    case: CaseId | None,
    reason: HoldReason,
    reference: str,
    *,
    actor: str,
    now: datetime,
) -> UUID:
    """Place a hold on a case, or on the practice. Raises Refused."""
    if reference and not _REFERENCE.fullmatch(reference):
        raise Refused("--reference: write a matter's number, such as 2031-CV-00123, and no name.")
    freeze(session)
    if case is not None and not cases.standing(session, [case]):
        raise Refused("--case: this practice has no such case; it may have been deleted.")
    hold = uuid4()
    session.run(_ADD, id=hold, case=case, reason=reason, reference=reference, actor=actor, now=now)
    _tell(session, "hold.placed", Action.CREATE, hold, case, actor, reason)
    return hold


def lift(session: Session, hold: UUID, *, actor: str, now: datetime) -> bool:
    """Lift a hold; False when there is none of that id in force."""
    row = session.one(_LIFT, id=hold, actor=actor, now=now)
    if row is None:
        return False
    case = None if row["case_id"] is None else CaseId(row["case_id"])
    _tell(session, "hold.lifted", Action.UPDATE, hold, case, actor)
    return True


def _tell(
    session: Session,
    type_: str,
    action: Action,
    hold: UUID,
    case: CaseId | None,
    actor: str,
    code: str = "",
) -> None:
    event = Event(type_, action, "hold", str(hold), actor=actor, case=case, code=code)
    audit.record(session, event)


def all_of(session: Session) -> list[Hold]:
    """Every hold of the practice, those in force first."""
    return [
        Hold(
            id=row["id"],
            case=None if row["case_id"] is None else CaseId(row["case_id"]),
            reason=HoldReason(row["reason"]),
            reference=row["reference"],
            placed=row["placed_at"],
            lifted=row["lifted_at"],
        )
        for row in session.all(_ALL)
    ]


def any_in_force(session: Session) -> bool:
    """Whether anything of the practice is held: its keys must not be destroyed then.

    Holds with `freeze` until the transaction ends, so that the answer stays true for as long.
    """
    freeze(session)
    return bool(session.run(_ANY).scalar_one())

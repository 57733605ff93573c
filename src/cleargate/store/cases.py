"""Cases: opened by a request, moved on by phases, closed once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from cleargate.nouns.case import Case, CaseState, Memo
from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import CaseId
from cleargate.nouns.patient import Patient
from cleargate.nouns.request import VisitRequest
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.codec import dump, load
from cleargate.store.database import Session
from cleargate.store.queue import start_phase


class Superseded(CleargateError):
    """The case has moved on: a newer phase, a person or the patient overtook this one."""


# Keep a new case; a second submit of the same form keeps nothing.
_OPEN = sa.text(
    "insert into cases (practice_id, id, kind, state, channel, visit_type, payment, request, memo,"
    " person_index, form_nonce, phase, created_at, updated_at)"
    " values (:practice, :id, :kind, 'open', :channel, :visit_type, :payment, :request, :memo,"
    " :person, :nonce, '', :now, :now) on conflict (practice_id, form_nonce) do nothing"
    " returning id"
)

# The case that an earlier submit of the same form made.
_BY_NONCE = sa.text("select id from cases where practice_id = :practice and form_nonce = :nonce")


def open_case(
    session: Session,
    case: CaseId,
    request: VisitRequest,
    *,
    nonce: str,
    phase: str,
    now: datetime,
    actor: str,
    memo: Memo | None = None,
) -> CaseId:
    """Keep the request and queue its first phase; gives the earlier case on a double submit.

    The first word of the phase's name is the kind of case.
    """
    sealer = session.sealer
    nonce_index = sealer.index("form_nonce", nonce)
    row = session.one(
        _OPEN,
        id=case,
        kind=phase.partition(".")[0],
        channel=request.channel,
        visit_type=request.visit_type,
        payment=request.payment,
        request=sealer.seal(dump(request), "cases", "request", case),
        memo=sealer.seal(dump(memo or Memo()), "cases", "memo", case),
        person=person_index(session, request.patient),
        nonce=nonce_index,
        now=now,
    )
    if row is None:
        earlier = session.run(_BY_NONCE, nonce=nonce_index).scalar_one()
        return CaseId(earlier)
    start_phase(session, case, phase, note="received")
    audit.record(
        session, Event("case.open", Action.CREATE, "case", str(case), actor=actor, case=case)
    )
    return case


def person_index(session: Session, patient: Patient) -> bytes:
    """The blind index of a person: family name and birth date."""
    return index_of_person(session, patient.name.family, patient.birth_date)


def index_of_person(session: Session, family: str, birth_date: date) -> bytes:
    """The same, of a family name and birth date that somebody says."""
    plain = family.casefold().strip()
    return session.sealer.index("person", f"{plain}|{birth_date.isoformat()}")


_SELECT = (
    "select id, state, request, memo, generation, phase, phase_seq, due_at, note, created_at,"
    " kind from cases"
)

# One case, whole.
_GET = sa.text(f"{_SELECT} where practice_id = :practice and id = :case")

# One case, whole, and nobody else may move it until this transaction ends.
_LOCK = sa.text(f"{_SELECT} where practice_id = :practice and id = :case for update")


def get(session: Session, case: CaseId) -> Case | None:
    """The case, or None where this practice has none with that id."""
    row = session.one(_GET, case=case)
    return None if row is None else _read(session, row)


def lock(session: Session, case: CaseId, seq: int | None = None) -> Case:
    """The case, held until the transaction ends.

    Raises Superseded when there is none or, given a phase's number, when the case is closed or
    that is not its own.
    """
    row = session.one(_LOCK, case=case)
    if row is None or (seq is not None and (row["state"] != "open" or row["phase_seq"] != seq)):
        raise Superseded(str(case))
    return _read(session, row)


# One case that is still in a phase, and nobody else may move it until this transaction ends.
_HOLD = sa.text(
    "select 1 from cases where practice_id = :practice and id = :case and state = 'open'"
    " and phase_seq = :seq for update"
)


def hold(session: Session, case: CaseId, seq: int) -> None:
    """Hold the case until the transaction ends. Raises Superseded when the phase is not its own.

    It is not read again: whoever changes a case from outside of its phase queues another one.
    """
    if session.one(_HOLD, case=case, seq=seq) is None:
        raise Superseded(str(case))


# Where every case of the practice stands.
_STATES = sa.text(
    "select id, state from cases where practice_id = :practice order by created_at limit 100000"
)


def states(session: Session) -> dict[CaseId, CaseState]:
    """Where every case of the practice stands, oldest first."""
    return {CaseId(row["id"]): CaseState(row["state"]) for row in session.all(_STATES)}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands, without opening what it holds; `note` as in store/queue.py."""

    state: CaseState
    note: str
    due: datetime | None


# Where these cases stand.
_STANDING = sa.text(
    "select id, state, note, due_at from cases where practice_id = :practice and id = any(:ids)"
)


def standing(session: Session, ids: Sequence[CaseId]) -> dict[CaseId, Standing]:
    """Where each of these cases stands; those of nobody are left out."""
    return {
        CaseId(row["id"]): Standing(CaseState(row["state"]), row["note"], row["due_at"])
        for row in session.all(_STANDING, ids=list(ids))
    }


# Bookings that are over and well, about which a payer was asked for a day of this span; by id, so
# that whoever wants more goes on behind the last one.
_BOOKED = sa.text(
    "select id from cases c where practice_id = :practice and kind = 'booking' and state = 'done'"
    " and id > :after and exists (select 1 from inquiries i where i.practice_id = :practice"
    "   and i.case_id = c.id and i.service_date between :first and :last)"
    " order by id limit :limit"
)


def booked(
    session: Session, first: date, last: date, after: CaseId | None, limit: int
) -> list[CaseId]:
    """Bookings that are done, whose payers were asked about a day between two, both included.

    In the order of their ids, behind `after`.
    """
    behind = after or UUID(int=0)
    rows = session.all(_BOOKED, first=first, last=last, after=behind, limit=limit)
    return [CaseId(row["id"]) for row in rows]


def _read(session: Session, row: sa.RowMapping) -> Case:
    case = CaseId(row["id"])
    request = session.sealer.open(row["request"], "cases", "request", case)
    memo = session.sealer.open(row["memo"], "cases", "memo", case)
    return Case(
        id=case,
        state=CaseState(row["state"]),
        request=load(VisitRequest, request),
        memo=load(Memo, memo),
        generation=row["generation"],
        phase=row["phase"],
        phase_seq=row["phase_seq"],
        due=row["due_at"],
        note=row["note"],
        created=row["created_at"],
        kind=row["kind"],
    )


# What the case has established.
_REMEMBER = sa.text(
    "update cases set memo = :memo, updated_at = now() where practice_id = :practice and id = :case"
)


def remember(session: Session, case: Case, **changes: Any) -> Case:  # noqa: ANN401
    """Change fields of the memo of a locked case; gives the case as it is then."""
    memo = replace(case.memo, **changes)
    sealed = session.sealer.seal(dump(memo), "cases", "memo", case.id)
    session.run(_REMEMBER, case=case.id, memo=sealed)
    return replace(case, memo=memo)


# What the patient wants, or who they are, was corrected.
_CHANGE_REQUEST = sa.text(
    "update cases set request = :request, visit_type = :visit_type, payment = :payment,"
    " person_index = :person, updated_at = now() where practice_id = :practice and id = :case"
)


def change_request(session: Session, case: Case, request: VisitRequest) -> Case:
    """Put a corrected request in the place of a locked case's own; gives the case as it is then."""
    session.run(
        _CHANGE_REQUEST,
        case=case.id,
        request=session.sealer.seal(dump(request), "cases", "request", case.id),
        visit_type=request.visit_type,
        payment=request.payment,
        person=person_index(session, request.patient),
    )
    return replace(case, request=request)


# Close an open case.
_CLOSE = sa.text(
    "update cases set state = :state, phase = '', due_at = null, note = '', updated_at = now()"
    " where practice_id = :practice and id = :case and state = 'open'"
)


def close(session: Session, case: CaseId, state: CaseState, actor: str = audit.SYSTEM) -> None:
    """Close the case, once; nothing of it is queued any more."""
    if not session.run(_CLOSE, case=case, state=state).rowcount:
        return
    audit.record(
        session,
        Event(
            "case.close",
            Action.UPDATE,
            "case",
            str(case),
            actor=actor,
            case=case,
            code=state,
        ),
    )


# A person's "do it again".
_RAISE = sa.text(
    "update cases set generation = generation + 1, state = 'open', updated_at = now()"
    " where practice_id = :practice and id = :case"
)


def raise_generation(session: Session, case: Case) -> Case:
    """Raise the generation, so that what is done again carries new Refs; reopens a closed case."""
    session.run(_RAISE, case=case.id)
    return replace(case, generation=case.generation + 1)


# The patient or staff want something of a case that may be over.
_REOPEN = sa.text(
    "update cases set state = 'open', updated_at = now() where practice_id = :practice"
    " and id = :case"
)


def reopen(session: Session, case: CaseId) -> None:
    """Let phases run again for a case that may be closed."""
    session.run(_REOPEN, case=case)


# A gate holds the case: nothing is queued while it is open. The number rises, so that the phase
# which stopped here does nothing when the engine, killed after this commit, runs it once more.
_STOP_AT_GATE = sa.text(
    "update cases set phase = '', phase_seq = phase_seq + 1, due_at = null, note = 'gate',"
    " updated_at = now() where practice_id = :practice and id = :case"
)


def stop_at_gate(session: Session, case: CaseId) -> None:
    """The case waits for a person."""
    session.run(_STOP_AT_GATE, case=case)

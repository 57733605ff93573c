"""A person's decision at a gate: kept, applied to the case, and the next phase queued, at once."""

from datetime import datetime
from itertools import zip_longest
from typing import Any

from cleargate.nouns.case import Case
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, GateId
from cleargate.nouns.request import VisitRequest
from cleargate.store import cases, effects, gates, inquiries
from cleargate.store.database import Session
from cleargate.store.queue import start_phase

DECLINE_PHASE = "booking.decline"
EDITED_PHASE = "booking.receive"
BY_HAND_PHASE = "booking.by_hand"


_STAY_ACCEPTED = (GateReason.ACCIDENT_CLAIM, GateReason.CHECK_BUDGET_SPENT)
"""What a person let pass and need not let pass again for a corrected request."""


def decide(
    session: Session,
    gate_id: GateId,
    decision: Decision,
    *,
    actor: str,
    now: datetime,
    request: VisitRequest | None = None,
) -> CaseId | None:
    """Carry out a decision in the caller's transaction; None where there is no such gate.

    `request` is the corrected one, for EDIT. Raises AlreadyDecided, EvidenceChanged, or Refused
    (see store/gates).
    """
    if (decision.choice is Choice.EDIT) != (request is not None):
        msg = "Correct the request on its own page."
        raise Refused(msg)
    stored = gates.decide(session, gate_id, decision, actor=actor, now=now)
    if stored is None:
        return None
    case = cases.lock(session, stored.case)
    changes = _changes(case, stored.gate, decision)
    if request is not None:
        changes = _to_find_out_anew(case, request)
        _put_aside(session, case, request)
        case = cases.change_request(session, case, request)
    if decision.choice in (Choice.ASK_AGAIN, Choice.EDIT):
        case = cases.raise_generation(session, case)
        inquiries.retire(session, case.id)
    if changes:
        cases.remember(session, case, **changes)
    start_phase(session, case.id, _next_phase(stored.gate, decision.choice), note="decided")
    return case.id


def _next_phase(gate: Gate, choice: Choice) -> str:
    if choice is Choice.DECLINE:
        return DECLINE_PHASE
    if choice is Choice.DONE_BY_HAND:
        return BY_HAND_PHASE
    if choice is Choice.EDIT:
        return EDITED_PHASE
    return gate.phase


def _to_find_out_anew(case: Case, request: VisitRequest) -> dict[str, Any]:
    """What a case had established that need not hold for its corrected request.

    A record that we have made stays the patient's, and a time that is held stays held.
    """
    memo, before = case.memo, case.request.patient
    accepted = tuple(each for each in memo.accepted if each in _STAY_ACCEPTED)
    changes: dict[str, Any] = {"accepted": accepted, "self_pay": False}
    if not memo.booking_id:
        changes |= {"ask_on": None, "opening": None, "openings": ()}
    same = (before.name, before.birth_date) == (request.patient.name, request.patient.birth_date)
    if memo.booking_id and not same:
        msg = "A time is held under this name. Withdraw the request, and enter it anew."
        raise Refused(msg)
    if memo.patient_known and not same:
        changes |= {"patient_id": "", "patient_known": False, "email_on_file": ""}
    return changes


def _put_aside(session: Session, case: Case, request: VisitRequest) -> None:
    """Let nothing count that was asked, or put into the patient's record, and is not so."""
    inquiries.retire_ranks(session, case.id, _changed_ranks(case.request, request))
    for rank, (old, new) in enumerate(zip_longest(case.request.insurances, request.insurances), 1):
        if old != new:
            effects.undo(session, case.id, f"put_insurance{rank}")


def _changed_ranks(before: VisitRequest, after: VisitRequest) -> list[int]:
    """The policies about which the payers would now be asked something else, from 1."""
    if _identity(before) != _identity(after):
        return list(range(1, len(before.insurances) + 1))
    pairs = zip_longest(before.insurances, after.insurances)
    return [rank for rank, (old, new) in enumerate(pairs, start=1) if old != new]


def _identity(request: VisitRequest) -> tuple[object, ...]:
    patient = request.patient
    return patient.name, patient.birth_date, patient.sex


def _changes(case: Case, gate: Gate, decision: Decision) -> dict[str, Any]:
    """What the decision changes in what the case has established."""
    accepted = (*case.memo.accepted, gate.reason)
    match decision.choice:
        case Choice.GO_ON if gate.reason is GateReason.CONTACT_UNCONFIRMED:
            return {"contact_confirmed": True}
        case Choice.GO_ON:
            return {"accepted": accepted}
        case Choice.SELF_PAY:
            return {"accepted": accepted, "self_pay": True}
        case Choice.USE_EXISTING:
            return {"patient_id": decision.detail, "patient_known": True}
        case Choice.TAKE_OPENING:
            return {"opening": case.memo.openings[int(decision.detail)]}
    return {"create_new": True} if decision.choice is Choice.CREATE_NEW else {}

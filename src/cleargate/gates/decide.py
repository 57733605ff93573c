"""A person's decision at a gate: kept, applied to the case, and the next phase queued, at once."""

from datetime import datetime
from typing import Any

from cleargate.nouns.case import Case
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, GateId
from cleargate.store import cases, gates, inquiries
from cleargate.store.database import Session
from cleargate.store.queue import start_phase

DECLINE_PHASE = "booking.decline"
BY_HAND_PHASE = "booking.by_hand"


def decide(
    session: Session, gate_id: GateId, decision: Decision, *, actor: str, now: datetime
) -> CaseId | None:
    """Carry out a decision in the caller's transaction; None where there is no such gate.

    Raises AlreadyDecided, EvidenceChanged, or Refused (see store/gates).
    """
    stored = gates.decide(session, gate_id, decision, actor=actor, now=now)
    if stored is None:
        return None
    case = cases.lock(session, stored.case)
    changes = _changes(case, stored.gate, decision)
    if decision.choice is Choice.ASK_AGAIN:
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
    return gate.phase


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

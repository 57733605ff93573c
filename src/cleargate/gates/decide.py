"""A person's decision at a gate: kept, applied to the case, and the next phase queued, at once."""

from datetime import datetime
from typing import Any

from cleargate.gates.correct import CORRECTED_PHASE, correct
from cleargate.nouns.case import Case
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision, Gate, GateReason
from cleargate.nouns.ids import CaseId, GateId
from cleargate.nouns.request import VisitRequest
from cleargate.store import cases, effects, gates, inquiries, links
from cleargate.store.database import Session
from cleargate.store.links import LinkPurpose
from cleargate.store.queue import start_phase

DECLINE_PHASE = "booking.decline"
ASK_PATIENT_PHASE = "booking.ask_patient"
REMIND_PATIENT_PHASE = "booking.remind_patient"
ASK_PATIENT_MAILS = ("mail_ask_patient", "mail_remind_patient")
"""The steps that are done again when the patient is asked again."""
BY_HAND_PHASE = "booking.by_hand"


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
    if request is not None:
        correct(session, case, request)
    else:
        _carry_out(session, case, stored.gate, decision, now)
    start_phase(session, case.id, _next_phase(stored.gate, decision.choice), note="decided")
    return case.id


def _carry_out(session: Session, case: Case, gate: Gate, decision: Decision, now: datetime) -> None:
    """What a decision changes in the case, but for a corrected request."""
    changes = {"doubtful": (), "asked_at": None, **_changes(case, gate, decision)}
    match decision.choice:
        case Choice.ASK_AGAIN if gate.phase in (ASK_PATIENT_PHASE, REMIND_PATIENT_PHASE):
            # The mail goes again, about the same; the payers have been asked.
            case, changes = cases.raise_generation(session, case), {}
        case Choice.ASK_AGAIN:
            case = cases.raise_generation(session, case)
            inquiries.retire(session, case.id)
        case Choice.ASK_PATIENT:
            case = cases.raise_generation(session, case)
            for mail in ASK_PATIENT_MAILS:
                effects.undo(session, case.id, mail)
            links.end(session, case.id, LinkPurpose.CHECK_DETAILS, now)
            changes |= {"doubtful": gate.doubtful, "asked_at": now}
    cases.remember(session, case, **changes)


def _next_phase(gate: Gate, choice: Choice) -> str:
    if choice is Choice.DECLINE:
        return DECLINE_PHASE
    if choice is Choice.DONE_BY_HAND:
        return BY_HAND_PHASE
    if choice is Choice.ASK_PATIENT:
        return ASK_PATIENT_PHASE
    if choice is Choice.EDIT:
        return CORRECTED_PHASE
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

"""A corrected request in the place of the old one: what hangs on it is found out anew."""

from itertools import zip_longest
from typing import Any

from cleargate.nouns.case import Case
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import GateReason
from cleargate.nouns.request import VisitRequest
from cleargate.store import cases, effects, inquiries
from cleargate.store.database import Session

CORRECTED_PHASE = "booking.receive"
"""From there on a corrected request goes the whole way again."""

_STAY_ACCEPTED = (GateReason.ACCIDENT_CLAIM, GateReason.CHECK_BUDGET_SPENT)
"""What a person let pass and need not let pass again for a corrected request."""


def correct(session: Session, case: Case, request: VisitRequest) -> None:
    """Put a corrected request in the place of a locked case's own; the generation rises.

    Raises Refused for another name or birth date while a time is held under the old one.
    """
    changes = _to_find_out_anew(case, request)
    _put_aside(session, case, request)
    case = cases.change_request(session, case, request)
    case = cases.raise_generation(session, case)
    inquiries.retire(session, case.id)
    cases.remember(session, case, **changes)


def _to_find_out_anew(case: Case, request: VisitRequest) -> dict[str, Any]:
    """What a case had established that need not hold for its corrected request.

    A record that we have made stays the patient's, and a time that is held stays held.
    """
    memo, before = case.memo, case.request.patient
    accepted = tuple(each for each in memo.accepted if each in _STAY_ACCEPTED)
    changes: dict[str, Any] = {
        "accepted": accepted,
        "self_pay": False,
        "doubtful": (),
        "asked_at": None,
    }
    if not memo.booking_id:
        changes |= {"ask_on": None, "opening": None, "openings": ()}
    same = (before.name, before.birth_date) == (request.patient.name, request.patient.birth_date)
    if memo.booking_id and not same:
        msg = "A time is held under this name. Withdraw the request, and enter it anew."
        raise Refused(msg)
    if not memo.patient_id and not same:
        changes["create_new"] = False  # It was said of the name before.
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

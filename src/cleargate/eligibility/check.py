"""A check that staff ask for: is this patient covered, on this day? Without a visit, or a person.

Each is a small case whose one phase asks the payers, as a booking's does. What stays undetermined
is in its answer, with a tip; no gate is opened for it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from cleargate.directory.practice import Practice, Profile
from cleargate.eligibility.answer import undetermined
from cleargate.eligibility.ask import ask_every_payer, budget_day, next_moment
from cleargate.engine.endings import Closed, Ending, NeedsPerson, Next
from cleargate.engine.phases import Procedure
from cleargate.engine.run import Run
from cleargate.gates.policies import is_about_somebody_else
from cleargate.nouns.case import Case, CaseState, Memo
from cleargate.nouns.coverage import Coverage, Reason, Verdict
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.request import VisitRequest
from cleargate.store import audit, cases, inquiries
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.inquiries import InquiryState
from cleargate.store.queue import start_phase

ASK = "check.ask"

OVER_BUDGET = "check_budget_spent"
"""The note of a check that waits for tomorrow's budget."""

_PAID_FOR = (GateReason.CHECK_BUDGET_SPENT,)


def ask(run: Run[Practice]) -> Ending:
    """Ask the payers until they have answered; at the end of a day's budget, go on tomorrow."""
    try:
        questions = ask_every_payer(run, run.case.request.earliest)
    except NeedsPerson as needs:
        if needs.reason is GateReason.CHECK_BUDGET_SPENT:
            tomorrow = budget_day(run.clock.now(), run.practice.zone, days=1)
            return Next(ASK, tomorrow, OVER_BUDGET)
        if needs.reason is GateReason.UNKNOWN_PAYER:
            return Closed(CaseState.DONE)  # `answer` says so.
        raise
    soonest = next_moment(questions)
    if soonest is not None:
        return Next(ASK, soonest, "waiting_for_payer")
    return Closed(CaseState.DONE)


PROCEDURES: dict[str, Procedure[Practice]] = {ASK: ask}
"""The one phase of a check by the name under which it is queued."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms staff ask: in whose name, and for how many questions beyond the day's budget.

    What was answered before `anew_before` is asked again, for another fee; None: nothing is.
    """

    actor: str
    beyond_budget: int = 0
    anew_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The checks in the order of their requests; how many are asked now, and paid for extra."""

    cases: tuple[CaseId, ...]
    asked: int
    beyond_budget: int


def submit(
    session: Session, requests: Sequence[VisitRequest], terms: Terms, now: datetime
) -> Submitted:
    """Open a check for each request, or find the one that was asked for before.

    The same patient, payer, day and services make the same check: nothing is asked twice because
    a list was given twice.
    """
    found: list[CaseId] = []
    asked, extra = 0, 0
    for request in requests:
        pays = extra < terms.beyond_budget
        new = CaseId(uuid4())
        memo = Memo(accepted=_PAID_FOR if pays else ())
        case = cases.open_case(
            session,
            new,
            request,
            nonce=_nonce(request),
            phase=ASK,
            now=now,
            actor=terms.actor,
            memo=memo,
        )
        started = case == new or (case not in found and _stir(session, case, terms, pays=pays))
        asked += started
        extra += started and pays
        found.append(case)
    return Submitted(tuple(found), asked, extra)


def _nonce(request: VisitRequest) -> str:
    """What makes a check the same as another one."""
    patient, policy = request.patient, request.insurances[0]
    holder = policy.subscriber
    parts = [
        *(patient.name.family, patient.name.given, str(patient.birth_date), patient.sex),
        *(policy.payer_id, policy.member_id, policy.group, policy.relationship),
        *((holder.name.family, holder.name.given, str(holder.birth_date)) if holder else ()),
        *(str(request.earliest), *request.service_types),
    ]
    return f"check:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


def _stir(session: Session, case_id: CaseId, terms: Terms, *, pays: bool) -> bool:
    """Set an earlier check going again that waits for money, or whose answer is too old."""
    case = cases.lock(session, case_id)
    if case.state is CaseState.OPEN:
        if not pays or case.note != OVER_BUDGET:
            return False
    elif not _is_too_old(session, case, terms):
        return False
    else:
        inquiries.retire_ranks(session, case_id, range(1, len(case.request.insurances) + 1))
        cases.reopen(session, case_id)
    cases.remember(session, case, accepted=_PAID_FOR if pays else ())
    start_phase(session, case_id, ASK, note="received")
    event = Event(
        "check.again", Action.UPDATE, "case", str(case_id), actor=terms.actor, case=case_id
    )
    audit.record(session, event)
    return True


def _is_too_old(session: Session, case: Case, terms: Terms) -> bool:
    answered = [each.answered for each in inquiries.current(session, case.id)]
    newest = max((each for each in answered if each is not None), default=case.created)
    return terms.anew_before is not None and newest < terms.anew_before


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a check. `coverage` is None while `waits_for`, a note, says what is missing.

    `due` is when it goes on; `answered` when the payer spoke, None where nobody could be asked.
    """

    coverage: Coverage | None
    waits_for: str = ""
    due: datetime | None = None
    answered: datetime | None = None


def answer(session: Session, profile: Profile, case_id: CaseId, actor: str) -> Answer:
    """The answer as it stands; that somebody reads it goes on the trail."""
    case = cases.get(session, case_id)
    if case is None:
        msg = "a check is never taken away"
        raise LookupError(msg)
    event = Event("check.read", Action.READ, "case", str(case_id), actor=actor, case=case_id)
    audit.record(session, event)
    if case.state is CaseState.OPEN:
        return Answer(None, case.note or "received", case.due)
    questions = inquiries.current(session, case_id)
    insurance = case.request.insurances[0]
    services = case.request.service_types or profile.service_types
    for each in questions:
        if each.coverage is not None and each.state is not InquiryState.RETIRED:
            return Answer(_usable(case, each.coverage), answered=each.answered)
    return Answer(undetermined(insurance.payer_name, services, "no_route"))


def _usable(case: Case, coverage: Coverage) -> Coverage:
    """The coverage; where it is about somebody else, nothing of it but that."""
    request = case.request
    if not is_about_somebody_else(coverage, request.insurances[0], request.patient):
        return coverage
    reason = Reason(
        "wrong_patient",
        "The payer answered about somebody else.",
        "Compare the member ID, name and birth date with the card, then ask again.",
    )
    services = tuple(
        replace(each, verdict=Verdict.UNDETERMINED, sources=(), reasons=())
        for each in coverage.services
    )
    return Coverage(coverage.payer, Verdict.UNDETERMINED, services, reasons=(reason,))

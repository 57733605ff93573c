"""From a patient's request to a confirmed visit: the office's own procedure, phase by phase.

A phase may be killed anywhere; it runs again from its top and finds what it had done. Phases in
the order in which they run: receive, (unconfirmed), verify, book, finish; decline, withdraw,
rebook, by_hand and those of ask_patient.py when a person says so.
"""

from datetime import date, datetime, timedelta

from cleargate.directory.practice import ConfirmContact, Practice
from cleargate.eligibility.ask import ask_every_payer, next_moment
from cleargate.eligibility.write_back import write_back
from cleargate.engine.endings import AtGate, Closed, Ending, Next
from cleargate.engine.phases import Procedure
from cleargate.engine.run import Run
from cleargate.gates.decide import BY_HAND_PHASE, DECLINE_PHASE
from cleargate.gates.policies import Checked, review
from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import CHECK, Case, CaseState
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason
from cleargate.nouns.insurance import Payment
from cleargate.patients.find import create_patient, find_patient
from cleargate.scheduling import mails, visits
from cleargate.scheduling.ask_patient import (
    ask_patient,
    patient_checked,
    patient_silent,
    remind_patient,
)
from cleargate.scheduling.phases import (
    ASK_PATIENT,
    BOOK,
    FINISH,
    PATIENT_CHECKED,
    PATIENT_SILENT,
    REBOOK,
    RECEIVE,
    RECHECK,
    REMIND_PATIENT,
    UNCONFIRMED,
    VERIFY,
    WITHDRAW,
)
from cleargate.scheduling.recheck import recheck
from cleargate.store.inquiries import StoredInquiry

FAIR_CHANCE = timedelta(minutes=10)
"""A call is tried for so long at least, however soon the wished visit is."""


def receive(run: Run[Practice]) -> Ending:
    """A new request: who is it, may we write to them, and is it one for insurance at all?"""
    if run.case.request.accident and GateReason.ACCIDENT_CLAIM not in run.case.memo.accepted:
        return AtGate(_accident_gate(run.case))
    gate = find_patient(run, RECEIVE)
    if gate is not None:
        return AtGate(gate)
    if not _contact_must_be_confirmed(run):
        return verify(run)
    if not run.case.mail_address:
        return AtGate(_call_to_confirm())
    mails.send_confirm_contact(run)
    due = run.case.created + run.clock.scaled(run.practice.intake.confirm_within)
    return Next(UNCONFIRMED, due, "waiting_for_patient")


def unconfirmed(_run: Run[Practice]) -> Ending:
    """The patient never followed the link: a person calls, or lets it be."""
    return AtGate(
        Gate(
            reason=GateReason.CONTACT_UNCONFIRMED,
            tip="Call the patient. Go on if the request was theirs.",
            facts=(Fact("Confirmation mail", "sent, and not answered"),),
            choices=(Choice.GO_ON, Choice.DECLINE),
            phase=VERIFY,
        )
    )


def verify(run: Run[Practice]) -> Ending:
    """Ask every payer; what is clear goes on, what is not waits at a gate.

    When payers are slow, or the visit is near, a time is held until they have answered.
    """
    memo = run.case.memo
    if run.case.request.payment is not Payment.INSURANCE or memo.self_pay:
        return book(run)
    questions = ask_every_payer(run, memo.ask_on or run.case.request.earliest)
    soonest = next_moment(questions)
    if soonest is not None:
        return _wait_for_payers(run, soonest)
    gate = review(_checked(run.case, questions), run.case, VERIFY)
    if gate is not None:
        return AtGate(gate)
    return book(run)


def book(run: Run[Practice], status: BookingStatus = BookingStatus.BOOKED) -> Ending:
    """Find or create the patient, put the insurance, and take the earliest time that fits.

    `status` TENTATIVE holds the time while payers are still asked.
    """
    memo = run.case.memo
    if memo.booking_id:
        # A policy may have been corrected while the time was held; what is put is not put again.
        visits.put_insurances(run, memo.patient_id)
        return finish(run)
    patient_id = create_patient(run)
    visits.put_insurances(run, patient_id)
    gate = visits.choose_opening(run, BOOK)
    if gate is not None:
        return AtGate(gate)
    if _must_ask_for_new_date(run) and status is BookingStatus.BOOKED:
        return verify(run)
    if not visits.book_opening(run, patient_id, status):
        return Next(BOOK, note="time_was_taken")
    if status is BookingStatus.TENTATIVE:
        return Next(VERIFY, note="time_held")
    return finish(run)


def finish(run: Run[Practice]) -> Ending:
    """The visit is in the book: make it firm, keep what the payers said, tell the patient."""
    visits.make_firm(run)
    by_hand = write_back(run)
    if not run.case.mail_address:
        return AtGate(_call_to_tell(run, by_hand))
    mails.send_confirmation(run)
    return AtGate(_to_write_down(by_hand)) if by_hand else Closed(CaseState.DONE)


def decline(run: Run[Practice]) -> Ending:
    """A person said no: whatever was held is given back."""
    visits.cancel(run)
    return Closed(CaseState.DECLINED)


def withdraw(run: Run[Practice]) -> Ending:
    """The patient does not want it any more: give the time back, and say so."""
    visits.cancel(run)
    if run.case.memo.taken_back and run.case.mail_address:
        mails.send_cancellation(run)
    return Closed(CaseState.WITHDRAWN)


def rebook(run: Run[Practice]) -> Ending:
    """Give the time back and find another one."""
    visits.cancel(run)
    return verify(run)


def by_hand(_run: Run[Practice]) -> Ending:
    """A person did the rest outside of Cleargate."""
    return Closed(CaseState.DONE)


PROCEDURES: dict[str, Procedure[Practice]] = {
    RECEIVE: receive,
    UNCONFIRMED: unconfirmed,
    VERIFY: verify,
    ASK_PATIENT: ask_patient,
    REMIND_PATIENT: remind_patient,
    PATIENT_SILENT: patient_silent,
    PATIENT_CHECKED: patient_checked,
    BOOK: book,
    FINISH: finish,
    DECLINE_PHASE: decline,
    WITHDRAW: withdraw,
    REBOOK: rebook,
    BY_HAND_PHASE: by_hand,
    RECHECK: recheck,
}
"""Every phase of a booking by the name under which it is queued."""


def last_moment(practice: Practice, case: Case, since: datetime) -> datetime:
    """Until when a call that first failed at `since` is tried again, before a person is asked.

    The earlier of a day later and two office hours before the wished visit, but never before the
    call had a fair chance. A check of staff has no visit.
    """
    give_up = since + practice.booking.give_up_after
    if case.kind == CHECK:
        return give_up
    return max(min(give_up, visits.known_by(practice, case)), since + FAIR_CHANCE)


def _contact_must_be_confirmed(run: Run[Practice]) -> bool:
    memo = run.case.memo
    if memo.contact_confirmed:
        return False
    wanted = run.practice.intake.confirm_contact
    if wanted is ConfirmContact.NEW:
        return not memo.patient_known
    return wanted is ConfirmContact.ALWAYS


def _wait_for_payers(run: Run[Practice], soonest: datetime) -> Ending:
    """Hold a time when it is time to; otherwise come back when the next payer is due."""
    note = "waiting_for_payer"
    if run.case.memo.booking_id:
        return Next(VERIFY, soonest, note)
    hold_at = _hold_at(run)
    if hold_at <= run.clock.now():
        return book(run, BookingStatus.TENTATIVE)
    return Next(VERIFY, min(soonest, hold_at), note)


def _hold_at(run: Run[Practice]) -> datetime:
    policy = run.practice.booking
    visit = run.practice.opens_on(run.case.request.earliest)
    if visit - run.clock.now() <= policy.hold_within:
        return run.clock.now()
    return run.case.created + run.clock.scaled(policy.hold_after)


def _checked(case: Case, questions: list[StoredInquiry]) -> list[Checked]:
    """Each policy with what its payer said; all questions are settled."""
    return [
        Checked(case.request.insurances[each.rank - 1], each.coverage, each.rank)
        for each in questions
        if each.coverage is not None
    ]


def _must_ask_for_new_date(run: Run[Practice]) -> bool:
    """Whether the chosen time may lie outside of what the payers were asked about.

    An answer holds for the plan's dates and the calendar month; `verify` asks anew where it does
    not, and comes back here with the date remembered.
    """
    memo = run.case.memo
    if memo.opening is None or run.case.request.payment is not Payment.INSURANCE or memo.self_pay:
        return False
    visit_day: date = memo.opening.start.astimezone(run.practice.zone).date()
    if (memo.ask_on or run.case.request.earliest) == visit_day:
        return False
    with run.commit() as session:
        run.remember(session, ask_on=visit_day)
    return True


def _accident_gate(case: Case) -> Gate:
    claim = case.request.accident
    facts = () if claim is None else (Fact("Claim", "number and adjuster are on the request"),)
    return Gate(
        reason=GateReason.ACCIDENT_CLAIM,
        tip="Call the adjuster, then go on.",
        facts=facts,
        choices=(Choice.GO_ON, Choice.SELF_PAY, Choice.DECLINE),
        phase=RECEIVE,
    )


def _call_to_confirm() -> Gate:
    return Gate(
        reason=GateReason.CONTACT_UNCONFIRMED,
        tip="There is no e-mail address to write to. Call the patient, then go on.",
        facts=(),
        choices=(Choice.GO_ON, Choice.DECLINE),
        phase=RECEIVE,
    )


def _call_to_tell(run: Run[Practice], by_hand: tuple[Fact, ...]) -> Gate:
    opening = run.case.memo.opening
    when = () if opening is None else (Fact("Booked for", visits.label(run.practice, opening)),)
    note = " Write down in your system what the payer said." if by_hand else ""
    return Gate(
        reason=GateReason.CALL_PATIENT,
        tip=f"Call the patient and say when the visit is.{note}",
        facts=(*when, *by_hand),
        choices=(Choice.DONE_BY_HAND,),
        phase=FINISH,
    )


def _to_write_down(by_hand: tuple[Fact, ...]) -> Gate:
    return Gate(
        reason=GateReason.WRITE_DOWN,
        tip="Your system cannot be written to. Put this in the patient's record.",
        facts=by_hand,
        choices=(Choice.DONE_BY_HAND,),
        phase=FINISH,
    )

"""What starts or stirs a booking from outside: each is one commit with the phase it queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from cleargate.directory.practice import Profile
from cleargate.gates.correct import correct as apply_correction
from cleargate.nouns.case import CHECK, Case, CaseState, Memo
from cleargate.nouns.ids import CaseId
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.scheduling.phases import (
    ASK_PATIENT,
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
from cleargate.scheduling.request_fields import changed_fields
from cleargate.store import attachments, audit, cases, gates, links
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.links import LinkPurpose
from cleargate.store.queue import start_phase

PATIENT = "patient"
"""The actor of what the patient did."""


_WAITS_FOR_PATIENT = ("", RECEIVE, UNCONFIRMED)
"""The phases in which a case waits for the patient's confirmation; "" is a gate."""

_ASKED = ("", ASK_PATIENT, REMIND_PATIENT, PATIENT_SILENT)
"""The phases in which a case waits for details that the patient was asked for."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A kept request and the token of its receipt link."""

    case: CaseId
    receipt: str


def submit(
    session: Session,
    profile: Profile,
    request: VisitRequest,
    *,
    nonce: str,
    now: datetime,
    actor: str = PATIENT,
    photos: Mapping[str, bytes] | None = None,
) -> Submitted:
    """Keep a request, and queue its first phase; the same nonce again gives the same case.

    Somebody who was on the phone with the patient has confirmed the contact by that.
    """
    new = CaseId(uuid4())
    memo = Memo(contact_confirmed=request.channel is Channel.PHONE)
    case = cases.open_case(
        session, new, request, nonce=nonce, phase=RECEIVE, now=now, actor=actor, memo=memo
    )
    token = links.derived_token(session, case, LinkPurpose.RECEIPT)
    if case == new:
        expires = now + profile.intake.receipt_valid
        links.keep(session, case, LinkPurpose.RECEIPT, token, expires)
        for kind, content in (photos or {}).items():
            attachments.add(session, case, kind, content, now)
    return Submitted(case, token)


def confirm_contact(session: Session, case_id: CaseId, now: datetime) -> None:
    """The patient followed the link: the address is theirs, and the payers may be asked.

    The mail's own phase may still be running; it is overtaken, as is a gate about the silence. A
    withdrawal or a person's decision that came first is not.
    """
    case = cases.lock(session, case_id)
    if case.memo.contact_confirmed or case.state is not CaseState.OPEN:
        return
    cases.remember(session, case, contact_confirmed=True)
    if case.phase in _WAITS_FOR_PATIENT:
        gates.drop(session, case_id, actor=PATIENT, now=now)
        start_phase(session, case_id, VERIFY, note="confirmed")
    elif case.phase:  # It runs again, with what it could not have known.
        start_phase(session, case_id, case.phase, due=case.due, note=case.note)
    _record(session, "case.contact_confirmed", case, PATIENT)


def waits_for_patient(case: Case) -> bool:
    """Whether the patient was asked to check details, and nothing has come of it yet."""
    return case.state is CaseState.OPEN and bool(case.memo.doubtful) and case.phase in _ASKED


def correct(
    session: Session,
    case_id: CaseId,
    request: VisitRequest,
    *,
    actor: str,
    now: datetime,
    generation: int | None = None,
) -> bool:
    """The patient has checked the details: the case goes on by itself with what they say.

    False when nobody waits for it any more, or the case that the request was made from, of
    `generation`, has been corrected since. What was changed is on the trail, by its name.
    """
    case = cases.lock(session, case_id)
    if not waits_for_patient(case) or generation not in (None, case.generation):
        return False
    gates.drop(session, case_id, actor=actor, now=now)
    changed = changed_fields(case.request, request)
    if changed:
        apply_correction(session, case, request)
        start_phase(session, case_id, RECEIVE, note="corrected")
    else:
        start_phase(session, case_id, PATIENT_CHECKED, note="corrected")
    _record(session, "request.edit", case, actor, ",".join(changed))
    return True


def call_instead(session: Session, case_id: CaseId) -> None:
    """The patient's page cannot be opened any more: a person calls, and no reminder is sent."""
    case = cases.lock(session, case_id)
    if case.phase in (ASK_PATIENT, REMIND_PATIENT) and waits_for_patient(case):
        start_phase(session, case_id, PATIENT_SILENT, note="reminded_patient")


def may_withdraw(case: Case, now: datetime) -> bool:
    """Whether there is still something to withdraw: work to be done, or a visit to come."""
    if case.kind == CHECK:
        return False
    opening = case.memo.opening if case.memo.booking_id else None
    if case.state is CaseState.OPEN:
        return True
    return case.state is CaseState.DONE and opening is not None and opening.start > now


def is_rechecked(case: Case) -> bool:
    """Whether an open case is open only because its payers are asked again: the visit stands."""
    memo = case.memo
    visit = memo.opening.start if memo.opening and memo.booking_id else None
    return memo.recheck is not None and memo.recheck.visit == visit and case.phase in ("", RECHECK)


def withdraw(session: Session, case_id: CaseId, *, actor: str, now: datetime) -> bool:
    """The visit is not wanted any more; False when there is nothing to withdraw."""
    return _stir(session, case_id, WITHDRAW, actor=actor, now=now)


def rebook(session: Session, case_id: CaseId, *, actor: str, now: datetime) -> bool:
    """Give the time back and find another; False when the case is over."""
    return _stir(session, case_id, REBOOK, actor=actor, now=now)


def _stir(session: Session, case_id: CaseId, phase: str, *, actor: str, now: datetime) -> bool:
    """One phase queued, whatever the case waits for or still does.

    The generation stays: what a running phase has begun must be met under its own Ref, or it would
    be done twice. It rises when a booking is taken back (see visits.cancel).
    """
    case = cases.lock(session, case_id)
    if not may_withdraw(case, now):
        return False
    if case.state is CaseState.OPEN and case.phase == phase:
        return True  # Sent twice: it is being done.
    gates.drop(session, case_id, actor=actor, now=now)
    cases.reopen(session, case_id)
    cases.remember(session, case, doubtful=(), asked_at=None)
    start_phase(session, case_id, phase, note="stirred")
    _record(session, f"case.{phase.partition('.')[2]}", case, actor)
    return True


def _record(session: Session, kind: str, case: Case, actor: str, code: str = "") -> None:
    event = Event(kind, Action.UPDATE, "case", str(case.id), actor=actor, case=case.id, code=code)
    audit.record(session, event)

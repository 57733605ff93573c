"""Before the visit: asked again once, and only what has changed troubles a person."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from cleargate.directory.practice import EligibilityPolicy, IntakePolicy
from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Insurance, Payment
from cleargate.scheduling import requests
from cleargate.scheduling.phases import RECHECK
from cleargate.scheduling.sweep import Swept, sweep, sweep_if_due
from cleargate.store import effects, gates, inquiries
from cleargate.store.inquiries import InquiryState
from tests.house import House, visit_request
from tests.unit.scheduling.office import ACTIVE, INACTIVE, Stage, earliest, opening, said

LATER = timedelta(hours=30)
"""The answer of the booking is older than a day by then."""

COPAY_45 = ACTIVE.replace("*27*30*", "*27*45*")
DOWN = PortError(ErrorKind.RETRYABLE, "clearinghouse", vendor_code="test")


@pytest.fixture
def stage(house: House) -> Stage:
    opened = Stage(house)
    opened.ehr.openings = [opening(10, 14), opening(11), opening(14)]
    return opened


def booked(stage: Stage, **changes: object) -> CaseId:
    """A visit on Thursday, asked for on Monday, and the sweep's hour come on Tuesday."""
    case = stage.submit(visit_request(**{"earliest": earliest(10), **changes}))
    assert stage.play(case).state is CaseState.DONE
    stage.clock.turn(LATER)
    return case


def swept(stage: Stage, case: CaseId) -> Case:
    """Sweep, and see that this case is among those that are asked about."""
    run_sweep(stage)
    found = stage.see(case)
    assert (found.state, found.phase) == (CaseState.OPEN, RECHECK)
    return found


def run_sweep(stage: Stage, days: int = 3) -> Swept:
    return sweep(stage.house.database, stage.practice, stage.clock.now(), days)


def of_case(stage: Stage, case: CaseId) -> list[inquiries.StoredInquiry]:
    with stage.house.session() as session:
        return inquiries.of_case(session, case)


def passed_gates(stage: Stage, case: CaseId) -> list[GateReason]:
    with stage.house.session() as session:
        return [each.gate.reason for each in gates.of_case(session, case)]


def written_back(stage: Stage, case: CaseId) -> int:
    return sum("write_back" in ref and ref.startswith(case.hex) for ref in stage.ehr.kept)


def test_nothing_changed_troubles_nobody(stage: Stage) -> None:
    case = booked(stage)
    booking, mails = stage.see(case).memo.booking_id, len(stage.mail.sent)
    swept(stage, case)
    done = stage.play(case)
    assert done.state is CaseState.DONE
    assert [each.state for each in of_case(stage, case)] == [InquiryState.ANSWERED] * 2
    assert passed_gates(stage, case) == []
    assert stage.ehr.statuses[booking] is BookingStatus.BOOKED
    assert len(stage.mail.sent) == mails
    assert written_back(stage, case) == 2


def test_a_practice_may_not_want_the_newer_answer_written_back(stage: Stage) -> None:
    stage.rule(eligibility=EligibilityPolicy(write_back=False))
    case = booked(stage)
    swept(stage, case)
    assert stage.play(case).state is CaseState.DONE
    assert written_back(stage, case) == 1


def test_a_change_waits_for_a_person_with_both_sides_and_the_visit_stands(stage: Stage) -> None:
    case = booked(stage)
    stage.payer.answers = [said(COPAY_45)]
    swept(stage, case)
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.COVERAGE_CHANGED
    facts = {fact.label: fact.value for fact in gate.facts}
    assert facts["Copay"] == "$30.00 per visit, in network → $45.00 per visit, in network"
    assert facts["Visit"].startswith("Thu Jan 10")
    assert Choice.ASK_AGAIN not in gate.choices
    assert requests.is_rechecked(stage.see(case))
    memo = stage.see(case).memo
    assert stage.ehr.statuses[memo.booking_id] is BookingStatus.BOOKED
    assert written_back(stage, case) == 1


def test_a_person_keeps_the_visit(stage: Stage) -> None:
    case = booked(stage)
    stage.payer.answers = [said(INACTIVE)]
    swept(stage, case)
    stage.play(case)
    asked = len(stage.payer.asked)
    stage.decide(case, Choice.GO_ON)
    done = stage.play(case)
    assert done.state is CaseState.DONE
    assert len(stage.payer.asked) == asked
    assert written_back(stage, case) == 2
    assert stage.ehr.statuses[done.memo.booking_id] is BookingStatus.BOOKED


def test_a_person_cancels_the_visit(stage: Stage) -> None:
    case = booked(stage)
    booking = stage.see(case).memo.booking_id
    stage.payer.answers = [said(INACTIVE)]
    swept(stage, case)
    stage.play(case)
    stage.decide(case, Choice.DECLINE)
    assert stage.play(case).state is CaseState.DECLINED
    assert stage.ehr.statuses[booking] is BookingStatus.CANCELLED


def test_a_person_asks_the_payer_again_and_it_was_a_slip(stage: Stage) -> None:
    case = booked(stage)
    stage.payer.answers = [said(INACTIVE), said(ACTIVE)]
    swept(stage, case)
    stage.play(case)
    stage.decide(case, Choice.ASK_AGAIN)
    assert stage.play(case).state is CaseState.DONE
    assert passed_gates(stage, case) == [GateReason.COVERAGE_CHANGED]
    assert written_back(stage, case) == 2


def test_the_patient_brings_a_newer_card_and_the_visit_stands(stage: Stage) -> None:
    case = booked(stage)
    booking = stage.see(case).memo.booking_id
    stage.payer.answers = [said(INACTIVE), said(ACTIVE)]
    swept(stage, case)
    stage.play(case)
    newer = replace(
        stage.see(case).request,
        insurances=(Insurance("sample-payer", "Sample Payer", "NEWER0002"),),
    )
    stage.decide(case, Choice.EDIT, request=newer)
    done = stage.play(case)
    assert (done.state, done.memo.booking_id) == (CaseState.DONE, booking)
    assert stage.payer.asked[-1].insurance.member_id == "NEWER0002"
    assert stage.ehr.statuses == {booking: BookingStatus.BOOKED}
    assert len(stage.mail.sent) == 1


def test_good_news_troubles_nobody(stage: Stage) -> None:
    stage.payer.answers = [said(INACTIVE)]
    case = stage.submit(visit_request(earliest=earliest(10)))
    stage.play(case)
    stage.decide(case, Choice.GO_ON)
    stage.play(case)
    stage.clock.turn(LATER)
    stage.payer.answers = [said(ACTIVE)]
    swept(stage, case)
    assert stage.play(case).state is CaseState.DONE
    assert passed_gates(stage, case) == [GateReason.COVERAGE_INACTIVE]


def test_an_answer_about_somebody_else_is_a_change(stage: Stage) -> None:
    case = booked(stage)
    stage.payer.answers = [
        said(ACTIVE).replace(b"19900228", b"19710101").replace(b"TESTPERSON*", b"STRANGER*")
    ]
    swept(stage, case)
    stage.play(case)
    facts = {fact.label: fact.value for fact in stage.gate(case).gate.facts}
    assert facts["The answer is about"] == "the patient → somebody else"


def test_a_silent_payer_troubles_nobody_while_its_last_answer_is_good(stage: Stage) -> None:
    case = booked(stage)
    stage.payer.answers = [DOWN]
    swept(stage, case)
    visit = stage.see(case).memo.opening
    assert visit is not None
    done = stage.play(case, until=visit.start)
    assert done.state is CaseState.DONE
    assert stage.clock.now() <= visit.start - timedelta(hours=2)
    assert passed_gates(stage, case) == []
    assert written_back(stage, case) == 1
    with stage.house.session() as session:
        [shown] = inquiries.shown(session, case)
    assert shown.state is InquiryState.ANSWERED


def test_a_payer_that_is_busy_until_the_visit_is_silent_too(stage: Stage) -> None:
    case = booked(stage)
    stage.payer.answers = [said("").replace(b"DMG*D8*19900228*F", b"AAA*Y**42*P")]
    swept(stage, case)
    assert stage.play(case, until=stage.later(days=3)).state is CaseState.DONE
    assert passed_gates(stage, case) == []


def test_a_silent_payer_whose_answer_was_of_another_month_comes_to_a_person(stage: Stage) -> None:
    stage.clock.turn(timedelta(days=-9))
    case = booked(stage)
    stage.clock.turn(timedelta(days=9) - LATER)
    stage.payer.answers = [DOWN]
    swept(stage, case)
    stage.play(case, until=stage.later(days=3))
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.VENDOR_SILENT
    assert ("Answered last", "Dec 29, 2029") in [(f.label, f.value) for f in gate.facts]
    stage.decide(case, Choice.GO_ON)
    assert stage.play(case).state is CaseState.DONE


def test_sweeping_twice_asks_once(stage: Stage) -> None:
    case = booked(stage)
    swept(stage, case)
    seq = stage.see(case).phase_seq
    run_sweep(stage)
    assert stage.see(case).phase_seq == seq
    asked = len(stage.payer.asked)
    stage.play(case)
    assert len(stage.payer.asked) == asked + 1
    stage.clock.turn(LATER)
    run_sweep(stage)
    assert stage.see(case).state is CaseState.DONE


def test_a_visit_that_was_moved_is_asked_about_again(stage: Stage) -> None:
    case = booked(stage)
    swept(stage, case)
    stage.play(case)
    with stage.house.session() as session:
        requests.rebook(session, case, actor="staff:test", now=stage.clock.now())
    moved = stage.play(case)
    assert moved.state is CaseState.DONE
    assert moved.memo.opening is not None
    stage.clock.turn(timedelta(days=2))
    swept(stage, case)
    assert stage.play(case).state is CaseState.DONE


def test_a_withdrawal_in_between_overtakes_the_recheck(stage: Stage) -> None:
    case = booked(stage)
    booking = stage.see(case).memo.booking_id
    stage.payer.answers = [DOWN]
    swept(stage, case)
    stage.play(case)
    with stage.house.session() as session:
        assert requests.withdraw(session, case, actor="patient", now=stage.clock.now())
    assert stage.play(case, until=stage.later(days=3)).state is CaseState.WITHDRAWN
    assert stage.ehr.statuses[booking] is BookingStatus.CANCELLED
    run_sweep(stage)
    assert stage.see(case).state is CaseState.WITHDRAWN


def test_only_booked_insured_visits_with_older_answers_are_asked_about(stage: Stage) -> None:
    fresh = stage.submit(visit_request(earliest=earliest(10)))
    stage.play(fresh)
    self_paying = stage.submit(visit_request(earliest=earliest(10), payment=Payment.SELF_PAY))
    stage.play(self_paying)
    before = stage.see(fresh)
    run_sweep(stage)
    assert stage.see(fresh) == before
    stage.clock.turn(LATER)
    run_sweep(stage, days=1)
    assert stage.see(fresh) == before
    run_sweep(stage, days=2)
    assert stage.see(fresh).phase == RECHECK
    assert stage.see(self_paying).state is CaseState.DONE


def test_a_killed_recheck_asks_and_writes_once(stage: Stage) -> None:
    """The phase's last commit is lost; it runs again from its top."""
    case = booked(stage)
    stage.ehr.failures["record_eligibility"] = [PortError(ErrorKind.RETRYABLE, "ehr")] * 9
    swept(stage, case)
    asked = len(stage.payer.asked)
    stage.play(case, until=stage.later(minutes=1))
    stage.ehr.failures.clear()
    assert stage.play(case, until=stage.later(days=3)).state is CaseState.DONE
    assert len(stage.payer.asked) == asked + 1
    with stage.house.session() as session:
        states = [e.state for e in effects.of_case(session, case) if e.step == "write_back1"]
    assert states == ["undone", "done"]


def test_a_recheck_beyond_the_days_budget_waits_for_the_next(stage: Stage) -> None:
    case = booked(stage)
    stage.rule(intake=IntakePolicy(paid_checks_per_day=0))
    swept(stage, case)
    waiting = stage.play(case)
    assert waiting.note == "check_budget_spent"
    asked = len(stage.payer.asked)
    done = stage.play(case, until=stage.later(days=3))
    assert done.state is CaseState.DONE
    assert passed_gates(stage, case) == []
    assert len(stage.payer.asked) == asked


def test_the_days_own_sweep_comes_at_its_hour_and_once(stage: Stage) -> None:
    case = booked(stage)
    database, clock = stage.house.database, stage.clock

    def due(at: time | None) -> Swept | None:
        profile = replace(stage.practice, eligibility=EligibilityPolicy(sweep_at=at))
        return sweep_if_due(database, profile, clock.now())

    now = clock.now().astimezone(stage.practice.zone)
    assert due(None) is None
    assert due((now + timedelta(minutes=1)).time()) is None
    assert due(now.time()) is not None
    assert stage.see(case).phase == RECHECK
    assert due(now.time()) is None
    clock.turn(timedelta(days=1))
    assert due(now.time()) is not None


def test_each_practice_sweeps_its_own_visits(stage: Stage) -> None:
    case = booked(stage)
    other = replace(stage.practice, id=stage.house.other)
    assert sweep(stage.house.database, other, stage.clock.now(), 3) == Swept()
    assert stage.see(case).state is CaseState.DONE

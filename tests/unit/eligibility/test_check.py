"""Checks of staff: asked like a booking's questions, without a visit and without a person."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cleargate.directory.payers import Payer, PayerDirectory
from cleargate.directory.practice import IntakePolicy
from cleargate.eligibility import check
from cleargate.eligibility.ask import budget_day
from cleargate.eligibility.check import OVER_BUDGET, Answer, Submitted, Terms
from cleargate.nouns.case import CHECK, CaseState
from cleargate.nouns.coverage import Verdict
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.scheduling import requests
from cleargate.store import gates, inquiries
from cleargate.store.inquiries import InquiryState
from tests.house import House, visit_request
from tests.unit.scheduling.office import INACTIVE, ZONE, Stage, earliest, said

BUSY = "AAA*Y**42*R"
TERMS = Terms("cli:test")

_members = iter(range(1, 10**6))


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    """An office on a day of its own, so that nobody else has used its budget."""
    opened = Stage(house)
    opened.clock.turn(timedelta(days=next(_members)))
    return opened


def question(**changes: object) -> VisitRequest:
    """What nobody has asked before."""
    policy = Insurance("sample-payer", "Sample Payer", f"MEMBER{next(_members):06}")
    plain = {
        "channel": Channel.STAFF,
        "visit_type": "",
        "reason": "",
        "earliest": earliest(10),
        "insurances": (policy,),
    }
    return visit_request(**(plain | changes))


def submit(stage: Stage, *asked: VisitRequest, terms: Terms = TERMS) -> Submitted:
    with stage.house.session() as session:
        return check.submit(session, asked, terms, stage.clock.now())


def answer(stage: Stage, case: CaseId) -> Answer:
    with stage.house.session() as session:
        return check.answer(session, stage.practice, case, "cli:test")


def all_gates(stage: Stage, case: CaseId) -> list[gates.StoredGate]:
    with stage.house.session() as session:
        return gates.of_case(session, case)


def test_a_check_is_answered_and_touches_nothing_else(stage: Stage) -> None:
    [case] = submit(stage, question()).cases
    assert answer(stage, case).coverage is None
    done = stage.play(case)
    assert (done.state, done.kind) == (CaseState.DONE, CHECK)
    found = answer(stage, case)
    assert found.coverage is not None
    assert found.coverage.verdict is Verdict.ACTIVE
    assert found.answered == stage.clock.now()
    assert stage.ehr.kept == {}
    assert stage.mail.sent == []


def test_the_services_of_the_check_are_asked_about(stage: Stage) -> None:
    [case] = submit(stage, question(service_types=("98", "30"))).cases
    stage.play(case)
    assert stage.payer.asked[-1].service_types == ("98", "30")
    coverage = answer(stage, case).coverage
    assert coverage is not None
    assert [each.code for each in coverage.services] == ["98", "30"]


def test_the_same_list_again_asks_nothing_twice(stage: Stage) -> None:
    asked = [question(), question()]
    first = submit(stage, *asked, asked[0])
    assert (first.asked, len(set(first.cases))) == (2, 2)
    for case in set(first.cases):
        stage.play(case)
    again = submit(stage, *asked, asked[0])
    assert again == Submitted(first.cases, 0, 0)
    assert len(stage.payer.asked) == 2


def test_another_day_or_other_services_are_another_question(stage: Stage) -> None:
    asked = question()
    others = [
        replace(asked, earliest=earliest(11)),
        replace(asked, service_types=("98",)),
        replace(asked, patient=replace(asked.patient, birth_date=earliest(1))),
    ]
    assert submit(stage, asked, *others).asked == 4


def test_what_is_not_clear_has_its_tip_and_no_gate(stage: Stage) -> None:
    stage.payer.answers = [said("").replace(b"DMG*D8*19900228*F", b"AAA*N**72*C")]
    [case] = submit(stage, question()).cases
    assert stage.play(case).state is CaseState.DONE
    assert all_gates(stage, case) == []
    coverage = answer(stage, case).coverage
    assert coverage is not None
    assert coverage.verdict is not Verdict.ACTIVE
    assert any(reason.tip for reason in coverage.reasons)


def test_a_busy_payer_is_asked_for_a_day_and_then_said_so(stage: Stage) -> None:
    """Also about today: a check has no visit before which it must be over."""
    stage.payer.answers = [said(BUSY)]
    today = stage.clock.now().astimezone(ZONE).date()
    [case] = submit(stage, question(earliest=today)).cases
    waiting = stage.play(case)
    assert answer(stage, case).waits_for == "waiting_for_payer"
    assert waiting.due is not None
    done = stage.play(case, until=stage.later(hours=30))
    assert done.state is CaseState.DONE
    assert len(stage.payer.asked) > 10
    assert all_gates(stage, case) == []


def test_an_answer_about_somebody_else_brings_nothing_but_that(stage: Stage) -> None:
    stranger = said("EB*1**30\nEB*1**PT\nEB*B**PT***27*30").replace(b"19900228", b"19710101")
    stage.payer.answers = [stranger.replace(b"TESTPERSON*", b"STRANGER*")]
    [case] = submit(stage, question()).cases
    stage.play(case)
    coverage = answer(stage, case).coverage
    assert coverage is not None
    assert coverage.verdict is Verdict.UNDETERMINED
    assert coverage.amounts == ()
    assert [reason.code for reason in coverage.reasons] == ["wrong_patient"]


def test_a_payer_without_a_way_is_said_so(stage: Stage) -> None:
    stage.rule(payers=PayerDirectory([Payer("sample-payer", "Sample Payer")]))
    [case] = submit(stage, question()).cases
    assert stage.play(case).state is CaseState.DONE
    found = answer(stage, case)
    assert found.answered is None
    assert found.coverage is not None
    assert found.coverage.reasons[0].code == "no_route"
    assert stage.payer.asked == []


def test_beyond_the_days_budget_a_check_waits_for_the_next(stage: Stage) -> None:
    stage.rule(intake=IntakePolicy(paid_checks_per_day=2))
    cases = submit(stage, *(question() for _ in range(3))).cases
    states = [stage.play(case).state for case in cases]
    assert states == [CaseState.DONE, CaseState.DONE, CaseState.OPEN]
    waiting = answer(stage, cases[2])
    assert waiting.waits_for == OVER_BUDGET
    assert waiting.due == budget_day(stage.clock.now(), ZONE, days=1)
    assert all_gates(stage, cases[2]) == []
    assert stage.play(cases[2], until=waiting.due).state is CaseState.DONE


def test_staff_may_pay_for_more_and_that_takes_nothing_from_the_budget(stage: Stage) -> None:
    stage.rule(intake=IntakePolicy(paid_checks_per_day=1))
    asked = [question() for _ in range(3)]
    paid = submit(stage, *asked, terms=replace(TERMS, beyond_budget=1))
    assert (paid.asked, paid.beyond_budget) == (3, 1)
    assert [stage.play(case).note for case in paid.cases] == ["", "", OVER_BUDGET]
    again = submit(stage, *asked, terms=replace(TERMS, beyond_budget=5))
    assert (again.cases, again.asked, again.beyond_budget) == (paid.cases, 1, 1)
    assert stage.play(paid.cases[2]).state is CaseState.DONE


def test_only_what_was_answered_before_today_is_asked_anew(stage: Stage) -> None:
    asked = question()
    [case] = submit(stage, asked).cases
    stage.play(case)

    def anew() -> int:
        day = budget_day(stage.clock.now(), ZONE)
        return submit(stage, asked, terms=replace(TERMS, anew_before=day)).asked

    assert anew() == 0
    stage.clock.turn(timedelta(days=1))
    stage.payer.answers = [said(INACTIVE)]
    assert anew() == 1
    assert anew() == 0
    assert answer(stage, case).coverage is None
    stage.play(case)
    assert anew() == 0
    coverage = answer(stage, case).coverage
    assert coverage is not None
    assert coverage.verdict is Verdict.INACTIVE


def test_a_check_whose_worker_died_is_not_asked_for_a_second_fee(stage: Stage) -> None:
    """The question may have arrived, and asking again is not free: the answer says what to do."""
    stage.payer.repeatable = False
    stage.payer.answers = [PortError(ErrorKind.AMBIGUOUS, "clearinghouse")]
    asked = question()
    [case] = submit(stage, asked).cases
    stage.play(case)
    assert submit(stage, asked).asked == 0
    assert len(stage.payer.asked) == 1
    coverage = answer(stage, case).coverage
    assert coverage is not None
    assert coverage.reasons[0].code == "maybe_asked"


def test_a_check_is_no_visit_that_could_be_withdrawn_or_rebooked(stage: Stage) -> None:
    [case] = submit(stage, question()).cases
    with stage.house.session() as session:
        now = stage.clock.now()
        assert not requests.withdraw(session, case, actor="staff:test", now=now)
        assert not requests.rebook(session, case, actor="staff:test", now=now)
    assert stage.play(case).state is CaseState.DONE


def test_two_practices_do_not_share_a_check(stage: Stage) -> None:
    asked = question()
    [case] = submit(stage, asked).cases
    with stage.house.session(stage.house.other) as session:
        other = check.submit(session, [asked], TERMS, stage.clock.now())
    assert other.asked == 1
    assert case not in other.cases
    with stage.house.session(stage.house.other) as session, pytest.raises(LookupError):
        check.answer(session, stage.practice, case, "cli:test")


def test_a_mistake_of_ours_comes_to_a_person(stage: Stage) -> None:
    [case] = submit(stage, question()).cases
    stage.rule(clearinghouses={})
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.PROGRAM_ERROR
    assert answer(stage, case).waits_for == "gate"


def test_an_earlier_answer_is_put_aside_and_kept(stage: Stage) -> None:
    asked = question()
    [case] = submit(stage, asked).cases
    stage.play(case)
    stage.clock.turn(timedelta(days=1))
    submit(stage, asked, terms=replace(TERMS, anew_before=stage.clock.now()))
    stage.play(case)
    with stage.house.session() as session:
        states = [each.state for each in inquiries.of_case(session, case)]
    assert states == [InquiryState.RETIRED, InquiryState.ANSWERED]

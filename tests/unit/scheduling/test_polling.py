"""Answers that come later: looked for, and never asked for twice."""

import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.eligibility import Pending
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason
from cleargate.store import attempts, inquiries, outages
from tests.house import House
from tests.unit.scheduling.office import ACTIVE, Stage, said
from tests.unit.scheduling.test_booking import failure, insured


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house)


def test_a_payer_that_is_busy_after_a_poll_is_asked_anew(stage: Stage) -> None:
    busy = said("").replace(b"DMG*D8*19900228*F", b"AAA*Y**42*P")
    stage.payer.answers = [Pending("later", 30), busy, said(ACTIVE)]
    case = stage.submit(insured())
    assert stage.play(case, until=stage.later(hours=1)).state is CaseState.DONE
    assert stage.payer.polled == ["later"]
    assert len(stage.payer.asked) == 2


def test_a_poll_that_fails_is_polled_again_and_never_asked_again(stage: Stage) -> None:
    stage.payer.answers = [Pending("later", 30), failure(ErrorKind.RETRYABLE), said(ACTIVE)]
    case = stage.submit(insured())
    assert stage.play(case, until=stage.later(hours=1)).state is CaseState.DONE
    assert stage.payer.polled == ["later", "later"]
    assert len(stage.payer.asked) == 1


def test_a_worker_that_dies_at_a_poll_polls_again_where_asking_again_costs_a_fee(
    stage: Stage,
) -> None:
    stage.payer.repeatable = False
    stage.payer.answers = [Pending("later", 30), said(ACTIVE)]
    case = stage.submit(insured())
    stage.play(case)
    with stage.house.session() as session:
        [question] = inquiries.current(session, case)
        inquiries.mark_sent(session, question.id, stage.clock.now())
    assert stage.play(case, until=stage.later(hours=1)).state is CaseState.DONE
    assert stage.payer.polled == ["later"]
    assert len(stage.payer.asked) == 1


def gone() -> PortError:
    return PortError(ErrorKind.AMBIGUOUS, "clearinghouse", vendor_code="answer_gone")


def test_a_gone_answer_is_asked_for_anew_where_that_costs_no_fee(stage: Stage) -> None:
    stage.payer.answers = [Pending("first", 30), gone(), Pending("second", 30), said(ACTIVE)]
    case = stage.submit(insured())
    assert stage.play(case, until=stage.later(hours=1)).state is CaseState.DONE
    assert stage.payer.polled == ["first", "second"]
    first, second = stage.payer.asked
    assert first == second
    with stage.house.session() as session:
        outcomes = [(each.outcome, each.vendor_code) for each in attempts.of_case(session, case)]
    assert ("ambiguous", "answer_gone") in outcomes


def test_a_gone_answer_is_a_person_s_to_decide_where_asking_again_costs_a_fee(
    stage: Stage,
) -> None:
    stage.payer.repeatable = False
    stage.payer.answers = [Pending("first", 30), gone()]
    case = stage.submit(insured())
    assert stage.play(case, until=stage.later(hours=30)).state is CaseState.OPEN
    assert (stage.payer.polled, len(stage.payer.asked)) == (["first"], 1)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.COVERAGE_UNDETERMINED
    with stage.house.session() as session:
        [question] = inquiries.current(session, case)
    assert question.coverage is not None
    assert [each.code for each in question.coverage.reasons] == ["answer_gone"]


def test_answers_that_are_always_gone_end_at_the_last_moment(stage: Stage) -> None:
    stage.payer.answers = [answer for _ in range(2000) for answer in (Pending("gone", 30), gone())]
    case = stage.submit(insured())
    assert stage.play(case, until=stage.later(hours=30)).state is CaseState.OPEN
    assert len(stage.payer.asked) < 30
    with stage.house.session() as session:
        [question] = inquiries.current(session, case)
    assert question.settled


def test_a_gone_answer_is_no_outage(stage: Stage) -> None:
    """The clearinghouse answers; it has only forgotten what it was asked."""
    losses = [answer for _ in range(outages.FAILURES_MIN) for answer in (Pending("t", 30), gone())]
    stage.payer.answers = [*losses, Pending("later", 30)]
    case = stage.submit(insured())
    stage.play(case, until=stage.later(hours=5))
    assert "later" in stage.payer.polled
    with stage.house.session() as session:
        assert outages.standing(session) == []


def test_an_answer_that_does_not_come_is_looked_for_less_and_less_often(stage: Stage) -> None:
    stage.payer.answers = [Pending("later", 3)]
    case = stage.submit(insured())
    stage.play(case, until=stage.later(minutes=1))
    soon = len(stage.payer.polled)
    stage.play(case, until=stage.later(minutes=30))
    assert soon >= 3
    assert len(stage.payer.polled) - soon < 12
    assert len(stage.payer.asked) == 1

"""A payer that is down is found out once, asked by one at a time, and nobody has to look."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from cleargate.directory.payers import Connection, Payer, PayerDirectory
from cleargate.nouns.case import CaseState
from cleargate.nouns.coverage import Verdict
from cleargate.nouns.eligibility import Pending
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.ids import CaseId
from cleargate.scheduling import requests
from cleargate.store import inquiries, outages
from tests.house import House, visit_request
from tests.unit.engine.vendor import failure
from tests.unit.scheduling.office import ACTIVE, MemoryClearinghouse, Stage, earliest, said

BUSY = said("").replace(b"DMG*D8*19900228*F", b"AAA*N**42*R")


@pytest.fixture
def stage(house: House) -> Stage:
    stage = Stage(house)
    stage.ehr.openings = stage.openings(16)
    return stage


def _submitted(stage: Stage, count: int) -> list[CaseId]:
    return [stage.submit(visit_request(earliest=earliest(20))) for _ in range(count)]


def _until(stage: Stage, cases: list[CaseId], minutes: float) -> None:
    """Let all cases do what falls due, in the order in which it does."""
    end = stage.later(minutes=minutes)
    while True:
        due = [(at.due or stage.clock.now(), at.id) for at in map(stage.see, cases) if at.phase]
        if not due or min(due)[0] > end:
            stage.clock.turn(max(timedelta(0), end - stage.clock.now()))
            return
        when, case = min(due)
        stage.clock.turn(max(timedelta(0), when - stage.clock.now()))
        stage.step(case)


def test_many_cases_do_not_each_find_out_that_a_payer_is_down(stage: Stage) -> None:
    stage.payer.answers = [BUSY]
    _until(stage, _submitted(stage, 12), minutes=20)
    asked = len(stage.payer.asked)
    assert asked <= 10, "one at a time, not twelve again and again"
    with stage.house.session() as session:
        [outage] = outages.standing(session)
    assert outage.payer_name == "Sample Payer"
    assert outage.waiting >= 12


def test_when_it_answers_again_all_go_on_by_themselves(stage: Stage) -> None:
    stage.payer.answers = [BUSY]
    cases = _submitted(stage, 6)
    _until(stage, cases, minutes=30)
    stage.payer.answers = [said(ACTIVE)]
    _until(stage, cases, minutes=120)
    assert [stage.see(case).state for case in cases] == [CaseState.DONE] * 6
    with stage.house.session() as session:
        assert outages.standing(session) == []
        kept = [inquiries.current(session, case)[0].verdict for case in cases]
    assert kept == [Verdict.ACTIVE] * 6


def test_a_clearinghouse_that_is_down_is_told_as_such(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)]
    _until(stage, _submitted(stage, 3), minutes=9)
    with stage.house.session() as session:
        [outage] = outages.standing(session)
    assert (outage.connection, outage.payer_name) == ("clearinghouse", "")


def test_it_is_given_up_when_the_day_is_over(stage: Stage) -> None:
    stage.payer.answers = [BUSY]
    cases = _submitted(stage, 4)
    _until(stage, cases, minutes=26 * 60)
    assert [stage.gate(case).gate.reason for case in cases] == ["coverage_unclear"] * 4


def test_who_may_go_another_way_does_so_without_asking_first(stage: Stage) -> None:
    second = MemoryClearinghouse(connection="second")
    codes = {"first-kind": "FIRST1", "second-kind": "SECOND1"}
    stage.rule(
        payers=PayerDirectory(
            [Payer("sample-payer", "Sample Payer", clearinghouse_ids=codes, code="EX001")]
        ),
        connections=(
            Connection("clearinghouse", "first-kind"),
            Connection("second", "second-kind"),
        ),
        clearinghouses={"clearinghouse": stage.payer, "second": second},
    )
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)]
    cases = _submitted(stage, 6)
    _until(stage, cases, minutes=1)
    assert [stage.see(case).state for case in cases] == [CaseState.DONE] * 6
    assert len(stage.payer.asked) == outages.FAILURES_MIN
    assert len(second.asked) == 6


def _two_ways(stage: Stage) -> MemoryClearinghouse:
    """The same payer behind a second clearinghouse."""
    second = MemoryClearinghouse(connection="second")
    codes = {"first-kind": "FIRST1", "second-kind": "SECOND1"}
    stage.rule(
        payers=PayerDirectory(
            [Payer("sample-payer", "Sample Payer", clearinghouse_ids=codes, code="EX001")]
        ),
        connections=(
            Connection("clearinghouse", "first-kind"),
            Connection("second", "second-kind"),
        ),
        clearinghouses={"clearinghouse": stage.payer, "second": second},
    )
    return second


def _ends(stage: Stage) -> int:
    """How many outages were over, by the trail."""
    with stage.house.session() as session:
        found = session.all(
            sa.text(
                "select 1 from audit_events where practice_id = :practice and type = 'outage.end'"
            )
        )
    return len(found)


def _waiting(stage: Stage) -> int:
    """How many questions the desk says wait; those of earlier tests are among them."""
    with stage.house.session() as session:
        return sum(each.waiting for each in outages.standing(session))


def _outage(stage: Stage) -> None:
    """Others have found out that the first clearinghouse does not answer."""
    with stage.house.session() as session:
        for _ in range(outages.FAILURES_MIN):
            outages.failed(session, "clearinghouse", outages.EVERYBODY, stage.clock.now())
        until = stage.later(minutes=30)
        outages.keep_away(session, "clearinghouse", outages.EVERYBODY, until)


def test_what_may_have_been_asked_goes_no_other_way_for_a_second_fee(stage: Stage) -> None:
    second = _two_ways(stage)
    stage.payer.answers = [failure(ErrorKind.AMBIGUOUS), said(ACTIVE)]
    [case] = _submitted(stage, 1)
    stage.step(case)
    _outage(stage)
    _until(stage, [case], minutes=120)
    assert (len(stage.payer.asked), len(second.asked)) == (2, 0)
    assert stage.see(case).state is CaseState.DONE


def test_nor_does_it_after_it_failed_once_more_without_being_asked(stage: Stage) -> None:
    second = _two_ways(stage)
    stage.payer.answers = [
        failure(ErrorKind.AMBIGUOUS),
        failure(ErrorKind.RETRYABLE),
        said(ACTIVE),
    ]
    [case] = _submitted(stage, 1)
    _until(stage, [case], minutes=120)
    assert (len(stage.payer.asked), len(second.asked)) == (3, 0)


def test_a_busy_payer_is_not_back_because_somebody_could_wait_no_longer(stage: Stage) -> None:
    stage.payer.answers = [BUSY]
    before = _ends(stage)
    [early] = _submitted(stage, 1)
    _until(stage, [early], minutes=3 * 60)
    late = _submitted(stage, 3)
    _until(stage, [early, *late], minutes=22 * 60)
    assert stage.gate(early).gate.reason == "coverage_unclear"
    assert all(stage.see(case).phase for case in late), "they wait"
    assert _ends(stage) == before


def test_nobody_is_told_of_checks_that_nobody_wants_any_more(stage: Stage) -> None:
    stage.payer.answers = [BUSY]
    cases = _submitted(stage, 4)
    _until(stage, cases, minutes=20)
    before = _waiting(stage)
    for case in cases:
        with stage.house.session() as session:
            requests.withdraw(session, case, actor=requests.PATIENT, now=stage.clock.now())
        stage.play(case)
    assert _waiting(stage) == before - 4


def test_a_clearinghouse_that_promises_an_answer_is_there(stage: Stage) -> None:
    _outage(stage)
    [case] = _submitted(stage, 1)
    stage.payer.answers = [Pending("TOKEN")]
    stage.clock.turn(timedelta(minutes=31))
    stage.step(case)
    with stage.house.session() as session:
        assert (
            outages.keep_away_until(session, "clearinghouse", "sample-payer", stage.clock.now())
            is None
        )
        assert outages.failed(session, "clearinghouse", outages.EVERYBODY, stage.clock.now()) == 1

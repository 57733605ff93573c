"""A payer that is down is found out once, asked by one at a time, and nobody has to look."""

from datetime import timedelta

import pytest

from cleargate.directory.payers import Connection, Payer, PayerDirectory
from cleargate.nouns.case import CaseState
from cleargate.nouns.coverage import Verdict
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.ids import CaseId
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

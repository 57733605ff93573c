"""A payer that can be reached over two clearinghouses: one that is down does not hold a case up."""

from datetime import timedelta

import pytest

from cleargate.directory.payers import Connection, Payer, PayerDirectory
from cleargate.nouns.case import CaseState
from cleargate.nouns.eligibility import Pending
from cleargate.nouns.errors import ErrorKind
from cleargate.store import inquiries
from tests.house import House, visit_request
from tests.unit.engine.vendor import failure
from tests.unit.scheduling.office import ACTIVE, MemoryClearinghouse, Stage, earliest, said

CODES = {"first-kind": "FIRST1", "second-kind": "SECOND1"}


@pytest.fixture
def stage(house: House) -> Stage:
    """An office with two clearinghouses; `payer` is the first."""
    stage = Stage(house)
    stage.second = MemoryClearinghouse(connection="second")
    stage.rule(
        payers=PayerDirectory(
            [Payer("sample-payer", "Sample Payer", clearinghouse_ids=CODES, code="EX001")]
        ),
        connections=(
            Connection("clearinghouse", "first-kind"),
            Connection("second", "second-kind"),
        ),
        clearinghouses={"clearinghouse": stage.payer, "second": stage.second},
    )
    return stage


def _played(stage: Stage) -> CaseState:
    case = stage.submit(visit_request(earliest=earliest(10)))
    return stage.play(case, until=stage.later(hours=20)).state


@pytest.mark.parametrize("kind", [ErrorKind.RETRYABLE, ErrorKind.RATE_LIMITED, ErrorKind.AUTH])
def test_the_other_way_is_taken_at_once_under_the_payer_s_code_there(
    stage: Stage, kind: ErrorKind
) -> None:
    stage.payer.answers = [failure(kind)]
    begun = stage.clock.now()
    assert _played(stage) is CaseState.DONE
    assert [each.payer_code for each in stage.payer.asked] == ["FIRST1"]
    assert [each.payer_code for each in stage.second.asked] == ["SECOND1"]
    assert stage.clock.now() - begun < timedelta(seconds=1)


def test_when_both_are_down_the_first_is_tried_again_later(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE, 600), said(ACTIVE)]
    stage.second.answers = [failure(ErrorKind.RETRYABLE, 600)]
    begun = stage.clock.now()
    assert _played(stage) is CaseState.DONE
    assert (len(stage.payer.asked), len(stage.second.asked)) == (2, 1)
    assert stage.clock.now() - begun >= timedelta(seconds=600)


def test_what_may_have_been_asked_is_not_asked_elsewhere_for_a_second_fee(stage: Stage) -> None:
    stage.payer.repeatable = False
    stage.payer.answers = [failure(ErrorKind.AMBIGUOUS)]
    assert _played(stage) is CaseState.OPEN
    assert stage.second.asked == []


def test_what_is_pending_is_polled_where_it_was_asked(stage: Stage) -> None:
    stage.payer.answers = [Pending("later", 30), failure(ErrorKind.RETRYABLE), said(ACTIVE)]
    assert _played(stage) is CaseState.DONE
    assert stage.payer.polled == ["later", "later"]
    assert stage.second.asked == []


def test_the_question_remembers_which_way_it_went(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)]
    case = stage.submit(visit_request(earliest=earliest(10)))
    stage.play(case)
    with stage.house.session() as session:
        [question] = inquiries.of_case(session, case)
    assert (question.connection, question.payer_code, question.tries) == ("second", "SECOND1", 2)
    assert question.settled

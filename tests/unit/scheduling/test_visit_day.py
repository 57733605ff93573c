"""The day of the visit is what counts: what the payers said of another month is asked anew."""

from datetime import date, timedelta

import pytest

from cleargate.nouns.appointment import BookingStatus, Opening
from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.ids import CaseId
from cleargate.scheduling import requests
from tests.house import House, visit_request
from tests.unit.engine.vendor import failure
from tests.unit.scheduling.office import ACTIVE, ZONE, Stage, earliest, opening, said

FEBRUARY = date(2030, 2, 4)


@pytest.fixture
def stage(house: House) -> Stage:
    stage = Stage(house)
    in_february = opening(9).start.replace(month=2, day=4)
    stage.ehr.openings = [Opening(in_february, timedelta(hours=1), "Dana", "Main Office", "feb")]
    return stage


def _asked_about(stage: Stage) -> list[date]:
    return [each.service_date for each in stage.payer.asked]


def _written(stage: Stage, case: CaseId) -> list[str]:
    return sorted(ref for ref in stage.ehr.kept if ref.startswith(f"{case.hex}.write_back"))


def test_a_time_that_is_held_in_another_month_is_asked_about_before_it_is_firm(
    stage: Stage,
) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)] * 20 + [said(ACTIVE)]
    case = stage.submit(visit_request(earliest=earliest(28)))
    held = stage.play(case, until=stage.later(minutes=14))
    assert held.memo.booking_status is BookingStatus.TENTATIVE
    done = stage.play(case, until=stage.later(hours=23))
    assert (done.state, done.memo.booking_status) == (CaseState.DONE, BookingStatus.BOOKED)
    assert _asked_about(stage)[-2:] == [earliest(28), FEBRUARY]


def test_the_answer_about_the_new_month_is_written_down_beside_the_old_one(stage: Stage) -> None:
    stage.ehr.openings.insert(0, opening(30))
    case = stage.submit(visit_request(earliest=earliest(28)))
    assert stage.play(case).state is CaseState.DONE
    with stage.house.session() as session:
        requests.rebook(session, case, actor="staff:test", now=stage.clock.now())
    done = stage.play(case)
    assert done.memo.opening is not None
    assert done.memo.opening.start.astimezone(ZONE).date() == FEBRUARY
    assert _asked_about(stage) == [earliest(28), FEBRUARY]
    assert _written(stage, case) == [f"{case.hex}.write_back1.1", f"{case.hex}.write_back1.2"]
    assert done.memo.written == (2,)


def test_an_answer_that_still_holds_is_not_written_down_again(stage: Stage) -> None:
    stage.ehr.openings = [opening(9), opening(10)]
    case = stage.submit(visit_request(earliest=earliest(9)))
    stage.play(case)
    with stage.house.session() as session:
        requests.rebook(session, case, actor="staff:test", now=stage.clock.now())
    assert stage.play(case).state is CaseState.DONE
    assert len(stage.payer.asked) == 1
    assert _written(stage, case) == [f"{case.hex}.write_back1.1"]

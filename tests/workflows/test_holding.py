"""A time is held while a payer does not answer, and made firm by its answer."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cleargate.nouns.ids import CaseId
from cleargate.sandbox.members import State
from cleargate.sandbox.population import SyntheticPerson
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import SPEED, Stage
from tests.workflows.worker import Blow, Point

HOLD_AFTER = timedelta(minutes=10) / SPEED


def _slow(stage: Stage, busy_times: int) -> SyntheticPerson:
    """Somebody whose payer says "later" so many times, then answers."""
    person = stage.world.person()
    (policy,), (insurance,) = person.policies, person.request.insurances
    member_id = f"{policy.member_id}S"
    slow = replace(policy, member_id=member_id, state=State.AAA_42_THEN_ACTIVE)
    stated = replace(person.request, insurances=(replace(insurance, member_id=member_id),))
    person = replace(person, policies=(slow,), request=stated)
    stage.world.enrol([person], tries=busy_times)
    return person


def _soon(stage: Stage, person: SyntheticPerson) -> SyntheticPerson:
    """The same, for a visit tomorrow."""
    tomorrow = stage.world.today + timedelta(days=1)
    return replace(person, request=replace(person.request, earliest=tomorrow, wishes=()))


def _history(stage: Stage, case: CaseId) -> list[str]:
    (booking,) = stage.world.of_case(case)["bookings"]
    return list(booking["history"])


def test_a_visit_within_two_days_is_held_at_once_and_firm_after_the_verdict(stage: Stage) -> None:
    case = stage.submit(_soon(stage, _slow(stage, 2)))
    stage.start()

    def is_held() -> bool:
        stage.follow_link(case)
        return bool(stage.world.of_case(case)["bookings"])

    stage.until(is_held)
    assert _history(stage, case) == ["pending"]
    (answer,) = stage.world.of_case(case)["questions"]
    assert answer["answer"] != "active"
    stage.settle(case)
    assert_done_once(stage, case)
    assert _history(stage, case) == ["pending", "booked"]


@pytest.mark.long
def test_a_later_visit_is_held_when_the_payer_has_been_silent_for_long(stage: Stage) -> None:
    """The fifth answer comes after `hold_after` on the stage's clock; a quick one is firm."""
    slow = stage.submit(_slow(stage, 4))
    quick = stage.submit(stage.world.person())
    stage.start()
    stage.settle(slow, quick)
    assert_done_once(stage, slow)
    assert _history(stage, slow) == ["pending", "booked"]
    (booking,) = stage.world.of_case(slow)["bookings"]
    assert datetime.fromisoformat(booking["at"]) >= stage.case(slow).created + HOLD_AFTER
    assert _history(stage, quick) == ["booked"]


def test_a_worker_that_dies_holding_a_time_leaves_it_known_as_held(stage: Stage) -> None:
    """By the time a peer goes on, the payer has answered: the time still has to be made firm."""
    case = stage.submit(_soon(stage, _slow(stage, 1)))
    victim = stage.start(Blow("book", Point.AFTER_REPLY))
    stage.until_killed(victim, case)
    assert _history(stage, case) == ["pending"]
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)
    assert _history(stage, case) == ["pending", "booked"]


def test_a_held_time_is_given_back_when_the_patient_withdraws(stage: Stage) -> None:
    case = stage.submit(_soon(stage, _slow(stage, 50)))
    stage.start()

    def is_held() -> bool:
        stage.follow_link(case)
        return bool(stage.case(case).memo.booking_id)

    stage.until(is_held)
    stage.withdraw(case)
    stage.settle(case)
    assert _history(stage, case) == ["pending", "cancelled"]

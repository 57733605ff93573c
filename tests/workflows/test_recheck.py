"""A recheck whose worker is killed: the next one finishes it, asks once and writes once."""

from datetime import timedelta

import pytest

from cleargate.nouns.case import CaseState
from cleargate.scheduling.phases import RECHECK
from cleargate.scheduling.sweep import sweep
from cleargate.store import gates, inquiries
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage
from tests.workflows.worker import Blow, Point


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(Blow("check_eligibility", Point.BEFORE_SEND), marks=pytest.mark.long),
        Blow("check_eligibility", Point.AFTER_REPLY),
        pytest.param(Blow("record_eligibility", Point.AFTER_REPLY), marks=pytest.mark.long),
        Blow("record_eligibility", Point.BEFORE_OUR_COMMIT),
    ],
    ids=str,
)
def test_a_killed_recheck_is_finished_by_the_next_worker(stage: Stage, blow: Blow) -> None:
    case = stage.submit(stage.world.person())
    first = stage.start()
    stage.settle(case)
    assert_done_once(stage, case)
    first.kill()
    mails = len(stage.world.of_case(case)["mails"])
    profile = stage.house.profiles[stage.practice(case)]
    tomorrow = stage.house.clock.now() + timedelta(hours=25)
    for _ in range(2):  # A second sweep finds it under way.
        swept = sweep(stage.house.database, profile, tomorrow, 30)
    assert (swept.started, swept.fresh, swept.earlier) == (0, 0, 0)
    assert stage.case(case).phase == RECHECK
    victim = stage.start(blow)
    stage.until_killed(victim, case)
    stage.start()
    stage.settle(case)
    assert stage.case(case).state is CaseState.DONE, stage.told(case)
    asked = stage.acting(case, lambda session: inquiries.of_case(session, case))
    assert [each.generation for each in asked] == [1, 2]
    assert stage.acting(case, lambda session: gates.of_case(session, case)) == []
    there = stage.world.of_case(case)
    assert len({row["ref"] for row in there["eligibility"]}) == len(there["eligibility"]) == 2
    assert [row["status"] for row in there["bookings"]] == ["booked"]
    assert len(there["mails"]) == mails

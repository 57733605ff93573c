"""Every open case has exactly one thing to come; where it was lost, it is put back."""

import pytest

from cleargate.engine.watchdog import mend_orphans
from cleargate.engine.worker import WATCHDOG_S
from cleargate.nouns.case import CaseState
from cleargate.nouns.gate import Choice
from cleargate.nouns.ids import CaseId
from cleargate.sandbox.population import Scenario
from cleargate.store.queue import workflow_id
from tests.postgres import connect
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage

_LOSSES = {
    "deleted": "delete from dbos.workflow_status where workflow_uuid = %s",
    "cancelled": "update dbos.workflow_status set status = 'CANCELLED' where workflow_uuid = %s",
    "failed": "update dbos.workflow_status set status = 'ERROR' where workflow_uuid = %s",
}

_THINGS_TO_COME = """
    select c.id, c.phase,
        (select count(*) from gates g where g.case_id = c.id and g.state = 'open')
        + (select count(*) from dbos.workflow_status w
            where w.workflow_uuid = replace(c.id::text, '-', '') || '.' || c.phase_seq
            and w.status in ('ENQUEUED', 'DELAYED', 'PENDING')) as things
    from cases c where c.state = 'open'
"""

losses = pytest.mark.parametrize("loss", _LOSSES.values(), ids=_LOSSES)


def _lose(stage: Stage, case: CaseId, loss: str) -> None:
    with connect(stage.owner_url) as owner:
        lost = owner.execute(loss, (workflow_id(case, stage.case(case).phase_seq),))
        assert lost.rowcount == 1


@losses
def test_a_phase_that_was_lost_by_hand_is_mended(stage: Stage, loss: str) -> None:
    case = stage.submit(stage.world.person())
    _lose(stage, case, loss)
    assert mend_orphans(stage.house.database, age_s=0.0) == 1
    assert mend_orphans(stage.house.database, age_s=0.0) == 0
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)


@pytest.mark.long
def test_a_running_worker_finds_a_lost_phase_by_itself(stage: Stage) -> None:
    case = stage.submit(stage.world.person())
    _lose(stage, case, _LOSSES["deleted"])
    stage.start()
    stage.settle(case, within_s=4 * WATCHDOG_S)
    assert_done_once(stage, case)


def test_every_open_case_has_exactly_one_thing_to_come_all_the_time(stage: Stage) -> None:
    """Asked again and again while patients confirm, payers are slow and a person decides."""
    scenarios = [Scenario.PLAIN, Scenario.SLOW_PAYER, Scenario.UNCLEAR, Scenario.SELF_PAY]
    cases = [stage.submit(stage.world.person(each)) for each in scenarios]
    stage.start()
    seen = set()
    while any(stage.case(case).state is CaseState.OPEN for case in cases):
        for open_case, phase, things in _things_to_come(stage):
            assert things == 1, f"case {open_case} in {phase} has {things} things to come"
            seen.add(phase)
        for case in cases:
            stage.follow_link(case)
            gate = stage.gate(case)
            if gate is not None and "" in seen:  # Not before it was looked at.
                stage.decide(gate, Choice.GO_ON)
    assert {"", "booking.receive", "booking.verify"} <= seen
    for case in cases:
        assert_done_once(stage, case)


def _things_to_come(stage: Stage) -> list[tuple[str, str, int]]:
    found = []
    with connect(stage.owner_url) as owner:
        for practice in stage.house.profiles:
            owner.execute("select set_config('app.practice_id', %s, false)", (str(practice),))
            found += owner.execute(_THINGS_TO_COME).fetchall()
    return found

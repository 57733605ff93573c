"""Serverless: short invocations, one after the other, finish everything between them."""

from datetime import datetime, timedelta

from cleargate.app import wire_practices
from cleargate.nouns.case import Attempt, CaseState
from cleargate.nouns.ids import CaseId
from cleargate.store import attempts
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage

CASES = 3
WORK_S = 4.0
"""What an invocation has beyond its longest call; starting the process takes a part of it."""

GRACE_S = 15.0
"""Starting a process, and leaving it, on a busy machine."""

LOOK = ".look"
"""A look belongs to the write before it, which had begun in time."""

STARTUP_S = 1.0
"""From the process's first word to the moment at which it reads the clock for its budget."""

INVOCATIONS_MAX = 12
PHASES_MAX = 40


def test_short_invocations_finish_everything_and_none_starts_a_call_too_late(stage: Stage) -> None:
    """Replies come so late that the work does not fit into one invocation."""
    stage.world.admin("faults", {"mix": "delay_ms=250"})
    longest = max(each.longest_call for each in wire_practices(stage.house).values())
    cases = [stage.submit(stage.world.person()) for _ in range(CASES)]
    ends: list[datetime] = []
    while any(stage.case(case).state is CaseState.OPEN for case in cases):
        assert len(ends) < INVOCATIONS_MAX
        known = {case: len(_tries(stage, case)) for case in cases}
        seconds = longest.total_seconds() + WORK_S
        invocation = stage.drain(seconds)
        assert invocation.ended(seconds + GRACE_S) == 0
        ends.append(stage.started_at() + timedelta(seconds=WORK_S + STARTUP_S))
        late = [
            each.step
            for case in cases
            for each in _tries(stage, case)[known[case] :]
            if each.started > ends[-1] and not each.step.endswith(LOOK)
        ]
        assert late == []
        for case in cases:
            stage.follow_link(case)
    stage.world.admin("faults", {"mix": "none"})
    assert len(ends) > 2
    for case in cases:
        assert_done_once(stage, case)
        assert stage.case(case).phase_seq < PHASES_MAX


def _tries(stage: Stage, case: CaseId) -> list[Attempt]:
    return stage.acting(case, lambda session: attempts.of_case(session, case))

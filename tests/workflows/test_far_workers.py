"""Real workers at the far end of a line that loses COMMITs, forgets, and swallows everything."""

from collections.abc import Iterator

import pytest

from cleargate.engine.durable import EXIT_OVERTAKEN
from tests.proxy import Loss, Proxy, to_unix
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage

CASES = 3
EVERY = 25
"""Each commit of this number is lost; the queue alone makes dozens a second."""

COMMITS_MAX = 50_000


pytestmark = pytest.mark.long
"""Quick ones of each fault, without processes, are in tests/faults."""


@pytest.fixture
def line(stage: Stage) -> Iterator[Proxy]:
    with Proxy(to_unix(stage.owner_url)) as proxy:
        yield proxy


@pytest.mark.parametrize("loss", Loss)
def test_a_worker_whose_commits_get_lost_all_the_time_does_everything_once(
    stage: Stage, line: Proxy, loss: Loss
) -> None:
    """Ours and the queue's own."""
    cases = [stage.submit(stage.world.person()) for _ in range(CASES)]
    line.lose(*range(EVERY, COMMITS_MAX, EVERY), loss=loss)
    worker = stage.start(line=line)
    stage.settle(*cases, within_s=180)
    for case in cases:
        assert_done_once(stage, case)
    assert worker.ended(0.0) is None
    assert line.commits > 2 * EVERY


def test_a_worker_whose_line_was_forgotten_goes_on_over_a_new_one(
    stage: Stage, line: Proxy
) -> None:
    """Its heartbeat finds out before its lease is over; the rest follows."""
    case = stage.submit(stage.world.person())
    worker = stage.start(line=line)
    stage.until(lambda: stage.case(case).memo.patient_known or bool(stage.case(case).due))
    line.forget()
    stage.settle(case)
    assert_done_once(stage, case)
    assert worker.ended(0.0) is None


def test_a_worker_in_a_black_hole_is_overtaken_and_writes_nothing_when_it_is_out(
    stage: Stage, line: Proxy
) -> None:
    case = stage.submit(stage.world.person())
    stage.world.fail("ehr:*:create:Coverage", "delay", delay_ms=2_000, contains=case.hex)
    swallowed = stage.start(line=line)

    def is_in_mid_call() -> bool:
        stage.follow_link(case)
        return bool(stage.world.of_case(case)["insurances"])

    stage.until(is_in_mid_call)
    line.swallow()
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)
    line.release()
    assert swallowed.ended() == EXIT_OVERTAKEN
    assert_done_once(stage, case)

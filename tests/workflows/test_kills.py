"""kill -9 of a worker at every point of every write: another worker finishes, nothing twice.

And whatever reached a vendor is on the trail, of the dead worker's calls too.
"""

from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId
from tests.workflows.conftest import StageMaker, all_at_once
from tests.workflows.kills import LOST_BY, kills, writes
from tests.workflows.reckoning import assert_done_once, assert_withdrawn
from tests.workflows.stage import Stage, open_world
from tests.workflows.told import assert_every_call_is_told
from tests.workflows.worker import Blow, Point

pytestmark = pytest.mark.timeout(900)

_READS = [Blow(each, Point.AFTER_REPLY) for each in ("find_patients", "find_openings")]
"""Reads leave nothing behind over there, but whom we asked about is told all the same."""

_KEPT = {
    "create_patient": "patients",
    "put_insurance": "insurances",
    "book": "bookings",
    "record_eligibility": "eligibility",
    "check_eligibility": "questions",
    "send": "mails",
}


def test_every_write_of_the_ports_has_its_four_kills() -> None:
    """A new write must say how its reply can be lost."""
    assert set(writes()) == set(LOST_BY)
    assert len(kills()) == 4 * len(LOST_BY)


@pytest.fixture(scope="module")
def runs(
    make_stage: StageMaker, tmp_path_factory: pytest.TempPathFactory
) -> dict[Blow, Future[None]]:
    """All kills, done."""
    folder = tmp_path_factory.mktemp("kills")
    return all_at_once([*kills(), *_READS], partial(_run, make_stage, folder))


def _run(make_stage: StageMaker, folder: Path, blow: Blow) -> None:
    # In a world of its own, whose every call must be found on this one trail.
    with open_world(folder / str(blow)) as world, make_stage(world) as stage:
        _kill_and_rescue(stage, blow)


def _kill_and_rescue(stage: Stage, blow: Blow) -> None:
    case = stage.submit(stage.world.person())
    if blow.point is Point.AFTER_COMMIT:
        call, fault = LOST_BY[blow.method]
        contains = "" if fault == "smtp_lost" else case.hex
        stage.world.fail(call, fault, contains=contains)
    victim = stage.start(blow)
    if blow.method == "set_booking_status":
        stage.settle(case)
        stage.withdraw(case)
    stage.until_killed(victim, case)
    _assert_struck_where_it_says(stage, case, blow)
    stage.start()
    stage.settle(case)
    if blow.method == "set_booking_status":
        assert_withdrawn(stage, case)
    else:
        assert_done_once(stage, case)
    only_begun = assert_every_call_is_told(stage)
    assert bool(only_begun) == (blow.point is not Point.BEFORE_SEND), only_begun


def _assert_struck_where_it_says(stage: Stage, case: CaseId, blow: Blow) -> None:
    """Before the send nothing is over there; at every later point it is."""
    assert stage.case(case).state is CaseState.OPEN
    there = stage.world.of_case(case)
    if blow in _READS:
        return
    if blow.method == "set_booking_status":
        done = there["bookings"][0]["status"] == "cancelled"
    else:
        done = bool(there[_KEPT[blow.method]])
    assert done == (blow.point is not Point.BEFORE_SEND)


@pytest.mark.parametrize("blow", kills(), ids=str)
def test_a_killed_write_happens_once(runs: dict[Blow, Future[None]], blow: Blow) -> None:
    runs[blow].result()


@pytest.mark.parametrize("blow", _READS, ids=str)
def test_a_killed_read_is_on_the_trail(runs: dict[Blow, Future[None]], blow: Blow) -> None:
    runs[blow].result()

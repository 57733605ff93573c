"""kill -9 of a worker at every point of every write: another worker finishes, nothing twice."""

from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId
from tests.workflows.conftest import StageMaker, under_way
from tests.workflows.kills import LOST_BY, kills, writes
from tests.workflows.reckoning import assert_done_once, assert_withdrawn
from tests.workflows.stage import Stage, World, open_world
from tests.workflows.worker import Blow, Point

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
    make_stage: StageMaker, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Blow, Future[None]]]:
    """All kills under way."""
    folder = tmp_path_factory.mktemp("lost-mail")
    with under_way(kills(), partial(_run, make_stage, world, folder)) as futures:
        yield futures


def _run(make_stage: StageMaker, world: World, folder: Path, blow: Blow) -> None:
    if blow.method == "send" and blow.point is Point.AFTER_COMMIT:
        # The mail server's faults do not tell cases apart, so this one has a world of its own.
        with open_world(folder) as own, make_stage(own) as stage:
            _kill_and_rescue(stage, blow)
    else:
        with make_stage(world) as stage:
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


def _assert_struck_where_it_says(stage: Stage, case: CaseId, blow: Blow) -> None:
    """Before the send nothing is over there; at every later point it is."""
    assert stage.case(case).state is CaseState.OPEN
    there = stage.world.of_case(case)
    if blow.method == "set_booking_status":
        done = there["bookings"][0]["status"] == "cancelled"
    else:
        done = bool(there[_KEPT[blow.method]])
    assert done == (blow.point is not Point.BEFORE_SEND)


@pytest.mark.parametrize("blow", kills(), ids=str)
def test_a_killed_write_happens_once(runs: dict[Blow, Future[None]], blow: Blow) -> None:
    runs[blow].result()

"""Two at once: patient, staff and worker act on one case in the same moment."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import product
from threading import Barrier

import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice
from cleargate.nouns.ids import CaseId
from cleargate.sandbox.population import Scenario
from cleargate.scheduling.phases import UNCONFIRMED
from cleargate.store import gates
from tests.workflows.conftest import StageMaker, all_at_once
from tests.workflows.reckoning import assert_done_once, assert_withdrawn
from tests.workflows.stage import Stage, World
from tests.workflows.worker import Blow, Point

HELD = {
    "the patient's record": ("ehr:*:create:Patient", "patients"),
    "the claim of the time": ("ehr:*:update:Slot", "slot_changes"),
    "the booking": ("ehr:*:create:Appointment", "bookings"),
}
"""Calls whose reply comes late, after their effect, and where the ledger shows it."""


def _submit_and_hold(stage: Stage, held: str) -> CaseId:
    """A case whose worker waits for the reply to a call that is done over there."""
    call, kept = HELD[held]
    case = stage.submit(stage.world.person())
    stage.world.fail(call, "delay", delay_ms=3000, contains=case.hex)
    stage.start()

    def is_held() -> bool:
        stage.follow_link(case)
        return any(row["ref"].startswith(case.hex) for row in stage.world.ledger()[kept])

    stage.until(is_held)
    return case


def _withdraw_meanwhile(stage: Stage, held: str) -> None:
    case = _submit_and_hold(stage, held)
    stage.withdraw(case)
    stage.settle(case)
    assert_withdrawn(stage, case)


def _rebook_meanwhile(stage: Stage, held: str) -> None:
    case = _submit_and_hold(stage, held)
    stage.rebook(case)
    stage.settle(case)
    assert_done_once(stage, case)
    assert len(stage.world.of_case(case)["patients"]) == 1


Race = tuple[Callable[[Stage, str], None], str]


@pytest.fixture(scope="module")
def races(make_stage: StageMaker, world: World) -> dict[Race, Future[None]]:
    """All of them, done."""

    def run(race: Race) -> None:
        act, held = race
        with make_stage(world) as stage:
            act(stage, held)

    acts: tuple[Callable[[Stage, str], None], ...] = (_withdraw_meanwhile, _rebook_meanwhile)
    return all_at_once(product(acts, HELD), run)


@pytest.mark.parametrize("held", HELD)
def test_a_withdrawal_during_a_booking_leaves_nothing_booked(
    races: dict[Race, Future[None]], held: str
) -> None:
    races[_withdraw_meanwhile, held].result()


@pytest.mark.parametrize("held", HELD)
def test_a_rebooking_during_a_booking_leaves_one_patient_and_one_visit(
    races: dict[Race, Future[None]], held: str
) -> None:
    races[_rebook_meanwhile, held].result()


@pytest.mark.parametrize(
    "point", [Point.AFTER_COMMIT, pytest.param(Point.AFTER_REPLY, marks=pytest.mark.long)]
)
def test_a_withdrawal_after_a_worker_died_booking_gives_the_time_back(
    stage: Stage, point: Point
) -> None:
    """Nobody had kept that there is a booking; it is found, and given back."""
    case = stage.submit(stage.world.person())
    if point is Point.AFTER_COMMIT:
        stage.world.fail("ehr:*:create:Appointment", "lost_reply", contains=case.hex)
    victim = stage.start(Blow("book", point))
    stage.until_killed(victim, case)
    stage.withdraw(case)
    stage.start()
    stage.settle(case)
    assert_withdrawn(stage, case)


def test_rebooking_raises_the_generation_and_leaves_one_firm_visit(stage: Stage) -> None:
    case = stage.submit(stage.world.person())
    stage.start()
    stage.settle(case)
    first = stage.case(case)
    stage.rebook(case)
    stage.settle(case)
    assert_done_once(stage, case)
    assert stage.case(case).generation > first.generation
    assert stage.case(case).memo.booking_id != first.memo.booking_id
    statuses = sorted(row["status"] for row in stage.world.of_case(case)["bookings"])
    assert statuses == ["booked", "cancelled"]


def test_a_withdrawal_is_not_undone_by_a_late_confirmation(stage: Stage) -> None:
    """The patient withdraws, then follows the older mail's link, before a worker saw either."""
    case = stage.submit(stage.world.person())
    worker = stage.start()
    stage.until(lambda: stage.case(case).phase == UNCONFIRMED)
    worker.kill()
    stage.withdraw(case)
    stage.confirm(case)
    stage.start()
    stage.settle(case)
    assert_withdrawn(stage, case)
    assert stage.world.of_case(case)["patients"] == []


def test_a_confirmation_overtakes_the_phase_that_still_sends_its_mail(
    stage: Stage, races: dict[Race, Future[None]]
) -> None:
    """A mail's fault does not tell cases apart, so the races have to be over."""
    wait(races.values())
    case = stage.submit(stage.world.person())
    stage.world.fail("smtp:data", "delay", delay_ms=2000)
    stage.start()
    stage.until(lambda: not stage.world.planned())
    stage.confirm(case)
    stage.settle(case)
    assert_done_once(stage, case)
    assert stage.world.ledger()["mail_repeats"] == 0


def test_a_double_clicked_decision_has_one_effect(stage: Stage) -> None:
    case = stage.submit(stage.world.person(Scenario.UNCLEAR))
    stage.start()
    stage.settle(case)
    gate = stage.gate(case)
    assert gate is not None
    together = Barrier(2)

    def click(_: int) -> bool:
        together.wait()
        try:
            stage.decide(gate, Choice.GO_ON)
        except Refused as refused:
            assert isinstance(refused, gates.AlreadyDecided)
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(click, range(2))) == [False, True]
    stage.settle(case)
    assert_done_once(stage, case)
    passed = stage.acting(case, lambda session: gates.of_case(session, case))
    assert [each.choice for each in passed] == [Choice.GO_ON]
    assert stage.case(case).state is CaseState.DONE

"""The key service is away: phases are tried again by themselves, no gate opens, nothing is lost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cleargate.engine.endings import AtGate, Closed, Ending, NeedsPerson
from cleargate.engine.phases import UNAVAILABLE_PAUSE, Engine
from cleargate.engine.run import Run, Write
from cleargate.engine.watchdog import mend_orphans
from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.gate import Choice, Gate, GateReason
from cleargate.nouns.ids import CaseId, Ref
from cleargate.store import cases, effects, gates
from cleargate.store.keyring import KEYS_FRESH_S, KEYS_SEAL_S, LOOK_AGAIN_S
from tests.house import House, TurnedClock, open_case
from tests.keys import DOWN, Process, process
from tests.unit.engine.vendor import Vendor

PHASE = "sample.first"
GATE = Gate(GateReason.NO_OPENING, "tip", (), (Choice.ASK_AGAIN,), PHASE)


@pytest.fixture
def worker(house: House) -> Iterator[Process]:
    with process(house) as started:
        yield started


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        return open_case(session, clock.now(), phase=PHASE)


def _engine(worker: Process, clock: TurnedClock, vendor: Vendor) -> Engine[None]:
    def writes(run: Run[None]) -> Ending:
        run.write(Write("book", "ehr", vendor.send, vendor.look))
        return Closed(CaseState.DONE)

    def gate_for(needs: NeedsPerson, _case: Case, phase: str) -> Gate:
        return Gate(needs.reason, "tip", (), (Choice.ASK_AGAIN,), phase)

    return Engine(
        database=worker.database,
        clock=clock,
        practices=lambda _: None,
        procedures={PHASE: writes, "sample.gate": lambda _: AtGate(GATE)},
        last_moment=lambda *_: clock.after(timedelta(hours=24)),
        gate_for=gate_for,
    )


def _stored(house: House, case: CaseId) -> Case:
    with house.session() as session:
        stored = cases.get(session, case)
        assert gates.of_case(session, case) == []
    assert stored is not None
    return stored


def test_a_phase_that_finds_no_keys_is_queued_again_and_then_does_its_work(
    house: House, clock: TurnedClock, worker: Process, case: CaseId
) -> None:
    vendor = Vendor()
    engine = _engine(worker, clock, vendor)
    worker.keys.failure = DOWN
    with capture_logs():
        engine.run_phase(PHASE, house.practice, case, 1)
    stored = _stored(house, case)
    assert (stored.phase, stored.phase_seq) == (PHASE, 2)
    assert stored.due == clock.after(UNAVAILABLE_PAUSE)
    worker.keys.failure = None
    worker.seconds.turn(LOOK_AGAIN_S + 1)
    engine.run_phase(PHASE, house.practice, case, 2)
    assert _stored(house, case).state is CaseState.DONE
    assert vendor.sends == 1


def test_no_call_outside_begins_while_the_keys_could_not_be_asked_for_again(
    house: House, clock: TurnedClock, worker: Process, case: CaseId
) -> None:
    """Its receipt might come when nothing can be sealed any more."""
    vendor = Vendor()
    with worker.database.session(house.practice) as session:
        assert cases.get(session, case) is not None
    worker.keys.failure = DOWN
    worker.seconds.turn(KEYS_FRESH_S + 1)
    with capture_logs():
        _engine(worker, clock, vendor).run_phase(PHASE, house.practice, case, 1)
    assert vendor.sends == 0
    assert _stored(house, case).phase_seq == 2
    with house.session() as session:
        assert not effects.begun(session, case, "book")


def test_what_was_sent_while_the_keys_went_away_is_found_again_and_not_sent_twice(
    house: House, clock: TurnedClock, worker: Process, case: CaseId
) -> None:
    """Even when the outage lasts from inside the call until nothing is sealed any more."""
    vendor = Vendor()
    engine = _engine(worker, clock, vendor)

    def goes_away(_ref: Ref) -> None:
        worker.keys.failure = DOWN
        worker.seconds.turn(KEYS_SEAL_S + 1)

    vendor.before_send = goes_away
    with capture_logs():
        engine.run_phase(PHASE, house.practice, case, 1)
    assert _stored(house, case).state is CaseState.OPEN
    vendor.before_send = None
    worker.keys.failure = None
    worker.seconds.turn(LOOK_AGAIN_S + 1)
    engine.run_phase(PHASE, house.practice, case, 2)
    assert _stored(house, case).state is CaseState.DONE
    assert vendor.sends == 1


def test_a_gate_that_cannot_be_sealed_is_opened_later(
    house: House, clock: TurnedClock, worker: Process
) -> None:
    with house.session() as session:
        case = open_case(session, clock.now(), phase="sample.gate")
    engine = _engine(worker, clock, Vendor())
    with worker.database.session(house.practice) as session:
        assert cases.get(session, case) is not None
    worker.keys.failure = DOWN
    worker.seconds.turn(KEYS_SEAL_S + 1)
    with capture_logs():
        engine.run_phase("sample.gate", house.practice, case, 1)
    assert _stored(house, case).phase_seq == 2
    worker.keys.failure = None
    worker.seconds.turn(LOOK_AGAIN_S + 1)
    engine.run_phase("sample.gate", house.practice, case, 2)
    with house.session() as session:
        assert [each.gate.reason for each in gates.of_case(session, case)] == [GATE.reason]


def test_the_watchdog_needs_no_keys(house: House, worker: Process, case: CaseId) -> None:
    """It runs in the thread of the heartbeat, which nothing may end."""
    with house.owner() as owner:
        owner.execute("delete from dbos.workflow_status")
    worker.keys.failure = DOWN
    with capture_logs():
        assert mend_orphans(worker.database, age_s=0.0) >= 1

"""A whole worker whose key service goes away and comes back: nothing is lost, nobody is asked."""

from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from cleargate.engine.durable import Durable
from cleargate.engine.endings import Closed, Ending, NeedsPerson
from cleargate.engine.phases import Engine
from cleargate.engine.run import Run, Write
from cleargate.engine.worker import Worker, executor_name
from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.gate import Gate
from cleargate.nouns.ids import CaseId
from cleargate.nouns.time import SystemClock
from cleargate.store import cases, gates
from cleargate.store.engine_keys import engine_key
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import LOOK_AGAIN_S
from tests.house import House, in_own_thread, open_case
from tests.keys import DOWN, Process, process
from tests.postgres import until
from tests.unit.engine.vendor import Vendor

SPEED = 120.0
"""Half a minute of waiting takes a quarter of a second."""


def _engine(worker: Process, vendor: Vendor) -> Engine[None]:
    clock = SystemClock(SPEED)

    def writes(run: Run[None]) -> Ending:
        run.write(Write("book", "ehr", vendor.send, vendor.look))
        return Closed(CaseState.DONE)

    def no_gate(needs: NeedsPerson, _case: Case, phase: str) -> Gate:
        raise AssertionError(f"{phase} needs a person: {needs.reason}")

    return Engine(
        worker.database,
        clock,
        lambda _: None,
        {"sample.first": writes},
        lambda *_: clock.now() + timedelta(hours=1),
        no_gate,
    )


def test_cases_wait_for_the_keys_and_are_then_worked_each_once(house: House) -> None:
    vendor, executor = Vendor(), executor_name()
    with house.database.public() as connection:
        key = engine_key(connection, LocalKeyFile(house.key_file))
    with process(house, executor) as away, capture_logs() as lines:
        away.keys.failure = DOWN
        engine = _engine(away, vendor)
        durable = Durable(house.app_url, executor, key, concurrency=4, poll_s=0.05)
        worker = Worker(away.database, durable, executor, ["sample.first"], engine.run_phase)
        with house.session() as session:
            queued = [open_case(session, datetime.now(UTC)) for _ in range(5)]
        in_own_thread(worker.start)
        try:
            until(lambda: all(_tried(house, case) > 2 for case in queued), "they were not tried")
            assert vendor.sends == 0
            away.keys.failure = None
            away.seconds.turn(LOOK_AGAIN_S + 1)
            until(lambda: all(_is_done(house, case) for case in queued), "they did not go on")
        finally:
            worker.stop()
    assert sorted(vendor.kept.values()) == [1] * 5
    assert {line["event"] for line in lines} <= {
        "audit",
        "phase_waits",
        "alert",
        "worker_started",
        "worker_stopped",
    }
    with house.session() as session:
        assert [gates.of_case(session, case) for case in queued] == [[]] * 5


def _stored(house: House, case: CaseId) -> Case:
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    return stored


def _tried(house: House, case: CaseId) -> int:
    return _stored(house, case).phase_seq


def _is_done(house: House, case: CaseId) -> bool:
    return _stored(house, case).state is CaseState.DONE

"""A worker works the queue; the watchdog mends what has nothing to come."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from cleargate.engine.durable import Durable
from cleargate.engine.endings import Closed, Ending, NeedsPerson, Next
from cleargate.engine.phases import Engine
from cleargate.engine.run import Run
from cleargate.engine.watchdog import mend_orphans
from cleargate.engine.worker import Worker, executor_name
from cleargate.nouns.case import CaseState
from cleargate.nouns.gate import Gate
from cleargate.nouns.ids import CaseId
from cleargate.nouns.time import SystemClock
from cleargate.store import cases, watch
from cleargate.store.engine_keys import engine_key
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.queue import start_phase, workflow_id
from tests.house import House, in_own_thread, open_case

_LOSE = sa.text("delete from dbos.workflow_status where workflow_uuid = :id")
_STRAND = sa.text(
    "update dbos.workflow_status set status = 'PENDING', executor_id = :executor,"
    " started_at_epoch_ms = 0, delay_until_epoch_ms = null where workflow_uuid = :id"
)
_LEASES = sa.text("select executor from leases where lost_at is null")
_PHASES = sa.text("select count(*) from dbos.workflow_status")
_EVENTS = sa.text(
    "select type from audit_events where practice_id = :practice and case_id = :case"
    " order by recorded"
)


def _first(_: Run[None]) -> Ending:
    return Next("sample.second")


def _second(_: Run[None]) -> Ending:
    return Closed(CaseState.DONE)


def _no_gate(needs: NeedsPerson, phase: str) -> Gate:
    raise AssertionError(f"{phase} needs a person: {needs.reason}")


@pytest.fixture
def worker(house: House) -> Iterator[Worker]:
    """A worker in this process."""
    executor = executor_name()
    clock = SystemClock()
    with house.database.public() as connection:
        key = engine_key(connection, LocalKeyFile(house.key_file))
    with house.process(executor) as database:
        engine: Engine[None] = Engine(
            database,
            clock,
            lambda _: None,
            {"sample.first": _first, "sample.second": _second},
            lambda *_: clock.now() + timedelta(hours=1),
            _no_gate,
        )
        durable = Durable(house.app_url, executor, key, concurrency=4, poll_s=0.05)
        phases = list(engine.procedures)
        worker = Worker(database, durable, executor, phases, engine.run_phase)
        in_own_thread(worker.start)
        try:
            yield worker
        finally:
            worker.stop()


def _state(house: House, case: CaseId) -> CaseState:
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    return stored.state


def _drain(worker: Worker) -> bool:
    return worker.drain(time.monotonic() + 30, horizon_s=0.3)


def test_a_queued_case_is_worked_to_its_end_and_a_lost_one_mended(
    house: House, worker: Worker
) -> None:
    """One worker for both: an engine is launched once a process."""
    with house.session() as session:
        queued = open_case(session, datetime.now(UTC))
        lost = open_case(session, datetime.now(UTC))
        assert session.run(_LOSE, id=f"{lost.hex}.1").rowcount == 1
    assert _drain(worker)
    assert _state(house, queued) is CaseState.DONE
    assert _state(house, lost) is CaseState.OPEN
    assert mend_orphans(house.database, age_s=0.0) == 1
    assert _drain(worker)
    assert _state(house, lost) is CaseState.DONE
    assert mend_orphans(house.database, age_s=0.0) == 0
    _a_phase_whose_start_was_lost_is_taken_up_again(house, worker)
    with house.session() as session:
        trail = [row["type"] for row in session.all(_EVENTS, case=lost)]
    assert trail == ["case.open", "case.mended", "case.close"]
    _tidying_drops_finished_phases_and_leaves_the_trail(house, worker, lost)


def _a_phase_whose_start_was_lost_is_taken_up_again(house: House, worker: Worker) -> None:
    """The database kept that this worker took it up, and died before it could say so."""
    with house.session() as session:
        case = open_case(session, datetime.now(UTC))
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        seq = start_phase(session, case, "sample.first", due=tomorrow)
        executor = leases_of(house)[0]
        assert session.run(_STRAND, id=workflow_id(case, seq), executor=executor).rowcount == 1
    in_own_thread(worker.mend_stranded)
    # The phase before it, which it overtook, may just be ending there too.
    assert workflow_id(case, seq) in _noted(house, executor), "at the first look already"
    in_own_thread(worker.mend_stranded)
    assert _drain(worker)
    assert _state(house, case) is CaseState.DONE


def _noted(house: House, executor: str) -> set[str]:
    with house.database.public() as connection:
        return watch.noted_as_running(connection, executor)


def leases_of(house: House) -> list[str]:
    """The workers that hold a lease."""
    with house.database.public() as connection:
        return list(connection.execute(_LEASES).scalars())


def _tidying_drops_finished_phases_and_leaves_the_trail(
    house: House, worker: Worker, case: CaseId
) -> None:
    def count() -> int:
        with house.database.public() as connection:
            return int(connection.execute(_PHASES).scalar_one())

    assert count() > 0
    in_own_thread(lambda: worker.tidy(datetime.now(UTC)))
    assert count() > 0
    in_own_thread(lambda: worker.tidy(datetime.now(UTC) + timedelta(days=8)))
    assert count() == 0
    with house.session() as session:
        assert len(session.all(_EVENTS, case=case)) == 3


def test_executor_names_are_never_the_same() -> None:
    assert len({executor_name() for _ in range(100)}) == 100


def test_a_drain_without_work_ends_by_itself_and_one_without_time_ends_at_once(
    house: House,
) -> None:
    durable = Durable(house.app_url, "idle", bytes(32), concurrency=1, poll_s=1.0)
    idle = Worker(house.database, durable, "idle", [], _never)
    assert idle.drain(time.monotonic() + 20, horizon_s=0.1)
    assert not idle.drain(time.monotonic() - 1)


def _never(phase: str, *_: object) -> None:
    raise AssertionError(f"{phase} was run without a launch")

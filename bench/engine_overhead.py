"""The engine's share: a whole booking with vendors in memory against a bare DBOS workflow.

The booking reads and writes outside eight times, each write kept before and after; the bare
workflow has as many empty steps. Both are queued in one commit, worked by one worker in one
process on one database, in interleaved rounds. Milliseconds a case, and their ratio.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS

from bench._office import fresh_house, office
from cleargate.directory.practice import Practice
from cleargate.engine.durable import Durable
from cleargate.engine.phases import Engine
from cleargate.engine.worker import Worker, executor_name
from cleargate.gates.failures import gate_for
from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.time import SystemClock
from cleargate.scheduling.booking import PROCEDURES, last_moment
from cleargate.scheduling.phases import RECEIVE
from cleargate.store import attempts, cases
from cleargate.store.database import Database, Session
from cleargate.store.queue import APPLICATION_VERSION, QUEUE
from tests.house import House, open_case

ROUNDS = 7
CASES = 40
CONCURRENCY = 10
STEPS = 8
POLL_S = 0.05
WAIT_S = 120.0
TARGET = 3.0

# A bare workflow, queued as the store queues a phase.
_ENQUEUE = sa.text(
    "select dbos.enqueue_workflow(workflow_name => 'bench.bare', queue_name => :queue,"
    " positional_args => array[to_json(cast(:steps as integer))], workflow_id => :id,"
    " app_version => :version)"
)

# How many of the newest workflows of a name have not ended.
_UNFINISHED = sa.text(
    "select count(*) from dbos.workflow_status where status in ('ENQUEUED', 'PENDING')"
)


@DBOS.step()
def nothing() -> None:
    """A step that does nothing; what is left is the engine."""


@DBOS.workflow(name="bench.bare")
def bare(steps: int) -> None:
    """As many empty steps as a booking has calls outside."""
    for _ in range(steps):
        nothing()


def main() -> int:
    """Print both costs and their ratio; 0 if the target is held."""
    with fresh_house() as house, _worker(house):
        _round(house, _book)
        _round(house, _bare)
        taken: dict[str, list[float]] = {"booking": [], "bare": []}
        for _ in range(ROUNDS):
            taken["booking"].append(_round(house, _book))
            taken["bare"].append(_round(house, _bare))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    ratio = medians["booking"] / medians["bare"]
    print(f"booking, {STEPS} calls outside  {medians['booking']:6.1f} ms a case")
    print(f"bare, {STEPS} empty steps       {medians['bare']:6.1f} ms a case")
    print(
        f"ratio {ratio:.2f} x, target at most {TARGET} x: {'held' if ratio <= TARGET else 'MISSED'}"
    )
    return 0 if ratio <= TARGET else 1


@contextmanager
def _worker(house: House) -> Iterator[None]:
    """The worker as `cleargate work` has it, over an office whose vendors answer at once."""
    executor = executor_name()
    with house.process(executor) as database:
        engine = _engine(house, database)
        durable = Durable(
            house.app_url, executor, bytes(32), concurrency=CONCURRENCY, poll_s=POLL_S
        )

        def run(phase: str, practice: PracticeId, case: CaseId, seq: int) -> None:
            engine.run_phase(phase, practice, case, seq)

        worker = Worker(database, durable, executor, tuple(PROCEDURES), run)
        worker.start()
        try:
            yield
        finally:
            worker.stop()


def _engine(house: House, database: Database) -> Engine[Practice]:
    wired = office(house)
    return Engine(
        database=database,
        clock=SystemClock(),
        practices=lambda _: wired,
        procedures=PROCEDURES,
        last_moment=last_moment,
        gate_for=gate_for,
    )


def _round(house: House, queue: Callable[[Session, datetime], CaseId | None]) -> float:
    """Milliseconds a case, from the commit that queues all to the end of the last."""
    with house.session() as session:
        queued = [queue(session, SystemClock().now()) for _ in range(CASES)]
    started = time.perf_counter()
    while _unfinished(house):
        if time.perf_counter() - started > WAIT_S:
            msg = "the worker did not come to an end"
            raise TimeoutError(msg)
        time.sleep(POLL_S / 2)
    taken_ms = (time.perf_counter() - started) * 1000 / CASES
    for case in queued:
        if case is not None:
            _check(house, case)
    return taken_ms


def _book(session: Session, now: datetime) -> CaseId:
    return open_case(session, now, phase=RECEIVE)


def _bare(session: Session, _now: datetime) -> None:
    values = {"queue": QUEUE, "steps": STEPS, "version": APPLICATION_VERSION}
    session.run(_ENQUEUE, id=uuid4().hex, **values)


def _unfinished(house: House) -> int:
    with house.database.public() as connection:
        return int(connection.execute(_UNFINISHED).scalar_one())


def _check(house: House, case: CaseId) -> None:
    """What is measured must be a booked visit, and the calls that it was said to make."""
    with house.session() as session:
        ended = cases.get(session, case)
        calls = len(attempts.of_case(session, case))
    if ended is None or ended.state is not CaseState.DONE or calls != STEPS:
        msg = f"a case ended otherwise than a booking with {STEPS} calls does ({calls} calls)"
        raise AssertionError(msg)

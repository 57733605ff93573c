"""Ten thousand cases that wait for a person cost a worker nothing: they are rows, nothing else.

A worker in a process of its own is watched for half a minute (a round of its watchdog included)
before and after the gates are opened through the store: threads, memory, CPU and transactions.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import sqlalchemy as sa

from bench._office import fresh_house
from bench._processes import cpu_s, rss_mb, threads
from cleargate.engine.durable import Durable
from cleargate.engine.worker import WATCHDOG_S, Worker, executor_name
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.time import SystemClock
from cleargate.scheduling.phases import BOOK, VERIFY
from cleargate.store import cases, gates
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from tests.house import House, open_case

GATES = 10_000
A_COMMIT = 250
WATCH_S = WATCHDOG_S + 5
GROWTH_MB_MAX = 5.0
EXTRA_COMMITS_MAX = 0.2
"""How much busier the watched half minute may be: the heartbeat does not fall on even seconds."""

_GATE = Gate(
    reason=GateReason.NO_OPENING,
    tip="Call the patient and agree on one of the nearest times.",
    facts=(Fact("Times that fit the wishes", "none"),),
    choices=(Choice.ASK_AGAIN, Choice.DECLINE),
    phase=BOOK,
)

# A phase that stops at a gate has ended; those that open_case queued are taken back unseen.
_UNQUEUE = sa.text("delete from dbos.workflow_status where status = 'ENQUEUED'")

_COMMITS = sa.text("select xact_commit from pg_stat_database where datname = current_database()")


@dataclass(frozen=True, slots=True)
class Watched:
    """A worker at the end of a watch, and what it did meanwhile."""

    threads: int
    rss_mb: float
    cpu_ms: float
    commits: int


def main() -> int:
    """Print both watches; 0 if nothing grew with the gates."""
    with fresh_house() as house, _worker_process(house) as pid:
        before = _watched(house, pid)
        started = time.perf_counter()
        _open_gates(house)
        print(f"{GATES} gates opened in {time.perf_counter() - started:.0f} s")
        after = _watched(house, pid)
    for name, seen in (("before", before), ("after", after)):
        print(
            f"  {name:6} {seen.threads} threads, {seen.rss_mb:.1f} MB;"
            f" in {WATCH_S:.0f} s: {seen.commits} transactions, {seen.cpu_ms:.0f} ms of CPU"
        )
    growth_mb = after.rss_mb - before.rss_mb
    quiet = after.commits <= before.commits * (1 + EXTRA_COMMITS_MAX)
    held = growth_mb < GROWTH_MB_MAX and after.threads <= before.threads and quiet
    print(
        f"grown by {growth_mb:.1f} MB, target less than {GROWTH_MB_MAX:.0f} MB, no thread and"
        f" no polling: {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


def _watched(house: House, pid: int) -> Watched:
    commits, busy_s = _commits(house), cpu_s(pid)
    time.sleep(WATCH_S)
    return Watched(
        threads(pid), rss_mb(pid), (cpu_s(pid) - busy_s) * 1000, _commits(house) - commits
    )


def _commits(house: House) -> int:
    with house.database.public() as connection:
        return int(connection.execute(_COMMITS).scalar_one())


def _open_gates(house: House) -> None:
    now = SystemClock().now()
    for _ in range(GATES // A_COMMIT):
        with house.session() as session:
            for _ in range(A_COMMIT):
                case = open_case(session, now, phase=VERIFY)
                gates.open_gate(session, case, _GATE, now)
                cases.stop_at_gate(session, case)
            session.run(_UNQUEUE)
    with house.session() as session:
        if gates.count_open(session) != GATES:
            msg = f"{GATES} open gates were expected"
            raise AssertionError(msg)


@contextmanager
def _worker_process(house: House) -> Iterator[int]:
    """A worker that has started; gives its process id."""
    context = get_context("spawn")
    ready, end = context.Event(), context.Event()
    child = context.Process(target=_work, args=(house.app_url, house.key_file, ready, end))
    child.start()
    try:
        if child.pid is None or not ready.wait(60):
            msg = "the worker did not start"
            raise TimeoutError(msg)
        yield child.pid
    finally:
        end.set()
        child.join(30)


def _work(url: str, key_file: Path, ready: Event, end: Event) -> None:
    """Work the queue until told to stop; no phase is ever queued."""
    executor = executor_name()
    database = Database(url, Keyring(LocalKeyFile(key_file)), executor)
    durable = Durable(url, executor, bytes(32), concurrency=20, poll_s=0.1)
    worker = Worker(database, durable, executor, (BOOK, VERIFY), _run)
    worker.start()
    ready.set()
    end.wait()
    worker.stop()


def _run(phase: str, _practice: PracticeId, _case: CaseId, _seq: int) -> None:
    msg = f"{phase} ran although its case is at a gate"
    raise AssertionError(msg)

"""The stage of the fault tests: an outside world, a database, and worker processes to strike.

`World` is a sandbox with the demo's two practices wired to it; a `Stage` is one database in it,
with the cases and workers of a test. Patients and staff act through the same functions as the
pages do; whatever is told of a case is read from the store and from the sandbox's own ledger.
"""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx2
import sqlalchemy as sa

from cleargate.gates.decide import decide
from cleargate.house import House, keep_practices, open_house
from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.gate import Choice, Decision
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.request import VisitRequest
from cleargate.operations.demo_home import PRACTICES, DemoHome
from cleargate.sandbox.population import Scenario, SyntheticPerson, admin_body, people
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.world import SandboxOptions
from cleargate.scheduling import requests
from cleargate.scheduling.phases import UNCONFIRMED
from cleargate.settings import Installation
from cleargate.store import cases, gates
from cleargate.store.database import Session
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.gates import StoredGate
from cleargate.store.practices import practice_id
from cleargate.store.roles import APP_ROLE
from tests.house import APP_PASSWORD
from tests.postgres import connect, fresh_database
from tests.proxy import Proxy
from tests.workflows import worker
from tests.workflows.worker import Blow

T = TypeVar("T")

SEED = 11
CAST = 400
SPEED = 60.0
SETTLE_S = 90.0
LOOK_S = 0.05

_LISTS = ("patients", "insurances", "bookings", "eligibility")

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.workflows.worker"])

_database_numbers = count(1)
_one_at_a_time = threading.Lock()


class World:
    """A running sandbox that fails only when told to, and the practices that live in it."""

    def __init__(self, sandbox: Sandbox, home: DemoHome) -> None:
        self.ready: dict[str, Any] = dict(sandbox.ready)
        self.home = home
        home.write_practices(self.ready)
        self._lock = threading.Lock()
        today = min(
            sandbox.options.clock.now().astimezone(ZoneInfo(each[3])).date()
            for each in PRACTICES.values()
        )
        self.today = today
        self._cast = people(SEED, CAST, today)
        self.enrol(self._cast)

    def enrol(self, cast: Sequence[SyntheticPerson], **changes: object) -> None:
        """Let payers and EHRs know these people."""
        body: dict[str, Any] = dict(admin_body(cast, tuple(PRACTICES)))
        for member in body["members"]:
            member.update(changes)
        self.admin("people", body)

    def person(self, scenario: Scenario = Scenario.PLAIN) -> SyntheticPerson:
        """Somebody who has not asked for anything yet."""
        with self._lock:
            found = next(each for each in self._cast if each.scenario is scenario)
            self._cast.remove(found)
        return found

    def admin(self, page: str, body: dict[str, Any] | None = None) -> Any:
        """One of the sandbox's own pages."""
        url = f"{self.ready['base_url']}/_admin/{page}"
        answer = httpx2.get(url) if body is None else httpx2.post(url, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def fail(self, match: str, fault: str, **more: Any) -> None:
        """Plan a fault."""
        self.admin("faults", {"match": match, "fault": fault, **more})

    def planned(self) -> list[dict[str, Any]]:
        """The faults that have not struck yet."""
        found: list[dict[str, Any]] = self.admin("faults")["planned"]
        return found

    def ledger(self) -> dict[str, Any]:
        """What clients did, as the sandbox saw it."""
        found: dict[str, Any] = self.admin("ledger")
        return found

    def of_case(self, case: CaseId) -> dict[str, list[dict[str, Any]]]:
        """What was done over there for a case, by kind of record."""
        ledger = self.ledger()
        found = {
            name: [row for row in ledger[name] if row["ref"].startswith(case.hex)]
            for name in _LISTS
        }
        found["mails"] = [row for row in ledger["mails"] if case.hex in row["message_id"]]
        found["questions"] = [row for row in ledger["questions"] if case.hex in row["trace"]]
        return found


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """A world of its own; at its end nothing in it may have been done twice."""
    with Sandbox(SandboxOptions(data=folder / "sandbox", faults="none")) as sandbox:
        world = World(sandbox, DemoHome(folder / "home"))
        yield world
        duplicates = world.ledger()["duplicates"]
    assert duplicates == [], duplicates


_one_looks = threading.Lock()
"""Each start of a process looks after all the others, and an exit code can be read only once: a
second thread that looks at the same moment would get 255."""


class WorkerProcess:
    """A worker as an operating system's process."""

    def __init__(self, target: Callable[..., None], *arguments: Any, **more: Any) -> None:
        self._process = _processes.Process(target=target, args=arguments, kwargs=more, daemon=True)
        with _one_looks:
            self._process.start()

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    def ended(self, within_s: float = SETTLE_S) -> int | None:
        """Its exit code, minus the signal's number if one killed it; None while it runs."""
        gives_up = time.monotonic() + within_s
        while (code := self._code()) is None and time.monotonic() < gives_up:
            time.sleep(LOOK_S)
        return code

    def _code(self) -> int | None:
        with _one_looks:
            return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        assert self.ended() is not None


@dataclass
class Stage:
    """One database in a world, and what acts on it."""

    world: World
    owner_url: str
    folder: Path
    speed: float = SPEED
    workers: list[WorkerProcess] = field(default_factory=list)
    _people: dict[CaseId, SyntheticPerson] = field(default_factory=dict)

    @cached_property
    def installation(self) -> Installation:
        app = sa.make_url(self.owner_url).set(username=APP_ROLE, password=APP_PASSWORD)
        return Installation(
            database_url=app.render_as_string(hide_password=False),
            key_file=self.world.home.key_file,
            practices=self.world.home.practices,
            clock_speed=self.speed,
            concurrency=4,
            poll_s=0.1,
        )

    @cached_property
    def house(self) -> House:
        """The installation as the pages see it."""
        house = open_house(self.installation)
        keep_practices(house)
        return house

    def start(
        self, blow: Blow | None = None, *, older: bool = False, line: Proxy | None = None
    ) -> WorkerProcess:
        """Start a worker, perhaps at the far end of a line."""
        _ = self.house
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        installation = self.installation
        if line is not None:
            led = line.url(installation.database_url)
            installation = installation.model_copy(update={"database_url": led})
        process = WorkerProcess(worker.work, installation, log, blow, older=older)
        self.workers.append(process)
        return process

    def drain(self, seconds: float) -> WorkerProcess:
        """Start a worker that is to be done after so many seconds."""
        _ = self.house
        log = self.folder / f"drain-{len(self.workers) + 1}.log"
        process = WorkerProcess(worker.drain, self.installation, log, seconds)
        self.workers.append(process)
        return process

    def started_at(self) -> datetime:
        """When the last drain began, by its own first word."""
        log = self.folder / f"drain-{len(self.workers)}.log"
        return datetime.fromisoformat(log.read_text().splitlines()[0])

    def submit(self, person: SyntheticPerson, request: VisitRequest | None = None) -> CaseId:
        """The patient sends the form."""
        slug = tuple(PRACTICES)[person.practice % len(PRACTICES)]
        profile = self.house.profiles[practice_id(slug)]
        with self.house.database.session(profile.id) as session:
            submitted = requests.submit(
                session,
                profile,
                request or person.request,
                nonce=f"{person.number}-{id(person)}",
                now=self.house.clock.now(),
            )
        self._people[submitted.case] = person
        return submitted.case

    def practice(self, case: CaseId) -> PracticeId:
        slugs = tuple(PRACTICES)
        return practice_id(slugs[self._people[case].practice % len(slugs)])

    def person(self, case: CaseId) -> SyntheticPerson:
        return self._people[case]

    def acting(self, case: CaseId, act: Callable[[Session], T]) -> T:
        """Whatever somebody does to a case, in one transaction of its practice."""
        with self.house.database.session(self.practice(case)) as session:
            return act(session)

    def case(self, case: CaseId) -> Case:
        found = self.acting(case, lambda session: cases.get(session, case))
        assert found is not None, "a case was lost"
        return found

    def gate(self, case: CaseId) -> StoredGate | None:
        """The case's open gate."""
        passed = self.acting(case, lambda session: gates.of_case(session, case))
        return next((each for each in passed if each.open), None)

    def confirm(self, case: CaseId) -> None:
        """The patient follows the link of the mail."""
        now = self.house.clock.now()
        self.acting(case, lambda session: requests.confirm_contact(session, case, now))

    def withdraw(self, case: CaseId) -> None:
        now = self.house.clock.now()
        assert self.acting(
            case, lambda session: requests.withdraw(session, case, actor="patient", now=now)
        )

    def rebook(self, case: CaseId) -> None:
        now = self.house.clock.now()
        assert self.acting(
            case, lambda session: requests.rebook(session, case, actor="test", now=now)
        )

    def decide(self, gate: StoredGate, choice: Choice) -> None:
        """A person decides."""
        decision = Decision(choice, gate.version)
        now = self.house.clock.now()
        self.acting(
            gate.case, lambda session: decide(session, gate.id, decision, actor="test", now=now)
        )

    def holder(self) -> str:
        """A worker that runs a phase now, by the engine's own table; empty when none does."""
        with connect(self.owner_url) as owner:
            row = owner.execute(
                "select executor_id from dbos.workflow_status where status = 'PENDING'"
            ).fetchone()
        return str(row[0]) if row else ""

    def settle(self, *expected: CaseId, within_s: float = SETTLE_S) -> None:
        """Wait until each case is closed or at a gate; patients follow their links meanwhile.

        A phase that was overtaken may still be in a call; its end is waited for as well.
        """
        self.until(
            lambda: all([self._moves_on(case) for case in expected]),
            within_s,
            lambda: f"not settled: {[self.told(case) for case in expected]}",
        )
        self.until(lambda: not self.holder(), within_s)

    def _moves_on(self, case_id: CaseId) -> bool:
        self.follow_link(case_id)
        case = self.case(case_id)
        return case.state is not CaseState.OPEN or case.note == "gate"

    def follow_link(self, case_id: CaseId) -> None:
        """The patient confirms, once there is a mail that asks for it."""
        case = self.case(case_id)
        if case.phase == UNCONFIRMED and not case.memo.contact_confirmed:
            self.confirm(case_id)

    def until(
        self,
        condition: Callable[[], bool],
        within_s: float = SETTLE_S,
        complaint: Callable[[], str] = lambda: "it did not come true in time",
    ) -> float:
        """Wait for a condition; gives how many seconds it took."""
        started = time.monotonic()
        while not condition():
            assert time.monotonic() < started + within_s, f"{complaint()}; logs: {self.folder}"
            time.sleep(0.1)
        return time.monotonic() - started

    def until_killed(self, victim: WorkerProcess, case: CaseId) -> None:
        """Wait until a worker was struck dead over a case."""

        def has_ended() -> bool:
            self.follow_link(case)
            return victim.ended(0.0) is not None

        self.until(has_ended)
        code = victim.ended(0.0)
        assert code == -signal.SIGKILL, f"it ended with {code}; logs: {self.folder}"

    def told(self, case_id: CaseId) -> str:
        """Where a case stands, in a line."""
        case = self.case(case_id)
        gate = self.gate(case_id)
        reason = gate.gate.reason if gate else ""
        return f"{case.state} {case.phase} {case.phase_seq} {case.note} {reason}".strip()

    def close(self) -> None:
        for process in self.workers:
            process.kill()
        self.house.database.close()


@contextmanager
def open_stage(
    world: World, cluster: EmbeddedPostgres, template: str, folder: Path, speed: float = SPEED
) -> Iterator[Stage]:
    """A stage with a fresh database, which its workers do not outlive."""
    with _one_at_a_time:
        name = f"stage_{next(_database_numbers)}"
        owner_url = fresh_database(cluster, name, template)
    folder = folder / name
    folder.mkdir(parents=True)
    stage = Stage(world, owner_url, folder, speed)
    try:
        yield stage
    finally:
        stage.close()

"""Planted patients go through the whole demo under heavy faults, and leak nowhere.

The demo is real processes: web server, workers of which one is killed, Postgres, and a sandbox
that fails in every way it knows. Afterwards everything that they left is searched.
"""

import os
import re
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from shutil import rmtree
from zoneinfo import ZoneInfo

import httpx2
import pytest
from rich.progress import Progress

from cleargate.operations.demo import Demo, DemoOptions, running
from cleargate.operations.demo_home import PRACTICES, embedded
from cleargate.operations.rehearsal.play import Play
from cleargate.operations.rehearsal.reckoning import Summary
from cleargate.sandbox.faults import Fault
from cleargate.sandbox.population import Scenario, SyntheticPerson, admin_body
from tests.postgres import until
from tests.security import evidence, planted, planting
from tests.security.evidence import Watch
from tests.security.misdeeds import decide_by_program, misdeeds, send_with_photos, shown_again
from tests.security.search import WRAPPINGS, Search

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not Path("/proc/self/fd").exists(), reason="looks into processes through Linux's /proc"
    ),
]

SEED = 7
BY_PROGRAM, WITH_PHOTOS = Scenario.CHANGED_DATA, Scenario.SELF_PAY
"""These two do not take part in the play; see misdeeds.py."""

WATCHED = frozenset({"command lines", "environments", "open files", "database activity"})
"""What is only there for a moment."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens something: passwords and tokens, the links in mails; and the EHR's own ids."""

    tokens: set[str]
    links: set[str]
    records: set[str]


@dataclass
class Ran:
    """A demo that planted patients went through, still running."""

    demo: Demo
    temporary: Path
    watch: Watch
    search: Search
    texts: Mapping[str, set[str]]
    summary: Summary
    secrets: Secrets
    errors: list[httpx2.Response]
    betrayed: dict[str, set[str]] = field(default_factory=dict)
    """What each place betrayed before a test planted anything in it."""

    def places(self) -> dict[str, Callable[[Search], set[str]]]:
        """Every place to look at, with what finds the texts that it betrays."""
        demo, seen = self.demo, self.watch.seen
        read = {
            "logs": lambda: evidence.logs(demo),
            "addresses": lambda: evidence.addresses(demo),
            "mails": lambda: evidence.mails(demo),
            "dump": lambda: evidence.dump(demo),
            "engine": lambda: evidence.engine(demo),
            **{name: partial(_joined, seen, name) for name in WATCHED},
        }
        files = {"disk": lambda: evidence.disk(demo), "temporary": lambda: _files(self.temporary)}
        return {
            **{name: partial(_find, get) for name, get in read.items()},
            **{name: partial(_find_in_files, get) for name, get in files.items()},
        }


def _joined(seen: Mapping[str, set[bytes]], name: str) -> bytes:
    return b"\n".join(seen[name])


def _find(get: Callable[[], bytes], search: Search) -> set[str]:
    return search.find(get())


def _find_in_files(get: Callable[[], list[Path]], search: Search) -> set[str]:
    return search.find_in_files(get())


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    # Not tmp_path: Postgres is another user when the tests run as root.
    data = Path(tempfile.mkdtemp(prefix="cleargate-canary-"))
    temporary = data / "temporary"
    temporary.mkdir()
    options = DemoOptions(data / "demo", seed=SEED, faults="heavy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        try:
            with running(options) as demo, Watch(demo, temporary) as watch:
                search_folder = tmp_path_factory.mktemp("search")
                yield _run(demo, options, watch, temporary, search_folder)
        finally:
            rmtree(embedded(options.data).home, ignore_errors=True)
            rmtree(data, ignore_errors=True)


def _run(demo: Demo, options: DemoOptions, watch: Watch, temporary: Path, folder: Path) -> Ran:
    today = datetime.now(ZoneInfo(next(iter(PRACTICES.values()))[3])).date()
    cast = planted.cast(SEED, today)
    apart = {each.scenario: replace(each, practice=0) for each in cast if _is_apart(each)}
    texts = planted.texts(cast)
    body = admin_body(apart.values(), tuple(PRACTICES))
    sandbox = demo.sandbox["base_url"]
    httpx2.post(f"{sandbox}/_admin/people", json=body, timeout=60).raise_for_status()
    for fault in Fault:
        plan = {"fault": fault.value, "times": 1}
        httpx2.post(f"{sandbox}/_admin/faults", json=plan).raise_for_status()
    with ThreadPoolExecutor(4) as pool:
        killed = pool.submit(_kill_a_worker, demo)
        errors = pool.submit(lambda: list(misdeeds(demo)))
        shown = pool.submit(shown_again, demo)
        decided = pool.submit(decide_by_program, demo, apart[BY_PROGRAM])
        receipt = pool.submit(send_with_photos, demo, apart[WITH_PHOTOS])
        play = Play(demo, options, 0)
        summary = play.run(Progress(disable=True), [each for each in cast if not _is_apart(each)])
        for each in (killed, shown, decided):
            each.result()
    secrets = _secrets(demo, receipt.result())
    opening = secrets.tokens | secrets.links | secrets.records
    search = Search(texts | {each: set() for each in opening}, folder)
    ran = Ran(demo, temporary, watch, search, texts, summary, secrets, errors.result())
    ran.betrayed.update({name: look(search) for name, look in ran.places().items()})
    return ran


def _secrets(demo: Demo, receipt: str) -> Secrets:
    names = ("staff-password", "api-token-riverside", "api-token-lakeside")
    mails = evidence.mails(demo).decode(errors="replace")
    ledger = httpx2.get(f"{demo.sandbox['base_url']}/_admin/ledger", timeout=60).json()
    return Secrets(
        tokens={receipt, *(demo.home.secret(name) for name in names)},
        links=set(re.findall(r"/(?:confirm|check)/([\w-]{20,})", mails)),
        records={row["id"] for name in ("patients", "bookings") for row in ledger[name]},
    )


def _is_apart(person: SyntheticPerson) -> bool:
    return person.scenario in (BY_PROGRAM, WITH_PHOTOS)


def _kill_a_worker(demo: Demo) -> None:
    """kill -9 of a worker in the middle of its work; another comes in its place."""
    values = demo.installation.model_dump(mode="json")
    environment = {
        f"CLEARGATE_{name.upper()}": str(value) for name, value in values.items() if value
    }
    log = demo.home.data / "logs" / "worker-2.log"
    worker = demo.processes.start("worker-2", ["cleargate", "work"], environment)
    until(lambda: "worker_started" in log.read_text(), "the second worker did not start")
    until(lambda: b"POST" in evidence.addresses(demo), "nothing was sent")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(10)
    demo.processes.start("worker-3", ["cleargate", "work"], environment)


def test_the_demo_did_its_work_and_every_fault_came(ran: Ran) -> None:
    """Otherwise nothing is proved: who does nothing leaks nothing."""
    assert len(ran.texts) >= 60
    assert (ran.summary.failed, ran.summary.lost, ran.summary.unexpected) == (0, 0, 0)
    assert ran.summary.booked >= 6
    drawn = httpx2.get(f"{ran.demo.sandbox['base_url']}/_admin/faults").json()["drawn"]
    assert set(drawn) == set(Fault)
    assert evidence.addresses(ran.demo).count(b"_search") > 10
    assert evidence.mails(ran.demo).count(b"Subject:") > 10
    assert b"booking.receive" in evidence.engine(ran.demo)
    assert all(ran.watch.seen[name] for name in WATCHED - {"open files"})


def test_no_place_betrays_a_patient(ran: Ran) -> None:
    found = {name: texts & set(ran.texts) for name, texts in ran.betrayed.items()}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_no_place_holds_a_secret_or_a_vendors_id_in_the_clear(ran: Ran) -> None:
    """Links are in the mails to whom they were sent; a vendor is asked by its own ids."""
    assert len(ran.secrets.links) >= 6
    assert len(ran.secrets.records) >= 6
    allowed = {"mails": ran.secrets.links, "addresses": ran.secrets.records}
    found = {
        name: texts - set(ran.texts) - allowed.get(name, set())
        for name, texts in ran.betrayed.items()
    }
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_no_error_repeats_what_was_sent(ran: Ran) -> None:
    statuses = {each.status_code for each in ran.errors}
    assert statuses >= {401, 404, 405, 413, 422}
    assert max(statuses) < 500
    for answer in (each for each in ran.errors if each.status_code >= 400):
        told = answer.content + str(answer.headers).encode()
        told = told.replace(answer.request.url.raw_path, b"")  # A form leads to its own address.
        assert ran.search.find(told) == set(), (answer.request.method, answer.status_code)
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_search_finds_each_text_in_each_encoding(ran: Ran, wrapping: str) -> None:
    """A search that cannot find anything proves nothing."""
    wrapped = b"\n".join(WRAPPINGS[wrapping](text) for text in ran.texts)
    assert ran.search.find(wrapped) == set(ran.texts)


def test_the_search_finds_what_is_planted_in_each_place(ran: Ran) -> None:
    """What it plants stays there; what the others look at was collected before."""
    places = list(ran.places())
    names = [each.partition("|")[0] for each in planted.NAMES]
    plan = dict(zip(places, names, strict=False))
    with planting.planted_everywhere(ran.demo, ran.temporary, plan):
        ran.watch.look()
        found = {name: look(ran.search) for name, look in ran.places().items()}
    assert {name: plan[name] in found[name] for name in places} == dict.fromkeys(places, True)

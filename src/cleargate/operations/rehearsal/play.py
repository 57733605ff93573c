"""The play: everybody posts at once, follows the mail, and waits until every case has its end."""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cleargate.house import open_house
from cleargate.nouns.case import CaseState
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.operations.demo import Demo, DemoOptions, running
from cleargate.operations.demo_home import PRACTICES, STAFF, discard
from cleargate.operations.rehearsal.patient import (
    follow,
    letters,
    post_request,
)
from cleargate.operations.rehearsal.reckoning import Ended, Summary, reckon
from cleargate.operations.rehearsal.staff import StaffMember
from cleargate.sandbox.population import SyntheticPerson, admin_body, people
from cleargate.store import attempts, cases, effects, gates, inquiries, links
from cleargate.store.practices import practice_id

SETTLE_S_PER_REQUEST = 6.0
SETTLE_S_MIN = 480.0
"""How long the play may last before what is still open counts as failed."""


def rehearse(options: DemoOptions, requests: int, json_file: Path | None, console: Console) -> int:
    """Run the play and print what came of it; 0 only if everything agrees.

    It has a home of its own within the demo's, new each time: the same seed gives the same run.
    What an earlier play left there, its logs too, is taken away.
    """
    home = options.data.resolve() / "rehearsal"
    discard(home)
    with running(replace(options, data=home)) as demo:
        play = Play(demo, options, requests)
        with Progress(console=console) as progress:
            summary = play.run(progress)
    _print(summary, console)
    if json_file is not None:
        json_file.write_text(json.dumps(summary.as_json(), indent=2))
    return 0 if summary.good else 1


class Play:
    """One run over a running demo."""

    def __init__(self, demo: Demo, options: DemoOptions, requests: int) -> None:
        self._demo = demo
        self._options = options
        self._requests = requests
        self._house = open_house(demo.installation)
        self._tokens: dict[int, str] = {}
        self._cases: dict[CaseId, SyntheticPerson] = {}
        self._client = httpx2.Client(base_url=demo.web_url, timeout=60)
        password = demo.home.secret("staff-password")
        self._staff = {slug: StaffMember(demo.web_url, slug, STAFF, password) for slug in PRACTICES}

    def run(self, progress: Progress, cast: Sequence[SyntheticPerson] = ()) -> Summary:
        """Enrol everybody, post, confirm, decide, and reckon. Whoever has a `cast` brings it."""
        zone = ZoneInfo(next(iter(PRACTICES.values()))[3])
        today = self._house.clock.now().astimezone(zone).date()
        cast = cast or people(self._options.seed, self._requests, today)
        self._enrol(cast)
        started = time.monotonic()
        crowd = self._options.concurrency
        with ThreadPoolExecutor(crowd) as pool, ThreadPoolExecutor(crowd) as followers:
            posting = [pool.submit(self._post, person) for person in cast]
            self._until_settled(cast, posting, followers, progress)
        seconds = time.monotonic() - started
        ended = [self._ended(case, person) for case, person in self._cases.items()]
        ledger = httpx2.get(f"{self._sandbox}/_admin/ledger", timeout=60).json()
        self._close()
        return reckon(ended, len(self._tokens), ledger, seconds)

    @property
    def _sandbox(self) -> str:
        url: str = self._demo.sandbox["base_url"]
        return url

    def _close(self) -> None:
        self._client.close()
        for member in self._staff.values():
            member.close()
        self._house.database.close()

    def _enrol(self, cast: Sequence[SyntheticPerson]) -> None:
        """Let payers and EHRs know of these people, as if they always had."""
        body = admin_body(cast, tuple(PRACTICES))
        httpx2.post(f"{self._sandbox}/_admin/people", json=body, timeout=60).raise_for_status()

    def _post(self, person: SyntheticPerson) -> None:
        """One patient at the form; the client is shared, its connections are kept."""
        slug = _slug(person)
        self._tokens[person.number] = post_request(self._client, slug, person)

    def _until_settled(
        self,
        cast: Sequence[SyntheticPerson],
        posting: Sequence[Future[None]],
        followers: ThreadPoolExecutor,
        progress: Progress,
    ) -> None:
        """Follow mails and decide expected gates until every case is closed, or time is over."""
        bar = progress.add_task("Requests settled", total=len(cast))
        give_up = time.monotonic() + max(SETTLE_S_MIN, SETTLE_S_PER_REQUEST * len(cast))
        followed: set[str] = set()
        by_number = {person.number: person for person in cast}
        by_address = {person.request.patient.contact.email: person for person in cast}
        opens = partial(follow, self._client, by_address)
        while time.monotonic() < give_up:
            letters_now = letters(self._client, self._demo.sandbox["mailbox"], followed)
            list(followers.map(opens, letters_now))
            posted = all(each.done() for each in posting)
            self._learn_cases(by_number)
            stuck = self._decide_gates()
            closed = self._closed()
            progress.update(bar, completed=closed)
            if posted and closed + stuck >= len(self._tokens):
                break
        for each in posting:
            each.result()

    def _learn_cases(self, by_number: Mapping[int, SyntheticPerson]) -> None:
        """Which case each receipt belongs to."""
        known = {person.number for person in self._cases.values()}
        for number, token in list(self._tokens.items()):
            if number in known:
                continue
            person = by_number[number]
            practice = practice_id(_slug(person))
            with self._house.database.session(practice) as session:
                link = links.find(session, token, self._house.clock.now())
            if link is not None:
                self._cases[link.case] = person

    def _decide_gates(self) -> int:
        """Decide what was expected; gives how many cases are stuck at a gate nobody expected."""
        stuck = 0
        for practice in self._house.profiles:
            slug = self._house.profiles[practice].slug
            with self._house.database.session(practice) as session:
                waiting = gates.list_open(session, 1000)
            for stored in waiting:
                person = self._cases.get(stored.case)
                choice = _expected_choice(person, stored.gate.reason) if person else None
                if choice is not None:
                    self._staff[slug].decide(str(stored.case), choice)
                elif person is not None:
                    stuck += 1
        return stuck

    def _closed(self) -> int:
        closed = 0
        for practice in self._house.profiles:
            with self._house.database.session(practice) as session:
                states = cases.states(session)
            closed += sum(
                state is not CaseState.OPEN for case, state in states.items() if case in self._cases
            )
        return closed

    def _ended(self, case_id: CaseId, person: SyntheticPerson) -> Ended:
        with self._house.database.session(practice_id(_slug(person))) as session:
            case = cases.get(session, case_id)
            if case is None:
                msg = "a receipt led to a case that is gone"
                raise LookupError(msg)
            tries = attempts.of_case(session, case_id)
            asked = inquiries.of_case(session, case_id)
            passed = gates.of_case(session, case_id)
            return Ended(
                person=person,
                practice=_slug(person),
                case=case,
                effects=effects.of_case(session, case_id),
                gates=[(each.gate.reason, each.choice) for each in passed],
                attempts=len(tries),
                retries=sum(each.outcome != "ok" for each in tries),
                checks=sum(each.tries for each in asked),
            )


def _slug(person: SyntheticPerson) -> str:
    slugs = tuple(PRACTICES)
    return slugs[person.practice % len(slugs)]


def _expected_choice(person: SyntheticPerson, reason: GateReason) -> Choice | None:
    return dict(person.expected.gates).get(reason)


def _print(summary: Summary, console: Console) -> None:
    table = Table(title="Every case")
    for column in ("No.", "Scenario", "State", "Gates", "Tries", "Again", "Complaint"):
        table.add_column(column, overflow="fold")
    for row in sorted(summary.cases, key=lambda row: row["number"]):
        complaint = "; ".join([*row["complaints"], *row["missing"], *row["twice"]])
        table.add_row(
            str(row["number"]),
            row["scenario"],
            row["state"],
            ", ".join(row["gates"]),
            str(row["attempts"]),
            str(row["retries"]),
            complaint,
        )
    console.print(table)
    counts = {name: value for name, value in summary.as_json().items() if name != "cases"}
    for name, value in counts.items():
        console.print(f"{name.replace('_', ' '):>20}: {value}")
    console.print("As expected." if summary.good else "NOT as expected: see the complaints above.")

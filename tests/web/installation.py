"""An installation's web server on loopback, over a house of its own; no worker runs behind it.

What the worker would do to a case, a test does through the store.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import sqlalchemy as sa
import uvicorn
from argon2 import PasswordHasher

from cleargate.directory.practice import IntakePolicy, Profile
from cleargate.nouns.gate import Choice, Fact, Gate, GateReason, Offer
from cleargate.nouns.ids import CaseId, GateId, PracticeId
from cleargate.operations.rehearsal.patient import Inputs
from cleargate.practice_file import read_practice
from cleargate.scheduling.phases import UNCONFIRMED
from cleargate.store import api_tokens, cases, gates, staff
from cleargate.store.links import token_hash
from cleargate.web.listener import Listener, taken_by
from cleargate.web.server import configure
from cleargate.web.site import Pages
from tests.house import House, TurnedClock, open_case, visit_request
from tests.postgres import until
from tests.trail import TRAIL

SLUG = "sample-clinic"
OTHER = "other-clinic"
PASSWORD = "correct horse, battery staple"
OTHERS_POSTS_PER_HOUR = 3
"""How many posts an hour the other practice takes; the first one takes as many as come."""
OTHERS_CALLS_PER_MINUTE = 30
"""How many calls a minute it takes of each token; the first one takes as many as come."""

# Argon2's cost is what a thief pays; a test that signs in fifty times need not.
_cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True, slots=True)
class Site:
    """The pages of two practices as a browser sees them, and the store behind them."""

    url: str
    house: House
    clock: TurnedClock
    profiles: Mapping[PracticeId, Profile]

    @contextmanager
    def visitor(self) -> Iterator[httpx2.Client]:
        """Somebody with a browser: keeps cookies, follows nothing by itself."""
        with httpx2.Client(base_url=self.url, timeout=30) as client:
            yield client

    @contextmanager
    def staff(self, slug: str = SLUG) -> Iterator["Staff"]:
        """A new member of staff, signed in."""
        username = self.hire(slug)
        with self.visitor() as client:
            sent = {"username": username, "password": PASSWORD}
            answer = client.post(f"/{slug}/desk/sign-in", data=sent)
            assert answer.status_code == 303, answer.text
            page = client.get(f"/{slug}/desk")
            yield Staff(client, slug, username, Inputs(page.text).values["csrf"])

    def hire(self, slug: str = SLUG) -> str:
        """Let somebody new sign in; gives the name."""
        username = f"staff-{uuid4().hex[:8]}"
        with self.house.session(self.practice(slug)) as session:
            staff.add(session, username, "Sample Staff", _cheap.hash(PASSWORD))
        return username

    def practice(self, slug: str = SLUG) -> PracticeId:
        return self.house.practice if slug == SLUG else self.house.other

    def case(self, slug: str = SLUG, **changes: Any) -> CaseId:
        """A case of a practice whose patient has been asked to confirm."""
        with self.house.session(self.practice(slug)) as session:
            return open_case(
                session, self.clock.now(), request=visit_request(**changes), phase=UNCONFIRMED
            )

    def gate(self, case: CaseId, gate: Gate | None = None, slug: str = SLUG) -> GateId:
        """The case comes to a gate; to one that is open already, newer evidence comes."""
        with self.house.session(self.practice(slug)) as session:
            opened = gates.open_gate(session, case, gate or sample_gate(), self.clock.now())
            cases.stop_at_gate(session, case)
        return opened

    def api_token(self, slug: str = SLUG, name: str = "sample") -> str:
        token = uuid4().hex
        with self.house.session(self.practice(slug)) as session:
            api_tokens.keep(session, token_hash(token), name)
        return token

    def rows(self, query: str, slug: str = SLUG, **values: Any) -> list[sa.RowMapping]:
        """What a query finds in a practice's tables; `:practice` is bound."""
        with self.house.session(self.practice(slug)) as session:
            return session.all(sa.text(query), **values)

    def count_cases(self, slug: str = SLUG) -> int:
        found = self.rows("select count(*) as n from cases where practice_id = :practice", slug)
        return int(found[0]["n"])

    def trail(self, case: CaseId, slug: str = SLUG) -> list[tuple[str, str, str]]:
        """What the trail says of a case: type, actor and outcome, oldest first."""
        found = self.rows(
            f"select type, actor, outcome from {TRAIL} where practice_id = :practice"
            " and case_id = :case order by recorded",
            slug,
            case=case,
        )
        return [(row["type"], row["actor"], row["outcome"]) for row in found]

    def told(self, kind: str, slug: str = SLUG, **fields: str) -> list[dict[str, str]]:
        """The events of a type that have these fields, oldest first."""
        query = "select body from audit_events where practice_id = :practice order by recorded"
        events = [json.loads(row["body"]) for row in self.rows(query, slug)]
        wanted = {"type": kind, **fields}
        return [each for each in events if wanted.items() <= each.items()]


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody at the desk of a practice."""

    client: httpx2.Client
    slug: str
    username: str
    csrf: str

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.client.get(f"/{self.slug}/desk{path}", **more)

    def post(self, path: str, fields: Mapping[str, str] = {}, **more: Any) -> httpx2.Response:
        """Send a form of the desk, with the token that its page carries."""
        return self.client.post(
            f"/{self.slug}/desk{path}", data={"csrf": self.csrf, **fields}, **more
        )

    def decide(self, gate: GateId, choice: str, version: int = 1, **more: str) -> httpx2.Response:
        sent = {"choice": choice, "evidence_version": str(version), **more}
        return self.post(f"/gates/{gate}/decision", sent)


@dataclass
class Served:
    """A web server in a thread of this process."""

    pages: Pages
    listener: Listener = field(default_factory=lambda: Listener("127.0.0.1", 0))
    url: str = ""
    app: Any = field(default=None, repr=False)
    _server: uvicorn.Server | None = field(default=None, repr=False)

    def __enter__(self) -> "Served":
        taken = taken_by(self.listener)
        scheme = "https" if self.listener.certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
        config = configure(self.pages, self.listener)
        self.app = config.app
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=server.run, args=([taken],), daemon=True)
        self._thread.start()
        until(lambda: server.started, "the web server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(10)


def read_profiles(folder: Path) -> dict[PracticeId, Profile]:
    """Two practices from the demo's own practice.toml. Only the first takes posts without end."""
    template = resources.files("cleargate.operations").joinpath("demo_practice.toml").read_text()
    found = {}
    without_end = IntakePolicy(posts_per_hour=1_000_000, api_calls_per_minute=1_000_000)
    limited = IntakePolicy(
        posts_per_hour=OTHERS_POSTS_PER_HOUR, api_calls_per_minute=OTHERS_CALLS_PER_MINUTE
    )
    for slug, intake in ((SLUG, without_end), (OTHER, limited)):
        path = folder / slug / "practice.toml"
        path.parent.mkdir()
        path.write_text(template.format_map(_Anything(slug=slug)))
        profile = read_practice(path).profile("http://127.0.0.1:9")
        found[profile.id] = replace(profile, intake=intake)
    return found


class _Anything(dict[str, str]):
    """Values for a practice.toml whose connections nobody uses."""

    def __missing__(self, key: str) -> str:
        known = {
            "npi": "1234567893",
            "phone": "+1 217 555 0100",
            "zone": "America/Chicago",
            "smtp_port": "1",
            "deadline_s": "5",
        }
        return known.get(key, "http://127.0.0.1:9")


def sample_gate(**changes: Any) -> Gate:
    """A gate about a plan that says nothing about the service."""
    plain = Gate(
        reason=GateReason.COVERAGE_UNCLEAR,
        tip="Call the payer about this service.",
        facts=(Fact("Payer", "Sample Payer"),),
        choices=(Choice.GO_ON, Choice.SELF_PAY, Choice.DECLINE),
        phase="booking.verify",
    )
    return replace(plain, **changes)


def lookalike_gate() -> Gate:
    """A gate with two offers to pick from."""
    return sample_gate(
        reason=GateReason.LOOKALIKE_PATIENT,
        choices=(Choice.USE_EXISTING, Choice.CREATE_NEW),
        offers=(Offer("record-1", "Toni Testperson"), Offer("record-2", "Tony Testperson")),
    )


def filled_form(**changes: str) -> dict[str, str]:
    """The form of an insured patient as it is sent, with a nonce of its own."""
    plain = {
        "nonce": uuid4().hex,
        "given": "Toni",
        "family": "Testperson",
        "birth_date": "02/28/1990",
        "sex": "female",
        "email": "toni@example.invalid",
        "phone": "(202) 555-0123",
        "mail_consent": "yes",
        "visit_type": "eval",
        "reason": "sample reason",
        "payment": "insurance",
        "primary_payer": "Aetna",
        "primary_member_id": "MEMBER0001",
        "primary_relationship": "self",
    }
    return plain | changes


IDLE = timedelta(minutes=15)

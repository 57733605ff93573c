"""The outside world for the conformance suites: a sandbox, and every connector ready to use.

A suite is about a port. A `...Case` is one connector of that port, with the few things that the
suite has to know of its vendor: how to make a call fail, and what the ledger saw.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest
from joserfc.jwk import ECKey

from cleargate.connectors.availity.client import AvailityClearinghouse
from cleargate.connectors.availity.settings import AvailitySettings
from cleargate.connectors.core_soap.client import CoreClearinghouse
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.connectors.optum.client import OptumClearinghouse
from cleargate.connectors.optum.settings import OptumSettings
from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.connectors.stedi_json.client import StediClearinghouse
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.nouns.eligibility import ContentKind, Inquiry, RawAnswer
from cleargate.nouns.ids import CaseId, Ref
from cleargate.nouns.time import SystemClock
from cleargate.ports import Clearinghouse, Messenger, PracticeSystem
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.world import SandboxOptions
from tests.unit.connectors.parts import Secrets, Tokens, Unlimited

KEY = ECKey.generate_key("P-384")
SECRETS = Secrets({"env:KEY": KEY.as_pem(private=True).decode()})
TENANT = "riverside"


def new_ref(step: str) -> Ref:
    return Ref(CaseId(uuid4()), step)


@dataclass(frozen=True)
class World:
    """A running sandbox, by its admin pages."""

    ready: dict

    def admin(self, page: str, body: dict | None = None) -> dict:
        url = f"{self.ready['base_url']}/_admin/{page}"
        answer = httpx2.get(url) if body is None else httpx2.post(url, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def fail(self, match: str, fault: str, times: int = 1) -> None:
        self.admin("faults", {"match": match, "fault": fault, "times": times})

    def ledger(self, name: str) -> list[dict]:
        return self.admin("ledger")[name]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A sandbox that fails only when it is told to; at its end nothing may have been done twice."""
    options = SandboxOptions(data=tmp_path_factory.mktemp("sandbox"), faults="none")
    with Sandbox(options) as sandbox:
        world = World(sandbox.ready)
        jwk = KEY.as_dict(private=False) | {"kid": "key-1", "alg": "ES384", "use": "sig"}
        client = {"tenant": TENANT, "client_id": "cleargate", "jwks": {"keys": [jwk]}}
        world.admin("clients", client)
        yield world
        duplicates = world.ledger("duplicates")
    assert duplicates == []


@pytest.fixture(autouse=True)
def _no_fault_is_left_over(world: World) -> Iterator[None]:
    yield
    world.admin("faults", {"clear": True})


@dataclass(frozen=True)
class SystemCase:
    """A practice system.

    `calls` names, per write of the port, the vendor's calls that write; `meets` says whether a
    fault can happen to a call at all.
    """

    world: World
    make: Callable[..., PracticeSystem]
    calls: dict[str, tuple[str, ...]]
    meets: Callable[[str, str], bool]
    zone: ZoneInfo


def _fhir(world: World) -> SystemCase:
    tenant = world.ready["tenants"][TENANT]

    def make(**settings) -> FhirPracticeSystem:
        chosen = {
            "base_url": tenant["fhir"],
            "zone": tenant["zone"],
            "service_type_system": "urn:cleargate:visit-type",
            "smart": {
                "client_id": "cleargate",
                "private_key": "env:KEY",
                "key_id": "key-1",
                "algorithm": "ES384",
                "scope": "system/*.cruds",
            },
        }
        return FhirPracticeSystem(
            "ehr",
            FhirSettings(**(chosen | settings)),
            secrets=SECRETS,
            tokens=Tokens(),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    call = f"ehr:{TENANT}:"
    return SystemCase(
        world,
        make,
        calls={
            "create_patient": (f"{call}create:Patient",),
            "put_insurance": (f"{call}create:Coverage",),
            "book": (f"{call}update:Slot", f"{call}create:Appointment"),
            "confirm": (f"{call}update:Appointment",),
            "cancel": (f"{call}update:Appointment", f"{call}update:Slot"),
            "record_eligibility": (f"{call}create:CoverageEligibilityResponse",),
        },
        meets=_meets_fhir,
        zone=ZoneInfo(tenant["zone"]),
    )


def _meets_fhir(fault: str, call: str) -> bool:
    """409 is about time that is taken, 412 about If-Match."""
    if fault == "409":
        return call.endswith((":Slot", ":Appointment"))
    return fault != "412" or ":update:" in call


@pytest.fixture(scope="module", params=[_fhir], ids=["fhir"])
def practice(request, world) -> SystemCase:
    """Each practice system in turn."""
    return request.param(world)


@dataclass(frozen=True)
class ClearinghouseCase:
    """A clearinghouse: `call` names its question to a payer, `{}` is the payer's code.

    `kind` is what a good answer is, `broken` what one is that breaks off, as the fault `cut`
    makes it. `holds` says whether an answer is whole and names somebody, `refuses` whether a payer
    says no in it, with its code. `stranger` is a setting with wrong credentials. `wrong` is what
    the clearinghouse refuses: settings, changes to the question, and the fields that it names.
    `answered_at` names the call that brings the answer, and how often it is made until then, where
    that is not the question itself but a later look.
    """

    world: World
    make: Callable[..., Clearinghouse]
    call: str
    kind: ContentKind
    broken: ContentKind
    cut: str
    holds: Callable[[bytes, str], bool]
    refuses: Callable[[bytes, str], bool]
    stranger: dict[str, object]
    wrong: tuple[dict[str, object], dict[str, object], tuple[str, ...]]
    answered_at: tuple[str, int] | None = None

    def spoil(self, fault: str) -> None:
        """Let a fault befall the call that brings the answer of payer 60054."""
        match, times = self.answered_at or (self.call.format("60054"), 1)
        self.world.fail(match, fault, times)


LOOKS_MAX = 5


def ask(clearinghouse: Clearinghouse, inquiry: Inquiry, ref: Ref) -> RawAnswer:
    """Ask, and look for the answer as often as the clearinghouse says that it comes later."""
    answer = clearinghouse.check_eligibility(inquiry, ref)
    for _ in range(LOOKS_MAX):
        if isinstance(answer, RawAnswer):
            return answer
        assert answer.retry_after_s is not None
        answer = clearinghouse.poll(answer.token)
    raise AssertionError("the answer did not come")


def _core_soap(world: World) -> ClearinghouseCase:
    place = world.ready["clearinghouse"]

    def make(**settings) -> CoreClearinghouse:
        chosen = {
            "base_url": place["url"],
            "username": place["username"],
            "password": "env:PASSWORD",
            "sender_id": "RIVERSIDE",
            "receiver_id": place["receiver_id"],
        }
        return CoreClearinghouse(
            "desk",
            CoreSettings(**(chosen | settings)),
            secrets=Secrets({"env:PASSWORD": place["password"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    def holds(content: bytes, family: str) -> bool:
        text = content.decode("ascii").strip()
        mark, end = text[3], text[105]
        return (
            text.startswith("ISA")
            and f"{end}IEA{mark}" in text.replace("\n", end)
            and f"{mark}{family.upper()}{mark}" in text.upper()
        )

    return ClearinghouseCase(
        world,
        make,
        "core:{}",
        kind=ContentKind.X12_271,
        broken=ContentKind.X12_271,
        cut="truncated_271",
        holds=holds,
        refuses=lambda content, code: f"**{code}*".encode() in content,
        stranger={"password": "env:WRONG"},
        wrong=({"receiver_id": "NOBODY"}, {}, ("ReceiverID",)),
    )


def _stedi_json(world: World) -> ClearinghouseCase:
    place = world.ready["stedi"]

    def make(**settings) -> StediClearinghouse:
        chosen = {"base_url": place["url"], "api_key": "env:KEY"}
        return StediClearinghouse(
            "desk",
            StediSettings(**(chosen | settings)),
            secrets=Secrets({"env:KEY": place["api_key"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    return _medical_network(world, make, "stedi:{}", {"api_key": "env:WRONG"})


def _optum(world: World) -> ClearinghouseCase:
    place = world.ready["optum"]

    def make(**settings) -> OptumClearinghouse:
        chosen = {
            "base_url": place["url"],
            "client_id": place["client_id"],
            "client_secret": "env:SECRET",
        }
        return OptumClearinghouse(
            "desk",
            OptumSettings(**(chosen | settings)),
            secrets=Secrets({"env:SECRET": place["client_secret"], "env:WRONG": "wrong"}),
            tokens=Tokens(),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    return _medical_network(world, make, "optum:{}", {"client_secret": "env:WRONG"})


def _availity(world: World) -> ClearinghouseCase:
    place = world.ready["availity"]

    def make(**settings) -> AvailityClearinghouse:
        chosen = {
            "base_url": place["url"],
            "environment": "live",
            "client_id": place["client_id"],
            "client_secret": "env:SECRET",
        }
        return AvailityClearinghouse(
            "desk",
            AvailitySettings(**(chosen | settings)),
            secrets=Secrets({"env:SECRET": place["client_secret"], "env:WRONG": "wrong"}),
            tokens=Tokens(),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    def holds(content: bytes, family: str) -> bool:
        told = json.loads(content)
        people = [told["subscriber"], told["patient"]]
        return bool(told["plans"]) and family.upper() in [one["lastName"] for one in people]

    def refuses(content: bytes, code: str) -> bool:
        return [one["code"] for one in json.loads(content)["validationMessages"]] == [code]

    return ClearinghouseCase(
        world,
        make,
        "availity:{}",
        kind=ContentKind.JSON,
        broken=ContentKind.TEXT,
        cut="malformed",
        holds=holds,
        refuses=refuses,
        stranger={"client_secret": "env:WRONG"},
        wrong=({}, {"service_types": ("PT-1",)}, ("serviceType",)),
        answered_at=("availity:poll", 2),
    )


def _medical_network(
    world: World, make: Callable[..., Clearinghouse], call: str, stranger: dict[str, object]
) -> ClearinghouseCase:
    def holds(content: bytes, family: str) -> bool:
        told = json.loads(content)
        people = [told["subscriber"], *told.get("dependents", [])]
        return bool(told["benefitsInformation"]) and family.upper() in [
            person["lastName"] for person in people
        ]

    def refuses(content: bytes, code: str) -> bool:
        return [error["code"] for error in json.loads(content)["errors"]] == [code]

    return ClearinghouseCase(
        world,
        make,
        call,
        kind=ContentKind.JSON,
        broken=ContentKind.TEXT,
        cut="malformed",
        holds=holds,
        refuses=refuses,
        stranger=stranger,
        wrong=({}, {"service_types": ("PT-1",)}, ("encounter", "serviceTypeCodes")),
    )


@pytest.fixture(
    scope="module",
    params=[_core_soap, _stedi_json, _optum, _availity],
    ids=["core_soap", "stedi_json", "optum", "availity"],
)
def desk(request, world) -> ClearinghouseCase:
    """Each clearinghouse in turn."""
    return request.param(world)


@dataclass(frozen=True)
class MessengerCase:
    """A messenger: `call` names its hand-over of a mail."""

    world: World
    make: Callable[..., Messenger]
    call: str


def _smtp(world: World) -> MessengerCase:
    def make(**settings) -> SmtpMessenger:
        chosen = world.ready["smtp"] | {"tls": "none", "sender": "desk@riverside.example.test"}
        return SmtpMessenger(
            "mail",
            SmtpSettings(**(chosen | settings)),
            secrets=Secrets(),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    return MessengerCase(world, make, "smtp:data")


@pytest.fixture(scope="module", params=[_smtp], ids=["smtp"])
def post(request, world) -> MessengerCase:
    """Each messenger in turn."""
    return request.param(world)

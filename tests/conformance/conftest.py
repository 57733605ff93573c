"""The outside world for the conformance suites: a sandbox, and every connector ready to use.

A suite is about a port. A `...Case` is one connector of that port, with the few things that the
suite has to know of its vendor: how to make a call fail, and what the ledger saw.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from uuid import uuid4
from xml.etree.ElementTree import fromstring
from zoneinfo import ZoneInfo

import httpx2
import pytest
from joserfc.jwk import ECKey

from cleargate.connectors.core_soap.client import CoreClearinghouse
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.connectors.stedi_json.client import StediClearinghouse
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.connectors.trizetto.client import TrizettoClearinghouse
from cleargate.connectors.trizetto.settings import TrizettoSettings
from cleargate.connectors.waystar.client import WaystarClearinghouse
from cleargate.connectors.waystar.settings import WaystarSettings
from cleargate.nouns.eligibility import ContentKind
from cleargate.nouns.ids import CaseId, Ref
from cleargate.nouns.patient import Contact, Name, Patient, Sex
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
    `unknown_payer` is what the answer about one is where it is of another kind.
    `garbled` is what a good answer is whose end is lost with its envelope, where it has one.
    `answers_refusals`: its refusal is an answer that coverage reads, and no error.
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
    unknown_payer: ContentKind | None = None
    garbled: ContentKind = ContentKind.TEXT
    answers_refusals: bool = False


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

    return ClearinghouseCase(
        world,
        make,
        "core:{}",
        kind=ContentKind.X12_271,
        broken=ContentKind.X12_271,
        cut="truncated_271",
        holds=_is_whole_271,
        refuses=lambda content, code: f"**{code}*".encode() in content,
        stranger={"password": "env:WRONG"},
        wrong=({"receiver_id": "NOBODY"}, {}, ("ReceiverID",)),
    )


def _is_whole_271(content: bytes, family: str) -> bool:
    text = content.decode("ascii").strip()
    mark, end = text[3], text[105]
    return (
        text.startswith("ISA")
        and f"{end}IEA{mark}" in text.replace("\n", end)
        and f"{mark}{family.upper()}{mark}" in text.upper()
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
        "stedi:{}",
        kind=ContentKind.JSON,
        broken=ContentKind.TEXT,
        cut="malformed",
        holds=holds,
        refuses=refuses,
        stranger={"api_key": "env:WRONG"},
        wrong=({}, {"service_types": ("PT-1",)}, ("encounter", "serviceTypeCodes")),
    )


def _trizetto(world: World) -> ClearinghouseCase:
    """TriZetto with the payer's own 271 in its envelope, as it is asked by default."""
    place = world.ready["trizetto"]

    def make(**settings) -> TrizettoClearinghouse:
        chosen = {
            "base_url": place["url"],
            "username": place["username"],
            "password": "env:PASSWORD",
        }
        return TrizettoClearinghouse(
            "desk",
            TrizettoSettings(**(chosen | settings)),
            secrets=Secrets({"env:PASSWORD": place["password"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    def refuses(content: bytes, code: str) -> bool:
        if code == "79":  # A payer that nobody knows is TriZetto's own no.
            return _told(content, "SuccessCode") == "PayerNotSupported"
        return f"**{code}*" in _told(content, "ResponseAsRawString")

    nameless = Patient(Name("Testperson", ""), date(1987, 2, 20), Sex.FEMALE, Contact())
    return ClearinghouseCase(
        world,
        make,
        "trizetto:{}",
        kind=ContentKind.XML,
        broken=ContentKind.XML,
        cut="truncated_271",
        holds=lambda content, family: _is_whole_271(
            _told(content, "ResponseAsRawString").encode(), family
        ),
        refuses=refuses,
        stranger={"password": "env:WRONG"},
        wrong=({}, {"patient": nameless}, ("name",)),
        answers_refusals=True,
    )


def _trizetto_xml(world: World) -> ClearinghouseCase:
    """TriZetto with the answer in its own words."""
    raw = _trizetto(world)
    words = {
        "42": "Unable to Respond at Current Time",
        "72": "Invalid/Missing Subscriber/Insured ID",
        "75": "Subscriber/Insured Not Found",
    }

    def holds(content: bytes, family: str) -> bool:
        document = fromstring(_told(content, "ResponseAsXml"))
        return bool(document.findall(".//benefit")) and family.upper() in [
            node.text for node in document.iter("last")
        ]

    def refuses(content: bytes, code: str) -> bool:
        if code == "79":
            return raw.refuses(content, code)
        document = fromstring(_told(content, "ResponseAsXml"))
        return [node.text for node in document.iter("rejectreason")] == [words[code]]

    return replace(
        raw,
        make=lambda **settings: raw.make(response="Xml", **settings),
        holds=holds,
        refuses=refuses,
    )


def _waystar(world: World) -> ClearinghouseCase:
    place = world.ready["waystar"]

    def make(**settings) -> WaystarClearinghouse:
        chosen = {
            "base_url": place["url"],
            "username": place["username"],
            "password": "env:PASSWORD",
        }
        return WaystarClearinghouse(
            "desk",
            WaystarSettings(**(chosen | settings)),
            secrets=Secrets({"env:PASSWORD": place["password"], "env:WRONG": "wrong"}),
            budget=Unlimited(),
            clock=SystemClock(),
        )

    def refuses(content: bytes, code: str) -> bool:
        if code == "79":  # A payer that nobody knows is Waystar's own no, on a page.
            return b"is not setup for eligibility" in content
        return f"||{code}|".encode() in content

    return ClearinghouseCase(
        world,
        make,
        "waystar:{}",
        kind=ContentKind.X12_271,
        broken=ContentKind.X12_271,
        cut="truncated_271",
        holds=_is_whole_271,
        refuses=refuses,
        stranger={"password": "env:WRONG"},
        wrong=({"receiver_id": "NOBODY"}, {}, ()),
        unknown_payer=ContentKind.TEXT,
        garbled=ContentKind.X12_271,
        answers_refusals=True,
    )


def _told(content: bytes, name: str) -> str:
    """What an element of DoInquiry's answer holds."""
    return fromstring(content).findtext(f".//{{GatewayEDI.WebServices}}{name}") or ""


@pytest.fixture(
    scope="module",
    params=[_core_soap, _stedi_json, _trizetto, _trizetto_xml, _waystar],
    ids=lambda made: made.__name__.strip("_"),
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

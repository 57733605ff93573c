"""The outside world for the conformance suites: a sandbox, and every connector ready to use.

A suite is about a port. A `...Case` is one connector of that port, with the few things that the
suite has to know of its vendor: how to make a call fail, and what the ledger saw.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from joserfc.jwk import ECKey

from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.nouns.ids import CaseId, Ref
from cleargate.nouns.time import SystemClock
from cleargate.ports import Messenger, PracticeSystem
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.world import SandboxOptions
from tests.conformance.clearinghouses import CLEARINGHOUSES, ClearinghouseCase
from tests.conformance.outside import World
from tests.unit.connectors.parts import Secrets, Tokens, Unlimited

KEY = ECKey.generate_key("P-384")
SECRETS = Secrets({"env:KEY": KEY.as_pem(private=True).decode()})
TENANT = "riverside"


def new_ref(step: str) -> Ref:
    return Ref(CaseId(uuid4()), step)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A sandbox that fails only when it is told to.

    At its end nothing may have been done twice, and every call that it received must have been told
    to the recorder with the digest of the very bytes that came.
    """
    options = SandboxOptions(data=tmp_path_factory.mktemp("sandbox"), faults="none")
    with Sandbox(options) as sandbox:
        world = World(sandbox.ready)
        jwk = KEY.as_dict(private=False) | {"kid": "key-1", "alg": "ES384", "use": "sig"}
        client = {"tenant": TENANT, "client_id": "cleargate", "jwks": {"keys": [jwk]}}
        world.admin("clients", client)
        yield world
        duplicates = world.ledger("duplicates")
        untold, invented = world.unmatched()
    assert duplicates == []
    assert invented == Counter()
    assert world.told_elsewhere or untold == Counter()


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
            recorder=world.calls,
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


@pytest.fixture(
    scope="module",
    params=CLEARINGHOUSES,
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
            recorder=world.calls,
            clock=SystemClock(),
        )

    return MessengerCase(world, make, "smtp:data")


@pytest.fixture(scope="module", params=[_smtp], ids=["smtp"])
def post(request, world) -> MessengerCase:
    """Each messenger in turn."""
    return request.param(world)

"""A practice whose system is sekmet, and what tests do to the way there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2

from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.nouns.appointment import Opening
from cleargate.nouns.errors import PortError
from cleargate.nouns.ids import REF_SYSTEM, Ref
from cleargate.nouns.time import SystemClock
from cleargate.ports import RecordKind
from tests.conformance import sekmet
from tests.conformance.conftest import KEY, SECRETS
from tests.conformance.sekmet import Sekmet
from tests.unit.connectors.parts import Calls, Tokens, Unlimited

ZONE = ZoneInfo("America/Chicago")
SYSTEM = "urn:cleargate:visit-type"
TYPES = {
    RecordKind.PATIENT: "Patient",
    RecordKind.INSURANCE: "Coverage",
    RecordKind.BOOKING: "Appointment",
    RecordKind.ELIGIBILITY: "CoverageEligibilityResponse",
}
SCOPE = (
    "system/Patient.crs system/Coverage.crs system/CoverageEligibilityResponse.crs"
    " system/Appointment.crus system/Slot.rus"
    " system/Schedule.rs system/Practitioner.rs system/Location.rs"
)
_days = count(1)


@dataclass(frozen=True)
class Practice:
    """A practice whose system is sekmet."""

    server: Sekmet

    def make(self, transport: httpx2.BaseTransport | None = None, **settings) -> FhirPracticeSystem:
        smart = {
            "client_id": "cleargate",
            "private_key": "env:KEY",
            "key_id": "key-1",
            "algorithm": "ES384",
            "scope": SCOPE,
        }
        chosen = {
            "base_url": self.server.base,
            "zone": ZONE.key,
            "service_type_system": SYSTEM,
            "smart": smart | settings.pop("smart", {}),
        }
        return FhirPracticeSystem(
            "ehr",
            FhirSettings(**(chosen | settings)),
            secrets=SECRETS,
            tokens=Tokens(),
            budget=Unlimited(),
            recorder=Calls(),
            clock=SystemClock(),
            transport=transport,
        )

    def openings(self, number: int) -> list[Opening]:
        """Fresh Slots of a day that no other test uses, as the connector would find them."""
        day = datetime.now(ZONE).date() + timedelta(days=next(_days))
        made = []
        for place in range(number):
            start = datetime(day.year, day.month, day.day, 8, tzinfo=ZONE) + timedelta(
                minutes=30 * place
            )
            self.add_slot(f"slot-{day}-{place}", start)
            made.append(
                Opening(start, timedelta(minutes=30), "Pat Sample", "Main", f"slot-{day}-{place}")
            )
        return made

    def add_slot(self, slot_id: str, start: datetime, **members) -> None:
        chosen = {
            "schedule": {"reference": "Schedule/s1"},
            "status": "free",
            "serviceType": [{"coding": [{"system": SYSTEM, "code": "eval"}]}],
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
        }
        self.server.put("Slot", slot_id, **(chosen | members))

    def count(self, kind: RecordKind, ref: Ref) -> int:
        return len(self.server.search(TYPES[kind], identifier=f"{REF_SYSTEM}|{ref.value}"))

    def slot(self, opening: Opening) -> dict:
        return self.server.get("Slot", opening.token)

    def is_free(self, opening: Opening) -> bool:
        """Whether it can be booked, and nothing of ours is left on it."""
        found = self.slot(opening)
        return found["status"] == "free" and "identifier" not in found


@contextmanager
def practice_at(folder: Path, port: int, **settings) -> Iterator[Practice]:
    """A practice that its own people have set up, and that has registered us by our key page."""
    jwk = KEY.as_dict(private=False) | {"kid": "key-1", "alg": "ES384", "use": "sig"}
    with sekmet.key_page({"keys": [jwk]}) as jwks_url:
        client = {"client_id": "cleargate", "jwks_url": jwks_url, "scopes": "system/*.cruds"}
        with sekmet.running(folder, port, [client], **settings) as server:
            furnish(server)
            yield Practice(server)


def furnish(server: Sekmet) -> None:
    server.put("Practitioner", "d1", name=[{"family": "Sample", "given": ["Pat"]}])
    server.put("Location", "l1", name="Main")
    actors = [{"reference": "Practitioner/d1"}, {"reference": "Location/l1"}]
    server.put("Schedule", "s1", actor=actors)


class Scissors(httpx2.HTTPTransport):
    """The network, cut at one call: before it leaves, or before its answer comes back."""

    def __init__(self, cut: int, *, is_sent: bool) -> None:
        super().__init__()
        self._left = cut
        self._is_sent = is_sent

    @property
    def has_cut(self) -> bool:
        return self._left <= 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._left -= 1
        if self._left == 0:
            if self._is_sent:
                super().handle_request(request).read()
            raise httpx2.ReadError("cut", request=request)
        return super().handle_request(request)


def at_once(number: int, act: Callable[[int], object]) -> tuple[list, list[PortError]]:
    """What as many threads got and what they were refused, started together."""
    got, lost, gate = [], [], threading.Barrier(number)

    def run(place: int) -> None:
        gate.wait(timeout=20)
        try:
            got.append(act(place))
        except PortError as failure:
            lost.append(failure)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(got) + len(lost) == number
    return got, lost

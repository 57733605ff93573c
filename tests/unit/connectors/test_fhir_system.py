"""Slots that the practice's own software has touched while we held them."""

import json
from datetime import timedelta

import httpx2
import pytest
from joserfc.jwk import ECKey

from cleargate.connectors.fhir.mapping import identifier
from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.fhir.system import FhirPracticeSystem
from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening
from cleargate.nouns.case import Outcome
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.ids import Ref
from cleargate.ports import RecordKind
from tests.unit.connectors.parts import NOW, Calls, FixedClock, Secrets, Tokens, Unlimited, ref
from tests.unit.connectors.test_fhir_client import BASE, SMART, error_of

KEY = ECKey.generate_key("P-384").as_pem(private=True).decode()
MINE, OTHER, CANCEL = ref("book", 1), ref("book", 2), ref("cancel", 1)
TENTATIVE = BookingDetails("eval", BookingStatus.TENTATIVE)
OPENING = Opening(NOW + timedelta(days=1), timedelta(minutes=30), "", "", "s1")


class Server:
    """A FHIR server with records in a dict: reads, If-Match updates, creates, searches by type.

    It ignores every filter, so that a connector that trusts one is found out.
    """

    def __init__(self, *resources: dict, slot_parameter: bool = True) -> None:
        self.records = {f"{r['resourceType']}/{r['id']}": r for r in resources}
        self.gone: set[str] = set()
        self.parameters = ["identifier", "slot"] if slot_parameter else ["identifier"]

    def __getitem__(self, name: str) -> dict:
        return self.records[name]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/fhir/")
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": "t", "expires_in": 300})
        if path == "metadata":
            return httpx2.Response(200, json=self._statement())
        if path.endswith("/_search"):
            kind = path.partition("/")[0]
            found = [r for r in self.records.values() if r["resourceType"] == kind]
            page = {"resourceType": "Bundle", "entry": [{"resource": r} for r in found]}
            return httpx2.Response(200, json=page)
        if path in self.gone:
            return httpx2.Response(410, json={"issue": [{"code": "deleted"}]})
        if request.method == "GET":
            return httpx2.Response(200, json=self.records[path])
        return self._write(request, path)

    def _write(self, request: httpx2.Request, path: str) -> httpx2.Response:
        body = json.loads(request.content)
        if request.method == "POST":
            path = f"{path}/new"
            self.records[path] = body | {"id": "new", "meta": {"versionId": "1"}}
            return httpx2.Response(201, headers={"Location": f"{BASE}/{path}/_history/1"})
        version = self.records[path]["meta"]["versionId"]
        if request.headers["if-match"] != f'W/"{version}"':
            return httpx2.Response(412)
        self.records[path] = body | {"meta": {"versionId": str(int(version) + 1)}}
        return httpx2.Response(200, json=self.records[path])

    def _statement(self) -> dict:
        about = {"interaction": [{"code": "create"}], "conditionalCreate": True}
        about["searchParam"] = [{"name": name} for name in self.parameters]
        kinds = [about | {"type": kind} for kind in ("Appointment", "Slot")]
        return {"resourceType": "CapabilityStatement", "rest": [{"resource": kinds}]}


def slot(status: str, *refs: Ref) -> dict:
    """A Slot with the marks of these Refs."""
    return {
        "resourceType": "Slot",
        "id": "s1",
        "meta": {"versionId": "1"},
        "status": status,
        "start": OPENING.start.isoformat(),
        "end": (OPENING.start + OPENING.duration).isoformat(),
        "identifier": [{"system": "urn:theirs", "value": "9"}, *map(identifier, refs)],
    }


def visit(number: int, status: str, *refs: Ref, place: str = "s1") -> dict:
    return {
        "resourceType": "Appointment",
        "id": f"a{number}",
        "meta": {"versionId": "1"},
        "status": status,
        "slot": [{"reference": f"{BASE}/Slot/{place}"}],
        "identifier": [identifier(each) for each in refs],
    }


def make(server: Server) -> FhirPracticeSystem:
    smart = SMART | {"algorithm": "ES384", "token_url": "http://127.0.0.1:1/token"}
    return FhirPracticeSystem(
        "ehr",
        FhirSettings(base_url=BASE, smart=smart, zone="America/Chicago"),
        secrets=Secrets({"env:KEY": KEY}),
        tokens=Tokens(),
        budget=Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
        transport=httpx2.MockTransport(server),
    )


def cancel(server: Server) -> Outcome:
    return make(server).set_booking_status("a1", BookingStatus.CANCELLED, CANCEL).outcome


def marks(server: Server) -> set[str]:
    return {each["value"] for each in server["Slot/s1"].get("identifier", [])} - {"9"}


class TestRelease:
    @pytest.mark.parametrize("status", ["pending", "cancelled"])
    def test_a_slot_that_holds_nobody_else_is_freed(self, status):
        others = [visit(2, "cancelled"), visit(3, "booked", place="s2")]
        server = Server(slot("busy", MINE), visit(1, status, MINE), *others)
        cancel(server)
        assert (server["Slot/s1"]["status"], marks(server)) == ("free", set())

    @pytest.mark.parametrize("status", ["booked", "pending", "arrived"])
    def test_a_slot_with_a_visit_of_somebody_else_only_loses_our_mark(self, status):
        server = Server(slot("busy", MINE), visit(1, "cancelled", MINE), visit(2, status))
        assert cancel(server) is Outcome.EXISTED
        assert (server["Slot/s1"]["status"], marks(server)) == ("busy", set())

    def test_a_slot_that_another_ref_holds_as_well_stays_with_it(self):
        server = Server(slot("busy", MINE, OTHER), visit(1, "cancelled", MINE))
        cancel(server)
        assert (server["Slot/s1"]["status"], marks(server)) == ("busy", {OTHER.value})

    def test_where_visits_cannot_be_searched_by_slot_the_mark_alone_counts(self):
        visits = visit(1, "cancelled", MINE), visit(2, "booked")
        server = Server(slot("busy", MINE), *visits, slot_parameter=False)
        cancel(server)
        assert server["Slot/s1"]["status"] == "free"

    def test_a_slot_that_has_gone_needs_no_release(self):
        server = Server(slot("busy", MINE), visit(1, "pending", MINE))
        server.gone.add("Slot/s1")
        assert cancel(server) is Outcome.CREATED
        assert make(server).find_by_ref(RecordKind.BOOKING, CANCEL).id == "a1"


class TestClaim:
    def test_a_slot_that_was_freed_is_claimed_again_by_the_same_ref(self):
        server = Server(slot("free", MINE))
        make(server).book(OPENING, "p1", TENTATIVE, MINE)
        assert (server["Slot/s1"]["status"], marks(server)) == ("busy", {MINE.value})

    def test_the_mark_of_an_earlier_visit_goes_with_the_next_claim(self):
        server = Server(slot("free", OTHER))
        make(server).book(OPENING, "p1", TENTATIVE, MINE)
        assert (server["Slot/s1"]["status"], marks(server)) == ("busy", {MINE.value})

    def test_a_slot_with_our_mark_that_was_given_to_somebody_else_is_taken(self):
        server = Server(slot("busy", MINE), visit(2, "booked"))
        error = error_of(lambda: make(server).book(OPENING, "p1", TENTATIVE, MINE))
        assert (error.kind, error.vendor_code) == (ErrorKind.CONFLICT, "slot_taken")
        assert (server["Slot/s1"]["status"], marks(server)) == ("busy", set())

    def test_a_claim_of_an_unfinished_try_goes_on(self):
        server = Server(slot("busy", MINE))
        made = make(server).book(OPENING, "p1", TENTATIVE, MINE)
        assert (made.id, made.outcome) == ("new", Outcome.CREATED)
        assert server["Slot/s1"]["meta"]["versionId"] == "1"

    def test_a_slot_that_has_gone_is_taken(self):
        server = Server(slot("free"))
        server.gone.add("Slot/s1")
        error = error_of(lambda: make(server).book(OPENING, "p1", TENTATIVE, MINE))
        assert (error.kind, error.vendor_code) == (ErrorKind.CONFLICT, "slot_gone")

import json
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx2
import pytest

from cleargate.connectors.fhir.client import FhirClient
from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.wires.http import Http
from cleargate.nouns.case import Outcome
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import REF_SYSTEM
from cleargate.ports import Dedupe
from tests.unit.connectors.parts import Calls, FixedClock, Secrets, Unlimited, ref

BASE = "http://127.0.0.1:1/fhir"
REF = ref()
SMART = {"client_id": "c", "private_key": "env:KEY", "key_id": "k", "scope": "system/*.cruds"}
MINE = {"system": REF_SYSTEM, "value": REF.value}


def statement(*, conditional: bool = True, interactions=("create",), params=("identifier",)):
    return {
        "resourceType": "CapabilityStatement",
        "rest": [
            {
                "resource": [
                    {
                        "type": "Patient",
                        "interaction": [{"code": code} for code in interactions],
                        "conditionalCreate": conditional,
                        "searchParam": [{"name": name} for name in params],
                    }
                ]
            }
        ],
    }


def bundle(*resources, next_url: str = "", total: int | None = None) -> dict:
    page: dict = {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}
    if next_url:
        page["link"] = [{"relation": "next", "url": next_url}]
    if total is not None:
        page["total"] = total
    return page


def patient(number: int, **members) -> dict:
    return {"resourceType": "Patient", "id": f"p{number}", "meta": {"versionId": "1"}} | members


class Peer:
    """Answers that a test lays out per `METHOD path`; the last one of a path stays."""

    def __init__(self, answers: dict[str, list]) -> None:
        self.answers = {"GET /fhir/metadata": [statement()]} | answers
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        waiting = self.answers[f"{request.method} {request.url.path}"]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Callable):
            answer = answer(request)
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)

    def sent(self, path: str) -> list[httpx2.Request]:
        return [request for request in self.requests if request.url.path == path]


def make(answers: dict[str, list], **settings) -> tuple[FhirClient, Peer]:
    peer = Peer(answers)
    chosen = FhirSettings(base_url=BASE, smart=SMART, zone="America/Chicago", **settings)
    http = Http(
        "ehr",
        chosen,
        secrets=Secrets(),
        budget=Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
        transport=httpx2.MockTransport(peer),
    )
    return FhirClient(http, http, chosen), peer


def error_of(act: Callable[[], object]) -> PortError:
    with pytest.raises(PortError) as caught:
        act()
    return caught.value


class TestSearch:
    def test_names_and_dates_travel_in_the_body(self):
        client, peer = make({"POST /fhir/Patient/_search": [bundle()]})
        client.search("Patient", [("family", "Testperson"), ("birthdate", "1987-02-20")])
        assert dict(parse_qsl(peer.requests[-1].content.decode()))["family"] == "Testperson"
        assert "Testperson" not in str(peer.requests[-1].url)

    def test_all_pages_are_read_and_each_hit_is_counted_once(self):
        client, _peer = make(
            {
                "POST /fhir/Patient/_search": [
                    bundle(patient(1), patient(2), next_url=f"{BASE}/page?n=2")
                ],
                "GET /fhir/page": [bundle(patient(2), patient(3))],
            }
        )
        found = client.search("Patient", [("family", "x")])
        assert [hit["id"] for hit in found] == ["p1", "p2", "p3"]

    def test_other_types_in_the_page_are_no_hits(self):
        outcome = {"resourceType": "OperationOutcome", "issue": [{"code": "informational"}]}
        client, _ = make({"POST /fhir/Patient/_search": [bundle(patient(1), outcome)]})
        assert len(client.search("Patient", [("family", "x")])) == 1

    def test_pages_without_end_are_an_error(self):
        endless = [bundle(patient(1), next_url=f"{BASE}/page?n=2")]
        client, peer = make(
            {"POST /fhir/Patient/_search": list(endless), "GET /fhir/page": endless}, pages_max=5
        )
        error = error_of(lambda: client.search("Patient", [("family", "x")]))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "too_many_hits")
        assert len(peer.requests) == 6

    def test_a_full_page_without_a_next_is_the_whole_when_one_more_brings_no_more(self):
        client, peer = make(
            {"POST /fhir/Patient/_search": [bundle(*map(patient, range(10)))]}, page_size=10
        )
        assert len(client.search("Patient", [("family", "x")])) == 10
        counts = [dict(parse_qsl(r.content.decode()))["_count"] for r in peer.requests]
        assert counts == ["10", "11"]

    def test_a_full_page_is_the_whole_when_the_total_says_so(self):
        full = bundle(*map(patient, range(10)), total=10)
        client, peer = make({"POST /fhir/Patient/_search": [full]}, page_size=10)
        assert len(client.search("Patient", [("family", "x")])) == 10
        assert len(peer.requests) == 1

    def test_a_result_that_the_server_cuts_off_is_an_error(self):
        def as_many_as_asked(request):
            count = int(dict(parse_qsl(request.content.decode()))["_count"])
            return bundle(*map(patient, range(count)))

        client, _ = make({"POST /fhir/Patient/_search": [as_many_as_asked]}, page_size=10)
        error = error_of(lambda: client.search("Patient", [("family", "x")]))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "too_many_hits")

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1:1/p",
            "http://127.0.0.2:1/p",
            "http://127.0.0.1:2/p",
            "/p",
            "http://[",
        ],
    )
    def test_a_next_link_may_not_lead_the_token_elsewhere(self, url):
        client, peer = make({"POST /fhir/Patient/_search": [bundle(next_url=url)]})
        error = error_of(lambda: client.search("Patient", [("family", "x")]))
        assert error.vendor_code == "foreign_link"
        assert len(peer.requests) == 1

    @pytest.mark.parametrize(
        "body",
        [b"<html>Welcome</html>", b'{"resourceType":"Bundle","entry":[', b"{}", b"[]", b""],
    )
    def test_a_success_that_is_no_bundle_is_not_an_empty_result(self, body):
        client, _ = make({"POST /fhir/Patient/_search": [httpx2.Response(200, content=body)]})
        error = error_of(lambda: client.search("Patient", [("family", "x")]))
        assert (error.kind, error.vendor_code) == (ErrorKind.RETRYABLE, "unreadable_answer")


class TestFind:
    def test_hits_that_do_not_carry_the_ref_are_not_ours(self):
        others = [patient(1), patient(2, identifier=[{"system": "other", "value": REF.value}])]
        client, _ = make({"POST /fhir/Patient/_search": [bundle(*others)]})
        assert client.find("Patient", REF) is None

    def test_the_record_that_carries_the_ref_is_found_among_others(self):
        page = bundle(patient(1), patient(2, identifier=[MINE]))
        client, _ = make({"POST /fhir/Patient/_search": [page]})
        assert client.find("Patient", REF)["id"] == "p2"

    def test_two_records_with_one_ref_are_for_a_person(self):
        page = bundle(patient(1, identifier=[MINE]), patient(2, identifier=[MINE]))
        client, _ = make({"POST /fhir/Patient/_search": [page]})
        error = error_of(lambda: client.find("Patient", REF))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "duplicate_ref")


def create(client: FhirClient):
    return client.create({"resourceType": "Patient", "identifier": [MINE]}, REF)


class TestCreate:
    def test_the_condition_is_our_ref(self):
        created = httpx2.Response(201, headers={"Location": f"{BASE}/Patient/p7/_history/1"})
        client, peer = make({"POST /fhir/Patient": [created]})
        receipt = create(client)
        assert (receipt.id, receipt.outcome, receipt.version) == ("p7", Outcome.CREATED, "1")
        condition = peer.requests[-1].headers["if-none-exist"]
        assert condition == f"identifier={REF_SYSTEM}|{REF.value}"

    @pytest.mark.parametrize("status", [200, 201])
    @pytest.mark.parametrize("body", [b"", json.dumps(patient(8)).encode(), b"<html></html>"])
    def test_an_answer_that_does_not_show_our_record_is_checked_by_a_search(self, status, body):
        client, _peer = make(
            {
                "POST /fhir/Patient": [httpx2.Response(status, content=body)],
                "POST /fhir/Patient/_search": [bundle(patient(7, identifier=[MINE]))],
            }
        )
        assert create(client).id == "p7"

    def test_a_location_that_is_no_address_is_none(self):
        created = httpx2.Response(201, headers={"Location": "http://["})
        found = bundle(patient(7, identifier=[MINE]))
        client, _ = make({"POST /fhir/Patient": [created], "POST /fhir/Patient/_search": [found]})
        assert create(client).id == "p7"

    @pytest.mark.parametrize("status", [200, 201])
    def test_a_success_without_a_record_is_in_doubt(self, status):
        client, _ = make(
            {
                "POST /fhir/Patient": [httpx2.Response(status)],
                "POST /fhir/Patient/_search": [bundle()],
            }
        )
        error = error_of(lambda: create(client))
        assert (error.kind, error.vendor_code) == (ErrorKind.AMBIGUOUS, "unreadable_answer")

    def test_an_existing_record_without_a_location_is_taken_from_the_body(self):
        shown = patient(7, identifier=[MINE], meta={"versionId": "3"})
        client, _peer = make({"POST /fhir/Patient": [shown]})
        receipt = create(client)
        assert (receipt.id, receipt.outcome, receipt.version) == ("p7", Outcome.EXISTED, "3")

    def test_without_conditional_create_the_ref_is_looked_for_first(self):
        client, peer = make(
            {
                "GET /fhir/metadata": [statement(conditional=False)],
                "POST /fhir/Patient/_search": [bundle(patient(7, identifier=[MINE]))],
            }
        )
        assert client.dedupe("Patient") is Dedupe.SEARCHABLE_REF
        assert create(client).outcome is Outcome.EXISTED
        assert peer.sent("/fhir/Patient") == []

    @pytest.mark.parametrize(
        "known",
        [
            statement(interactions=("read",)),
            statement(conditional=False, params=("family",)),
            {"resourceType": "CapabilityStatement"},
        ],
    )
    def test_a_server_that_could_not_keep_it_to_once_gets_no_write(self, known):
        client, peer = make({"GET /fhir/metadata": [known]})
        assert error_of(lambda: create(client)).kind is ErrorKind.UNSUPPORTED
        assert peer.sent("/fhir/Patient") == []

    def test_many_matches_are_for_a_person(self):
        client, _ = make({"POST /fhir/Patient": [httpx2.Response(412)]})
        assert error_of(lambda: create(client)).kind is ErrorKind.REJECTED

    def test_a_refusal_names_elements_and_never_values(self):
        outcome = {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "code": "invalid",
                    "diagnostics": "Testperson is no date",
                    "details": {"text": "Testperson"},
                    "expression": ["Patient.birthDate", "the value Testperson"],
                }
            ],
        }
        client, _ = make({"POST /fhir/Patient": [httpx2.Response(422, json=outcome)]})
        error = error_of(lambda: create(client))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "422:invalid")
        assert error.fields == ("Patient.birthDate",)
        assert "Testperson" not in repr(vars(error))

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("Patient.name[0].given[1]", True),
            ("Patient.name.0.given.1", True),
            ("Patient.name.0.1", False),
            ("Patient.214.555.0123", False),
            ("Patient.name[0].given[19870220]", False),
        ],
    )
    def test_a_place_in_a_list_may_be_written_in_two_ways(self, written, kept):
        outcome = {"issue": [{"code": "structure", "expression": [written]}]}
        client, _ = make({"POST /fhir/Patient": [httpx2.Response(400, json=outcome)]})
        assert error_of(lambda: create(client)).fields == ((written,) if kept else ())

    @pytest.mark.parametrize(
        ("issue", "kind"), [("forbidden", "auth"), ("business-rule", "rejected")]
    )
    def test_a_403_about_one_record_does_not_stop_the_connection(self, issue, kind):
        refused = httpx2.Response(403, json={"issue": [{"code": issue}]})
        client, _ = make({"POST /fhir/Patient": [refused]})
        assert error_of(lambda: create(client)).kind == kind


class TestUpdate:
    def test_a_record_goes_back_over_the_version_in_which_it_was_read(self):
        client, peer = make({"PUT /fhir/Patient/p1": [patient(1, meta={"versionId": "6"})]})
        assert client.update(patient(1, meta={"versionId": "5"}, unknown={"kept": 1})) == "6"
        assert peer.requests[-1].headers["if-match"] == 'W/"5"'
        assert json.loads(peer.requests[-1].content)["unknown"] == {"kept": 1}

    def test_an_empty_success_is_believed_with_a_version(self):
        client, _ = make({"PUT /fhir/Patient/p1": [httpx2.Response(200, headers={"ETag": '"6"'})]})
        assert client.update(patient(1)) == "6"

    @pytest.mark.parametrize("body", [b"<html></html>", json.dumps(patient(2)).encode(), b""])
    def test_a_success_about_something_else_is_in_doubt(self, body):
        client, _ = make({"PUT /fhir/Patient/p1": [httpx2.Response(200, content=body)]})
        assert error_of(lambda: client.update(patient(1))).kind is ErrorKind.AMBIGUOUS

    def test_without_versions_nothing_is_overwritten(self):
        client, peer = make({})
        assert error_of(lambda: client.update(patient(1, meta={}))).kind is ErrorKind.UNSUPPORTED
        assert peer.requests == []


def test_another_record_than_the_one_asked_for_is_not_taken():
    client, _ = make({"GET /fhir/Patient/p1": [patient(2)]})
    assert error_of(lambda: client.read("Patient", "p1")).vendor_code == "unreadable_answer"


@pytest.mark.parametrize(
    ("status", "issue", "is_gone"),
    [
        (404, "not-found", True),
        (410, "deleted", True),
        (410, "", True),
        (404, "", False),
        (404, "not-supported", False),
        (403, "forbidden", False),
        (500, "exception", False),
    ],
)
def test_a_record_has_gone_only_when_the_server_says_so(status, issue, is_gone):
    body = {"resourceType": "OperationOutcome", "issue": [{"code": issue}]} if issue else {}
    client, _ = make({"GET /fhir/Patient/p1": [httpx2.Response(status, json=body)]})
    if is_gone:
        assert client.read_if_there("Patient", "p1") is None
    else:
        error_of(lambda: client.read_if_there("Patient", "p1"))


def test_an_id_cannot_leave_its_place_in_the_address():
    client, peer = make({"GET /fhir/Patient/../../admin": [httpx2.Response(404)]})
    error_of(lambda: client.read("Patient", "../../admin"))
    assert peer.requests[0].url.raw_path == b"/fhir/Patient/..%2F..%2Fadmin"

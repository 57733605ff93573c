import json
from dataclasses import replace
from datetime import date

import httpx2
import pytest

from cleargate.connectors.stedi_json.client import StediClearinghouse
from cleargate.connectors.stedi_json.settings import ELIGIBILITY, StediSettings
from cleargate.connectors.wires.questions import control_number
from cleargate.nouns.eligibility import Asker, ContentKind, Detail, Inquiry, ServiceList
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Address, Contact, Name, Patient, Sex
from tests.unit.connectors.parts import Calls, FixedClock, Secrets, Unlimited, ref

ANSWER = '{"meta": {"traceId": "1"},  "benefitsInformation": [{"code": "1"}], "é": 1.50}\n'
CHECK = "ec_550e8400-e29b-41d4-a716-446655440000"
INQUIRY = Inquiry(
    payer_code="60054",
    payer_name="Aetna",
    asker=Asker("Sample Clinic", "1234567893"),
    patient=Patient(
        Name("Testperson", "Amy"),
        date(1987, 2, 20),
        Sex.FEMALE,
        Contact("amy@mail.example.test", "+12175550100", Address("1 Elm", "Town", "IL", "62701")),
    ),
    insurance=Insurance("aetna", "Aetna", "W123456789", "G1"),
    service_types=("PT", "30"),
    service_date=date(2026, 12, 1),
    trace="5d0e8f6c2b9c1f5a7e11",
)
HOLDER = Subscriber(Name("Holderperson", "Max"), date(1960, 7, 8), Sex.UNKNOWN)


class Desk:
    """One clearinghouse that gives one answer and remembers the question."""

    def __init__(self, content: str | bytes = ANSWER, status: int = 200, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = httpx2.Response(status, content=body, headers=named)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answer


def make(desk: Desk, **settings) -> StediClearinghouse:
    return StediClearinghouse(
        "desk",
        StediSettings(**({"api_key": "env:KEY"} | settings)),
        secrets=Secrets({"env:KEY": "test_key.123"}),
        budget=Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
        transport=httpx2.MockTransport(desk),
    )


def ask(desk: Desk, inquiry: Inquiry = INQUIRY, **settings):
    return make(desk, **settings).check_eligibility(inquiry, ref("ask"))


def refused(desk: Desk, inquiry: Inquiry = INQUIRY) -> PortError:
    with pytest.raises(PortError) as caught:
        ask(desk, inquiry)
    for value in ("Testperson", "W123456789", "1987"):
        assert value not in repr(vars(caught.value)) + str(caught.value)
    return caught.value


class TestQuestion:
    def sent(self, inquiry: Inquiry = INQUIRY) -> tuple[httpx2.Request, dict]:
        desk = Desk()
        ask(desk, inquiry)
        return desk.requests[0], json.loads(desk.requests[0].content)

    def test_it_is_posted_as_json_with_the_key_and_nobody_in_its_address(self):
        request, _ = self.sent()
        assert (request.method, str(request.url)) == ("POST", ELIGIBILITY)
        assert request.headers["authorization"] == "test_key.123"
        assert request.headers["content-type"] == "application/json"

    def test_it_names_payer_practice_member_service_and_date(self):
        _, asked = self.sent()
        assert asked == {
            "controlNumber": f"{control_number(ref('ask')):09d}",
            "tradingPartnerServiceId": "60054",
            "provider": {"organizationName": "Sample Clinic", "npi": "1234567893"},
            "subscriber": {
                "firstName": "Amy",
                "lastName": "Testperson",
                "memberId": "W123456789",
                "dateOfBirth": "19870220",
            },
            "encounter": {"serviceTypeCodes": ["PT", "30"], "dateOfService": "20261201"},
            "externalPatientId": "5d0e8f6c2b9c1f5a7e11",
        }

    def test_a_dependent_stands_beside_the_holder_who_has_the_member_id(self):
        policy = replace(INQUIRY.insurance, subscriber=HOLDER, relationship=Relationship.SPOUSE)
        _, asked = self.sent(replace(INQUIRY, insurance=policy))
        assert asked["subscriber"] == {
            "firstName": "Max",
            "lastName": "Holderperson",
            "memberId": "W123456789",
            "dateOfBirth": "19600708",
        }
        assert asked["dependents"] == [
            {
                "firstName": "Amy",
                "lastName": "Testperson",
                "dateOfBirth": "19870220",
            }
        ]

    @pytest.mark.parametrize(
        ("search", "told"),
        [
            (
                {Detail.MEMBER_ID, Detail.BIRTH_DATE},
                {"memberId": "W123456789", "dateOfBirth": "19870220"},
            ),
            (
                {Detail.FAMILY_NAME, Detail.MEMBER_ID, Detail.SEX},
                {"memberId": "W123456789", "lastName": "Testperson", "gender": "F"},
            ),
        ],
    )
    def test_no_more_is_told_than_the_search_names(self, search, told):
        _, asked = self.sent(replace(INQUIRY, search=frozenset(search)))
        assert asked["subscriber"] == told

    def test_a_payer_that_answers_about_the_plan_only_is_asked_about_the_plan(self):
        _, asked = self.sent(replace(INQUIRY, service_list=ServiceList.PLAN))
        assert asked["encounter"]["serviceTypeCodes"] == ["30"]

    def test_names_are_reduced_to_what_a_270_can_carry(self):
        name = Name("Muñoz*Groß:\n", " ")
        _, asked = self.sent(replace(INQUIRY, patient=replace(INQUIRY.patient, name=name)))
        assert asked["subscriber"]["lastName"] == "Munoz Gross"
        assert "firstName" not in asked["subscriber"]

    def test_a_repeated_try_is_the_same_to_the_byte(self):
        desk = Desk()
        clearinghouse = make(desk)
        for step in ("ask", "ask", "other"):
            clearinghouse.check_eligibility(INQUIRY, ref(step))
        sent = [request.content for request in desk.requests]
        assert sent[0] == sent[1] != sent[2]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"insurance": Insurance("a", "Aetna", "Testperson~1")}, "member id"),
            ({"insurance": Insurance("a", "Aetna", "")}, "member id"),
            ({"payer_code": ""}, "payer id"),
            ({"asker": Asker("Sample Clinic", "1234567890")}, "practice's NPI"),
            ({"asker": Asker("Клиника", "1234567893")}, "practice"),
            ({"service_types": ()}, "list of service types"),
            ({"trace": ""}, "trace"),
        ],
    )
    def test_what_no_payer_could_be_asked_is_not_sent(self, change, field):
        desk = Desk()
        error = refused(desk, replace(INQUIRY, **change))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields == (field,)
        assert desk.requests == []


class TestAnswer:
    def test_it_comes_back_untouched(self):
        answer = ask(Desk(x_amzn_requestid="req-1"))
        assert (answer.kind, answer.request_id) == (ContentKind.JSON, "req-1")
        assert answer.content == ANSWER.encode()

    def test_stedis_own_id_stands_in_for_a_missing_header(self):
        assert ask(Desk(json.dumps({"id": CHECK}))).request_id == CHECK
        assert ask(Desk(json.dumps({"id": "ec_Testperson"}))).request_id == ""
        assert ask(Desk(json.dumps({"id": 17}))).request_id == ""

    @pytest.mark.parametrize("status", [200, 400])
    @pytest.mark.parametrize(
        "body",
        [
            {"errors": [{"field": "AAA", "code": "75", "description": "Testperson"}]},
            {"errors": [], "subscriber": {"aaaErrors": [{"code": "72"}]}},
            {"payer": {"aaaErrors": [{"code": "42"}]}},
            {"dependents": [{}, {"aaaErrors": [{"code": "67"}]}]},
        ],
    )
    def test_a_payers_no_is_an_answer_whatever_its_status(self, status, body):
        answer = ask(Desk(json.dumps(body), status))
        assert answer.kind is ContentKind.JSON
        assert json.loads(answer.content) == body

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param("<html><body>Welcome</body></html>", id="HTML"),
            pytest.param(ANSWER[:40], id="cut off"),
            pytest.param("[1]", id="no object"),
            pytest.param("[" * 200_000, id="too deep"),
            pytest.param(b'{"a": "\xff"}', id="no text"),
            pytest.param('{"a": ' + "9" * 5000 + "}", id="a number without end"),
        ],
    )
    def test_a_success_that_cannot_be_read_comes_back_whole(self, content):
        desk = Desk(content)
        answer = ask(desk)
        assert answer.kind is ContentKind.TEXT
        assert answer.content == desk.answer.content


MESSAGE = "Invalid value 'Testperson W123456789 1987' at subscriber.memberId: NoSuchMember"


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (401, '{"message": "Unauthorized"}', "auth", "401"),
        (403, '{"message": "Forbidden"}', "auth", "403"),
        (403, "<html>Testperson is blocked</html>", "retryable", "firewall"),
        (403, "", "retryable", "firewall"),
        (404, '{"message": "no payer Testperson"}', "rejected", "404"),
        (422, '{"error": "unprocessable"}', "rejected", "unprocessable"),
        (400, "", "rejected", "400"),
        (400, "[]", "rejected", "400"),
        (400, '{"errors": "Testperson", "code": 7}', "rejected", "400"),
        (400, '{"errors": [{"code": "INVALID"}, 3], "payer": 1}', "rejected", "400"),
        (400, '{"code": "Testperson W123456789"}', "rejected", "400"),
        (408, "", "ambiguous", "408"),
        (500, '{"message": "Testperson"}', "ambiguous", "500"),
        (503, "<html>busy</html>", "ambiguous", "503"),
        (504, '{"message": "Endpoint request timed out"}', "ambiguous", "504"),
        (202, "{}", "ambiguous", "202"),
        (200, "", "ambiguous", "unreadable_answer"),
        (200, " \n", "ambiguous", "unreadable_answer"),
        (302, "", "rejected", "302"),
    ],
)
def test_a_failure_says_what_happens_next(status, content, kind, code):
    error = refused(Desk(content, status))
    assert (error.kind, error.vendor_code) == (kind, code)


def test_too_many_questions_says_when_to_come_back():
    error = refused(Desk('{"message": "Too Many Requests"}', 429, retry_after="7"))
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 7.0)


@pytest.mark.parametrize(
    "body",
    [
        {"code": "VALIDATION", "message": MESSAGE},
        {"code": "VALIDATION", "errors": [{"description": MESSAGE}]},
        {"code": "VALIDATION", "fieldList": [{"path": "/subscriber/memberId", "message": "x"}]},
    ],
)
def test_a_refusal_names_members_and_never_what_they_held(body):
    error = refused(Desk(json.dumps(body), 400))
    assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "VALIDATION")
    assert error.fields == ("subscriber", "memberId")


def test_real_time_has_no_later():
    with pytest.raises(PortError) as caught:
        make(Desk()).poll("token")
    assert caught.value.kind is ErrorKind.UNSUPPORTED


class TestSettings:
    def test_whether_a_question_may_be_repeated_is_a_setting(self):
        assert make(Desk(), repeatable=True).repeatable
        assert not make(Desk()).repeatable

    def test_an_answer_may_take_as_long_as_stedi_waits_for_a_payer(self):
        assert make(Desk()).deadline_s == 110.0

    def test_the_key_is_only_ever_a_reference(self):
        with pytest.raises(BadSettings):
            make(Desk(), api_key="env:MISSING")

    def test_headers_of_the_practice_go_along(self):
        desk = Desk()
        ask(desk, headers={"X-Forwarded-For": "192.0.2.7"})
        assert desk.requests[0].headers["x-forwarded-for"] == "192.0.2.7"

    def test_another_address_must_be_encrypted(self):
        with pytest.raises(ValueError, match="https"):
            StediSettings(api_key="env:KEY", base_url="http://desk.example.test/v3")

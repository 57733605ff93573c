import json
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from cleargate.connectors.optum.client import OptumClearinghouse
from cleargate.connectors.optum.settings import OptumSettings
from cleargate.connectors.wires.questions import control_number
from cleargate.nouns.eligibility import Asker, ContentKind, Inquiry
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship
from tests.unit.connectors.parts import NOW, Calls, FixedClock, Secrets, Tokens, Unlimited, ref
from tests.unit.connectors.test_stedi_json import HOLDER, INQUIRY

ELIGIBILITY = "https://apigw.optum.com/medicalnetwork/eligibility/v3/"
TOKEN = "https://apigw.optum.com/apip/auth/v2/token"
TRACE = "550e8400-e29b-41d4-a716-446655440000"
ANSWER = f'{{"meta": {{"traceId": "{TRACE}"}},  "benefitsInformation": [], "é": 1.50}}\n'
SECRET = "hidden-secret"


class Gateway:
    """Optum's gateway with one answer, which remembers what it was asked and with which token."""

    def __init__(self, content: str | bytes = ANSWER, status: int = 200, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = httpx2.Response(status, content=body, headers=named)
        self.token_answer: httpx2.Response | Exception | None = None
        self.tokens: list[httpx2.Request] = []
        self.questions: list[httpx2.Request] = []
        self.revoked: set[str] = set()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if str(request.url) == TOKEN:
            self.tokens.append(request)
            if isinstance(self.token_answer, Exception):
                raise self.token_answer
            name = f"token-{len(self.tokens)}"
            granted = httpx2.Response(200, json={"access_token": name, "expires_in": 3600})
            return self.token_answer or granted
        assert str(request.url) == ELIGIBILITY
        self.questions.append(request)
        if request.headers["authorization"].removeprefix("Bearer ") in self.revoked:
            return httpx2.Response(401, json={"error": "invalid_token"})
        return self.answer

    @property
    def carried(self) -> list[str]:
        return [request.headers["authorization"] for request in self.questions]


def make(gateway: Gateway, *, tokens=None, clock=None, **settings) -> OptumClearinghouse:
    chosen = {"client_id": "clinic", "client_secret": "env:SECRET"} | settings
    return OptumClearinghouse(
        "desk",
        OptumSettings(**chosen),
        secrets=Secrets({"env:SECRET": SECRET}),
        tokens=tokens or Tokens(),
        budget=Unlimited(),
        recorder=Calls(),
        clock=clock or FixedClock(),
        transport=httpx2.MockTransport(gateway),
    )


def ask(gateway: Gateway, inquiry: Inquiry = INQUIRY, **settings):
    return make(gateway, **settings).check_eligibility(inquiry, ref("ask"))


def refused(gateway: Gateway, inquiry: Inquiry = INQUIRY) -> PortError:
    with pytest.raises(PortError) as caught:
        ask(gateway, inquiry)
    for value in ("Testperson", "W123456789", "1987", SECRET):
        assert value not in repr(vars(caught.value)) + str(caught.value)
    return caught.value


class TestQuestion:
    def sent(self, inquiry: Inquiry = INQUIRY) -> dict:
        gateway = Gateway()
        ask(gateway, inquiry)
        return json.loads(gateway.questions[0].content)

    def test_it_has_the_nine_digits_and_our_own_number(self):
        assert self.sent() == {
            "controlNumber": f"{control_number(ref('ask')):09d}",
            "submitterTransactionIdentifier": "5d0e8f6c2b9c1f5a7e11",
            "tradingPartnerServiceId": "60054",
            "provider": {"organizationName": "Sample Clinic", "npi": "1234567893"},
            "subscriber": {
                "firstName": "Amy",
                "lastName": "Testperson",
                "memberId": "W123456789",
                "dateOfBirth": "19870220",
            },
            "encounter": {"serviceTypeCodes": ["PT", "30"], "dateOfService": "20261201"},
        }

    def test_a_dependent_stands_beside_the_holder_who_has_the_member_id(self):
        policy = replace(INQUIRY.insurance, subscriber=HOLDER, relationship=Relationship.SPOUSE)
        asked = self.sent(replace(INQUIRY, insurance=policy))
        assert asked["subscriber"]["lastName"] == "Holderperson"
        assert asked["subscriber"]["memberId"] == "W123456789"
        assert [person["lastName"] for person in asked["dependents"]] == ["Testperson"]

    def test_a_repeated_try_is_the_same_to_the_byte(self):
        gateway = Gateway()
        clearinghouse = make(gateway)
        for step in ("ask", "ask", "other"):
            clearinghouse.check_eligibility(INQUIRY, ref(step))
        sent = [request.content for request in gateway.questions]
        assert sent[0] == sent[1] != sent[2]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"insurance": Insurance("a", "Aetna", "")}, "member id"),
            ({"asker": Asker("Sample Clinic", "1234567890")}, "practice's NPI"),
            ({"service_types": ()}, "list of service types"),
        ],
    )
    def test_what_no_payer_could_be_asked_costs_not_even_a_token(self, change, field):
        gateway = Gateway()
        error = refused(gateway, replace(INQUIRY, **change))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields == (field,)
        assert gateway.tokens == gateway.questions == []


class TestToken:
    def test_it_is_asked_for_in_json_and_kept(self):
        gateway = Gateway()
        clearinghouse = make(gateway)
        for step in ("ask", "other"):
            clearinghouse.check_eligibility(INQUIRY, ref(step))
        (asked,) = gateway.tokens
        assert json.loads(asked.content) == {
            "client_id": "clinic",
            "client_secret": SECRET,
            "grant_type": "client_credentials",
        }
        assert asked.headers["content-type"] == "application/json"
        assert gateway.carried == ["Bearer token-1", "Bearer token-1"]

    def test_it_is_shared_with_other_processes(self):
        gateway, tokens = Gateway(), Tokens()
        for _ in range(2):
            ask(gateway, tokens=tokens)
        assert len(gateway.tokens) == 1

    def test_it_is_renewed_before_its_hour_is_over(self):
        gateway, clock = Gateway(), FixedClock()
        clearinghouse = make(gateway, clock=clock)
        clearinghouse.check_eligibility(INQUIRY, ref("ask"))
        clock.moment = NOW + timedelta(seconds=3580)
        clearinghouse.check_eligibility(INQUIRY, ref("other"))
        assert gateway.carried == ["Bearer token-1", "Bearer token-2"]

    def test_one_that_is_refused_is_renewed_once_and_nothing_was_asked_with_it(self):
        gateway = Gateway()
        gateway.revoked = {"token-1"}
        assert ask(gateway).kind is ContentKind.JSON
        assert gateway.carried == ["Bearer token-1", "Bearer token-2"]

    def test_a_second_refusal_stops_the_connection(self):
        gateway = Gateway()
        gateway.revoked = {"token-1", "token-2"}
        error = refused(gateway)
        assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "invalid_token")
        assert len(gateway.tokens) == len(gateway.questions) == 2

    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (httpx2.Response(401, json={"error": "invalid_client"}), "auth", "token:401"),
            (httpx2.Response(400, json={"error": "invalid_request"}), "auth", "token:400"),
            (httpx2.Response(429, headers={"retry-after": "3"}), "rate_limited", "429"),
            (httpx2.Response(503, text="upstream"), "retryable", "503"),
            (httpx2.Response(200, text="<html>"), "retryable", "unreadable_answer"),
            (httpx2.ConnectError("no"), "retryable", "connect_failed"),
            (httpx2.ReadTimeout("no"), "retryable", "timeout"),
            (httpx2.ReadError("no"), "retryable", "connection_lost"),
        ],
    )
    def test_without_one_nothing_was_asked(self, answer, kind, code):
        gateway = Gateway()
        gateway.token_answer = answer
        error = refused(gateway)
        assert (error.kind, error.vendor_code) == (kind, code)
        assert gateway.questions == []


class TestAnswer:
    def test_it_comes_back_untouched(self):
        answer = ask(Gateway(x_request_id="req-1"))
        assert (answer.kind, answer.request_id) == (ContentKind.JSON, "req-1")
        assert answer.content == ANSWER.encode()

    def test_optums_trace_stands_in_for_a_missing_header(self):
        assert ask(Gateway()).request_id == TRACE
        for meta in ({"traceId": "Testperson"}, {"traceId": 1}, {}, [], None):
            assert ask(Gateway(json.dumps({"meta": meta}))).request_id == ""

    @pytest.mark.parametrize("status", [200, 400])
    def test_a_payers_no_is_an_answer_whatever_its_status(self, status):
        body = {"subscriber": {"aaaErrors": [{"field": "AAA", "code": "72"}]}}
        answer = ask(Gateway(json.dumps(body), status))
        assert (answer.kind, json.loads(answer.content)) == (ContentKind.JSON, body)

    @pytest.mark.parametrize(
        "content", ["<html><body>Welcome</body></html>", ANSWER[:40], "[1]", b'{"a": "\xff"}']
    )
    def test_a_success_that_cannot_be_read_comes_back_whole(self, content):
        gateway = Gateway(content)
        answer = ask(gateway)
        assert (answer.kind, answer.content) == (ContentKind.TEXT, gateway.answer.content)


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (403, '{"error": "access_denied"}', "auth", "access_denied"),
        (403, "<html>Testperson is blocked</html>", "retryable", "firewall"),
        (404, '{"message": "no payer Testperson"}', "rejected", "404"),
        (422, '{"error": "unprocessable"}', "rejected", "unprocessable"),
        (400, "", "rejected", "400"),
        (400, '{"errors": [{"code": "INVALID"}, 3], "payer": 1}', "rejected", "400"),
        (400, '{"code": "Testperson W123456789"}', "rejected", "400"),
        (408, "", "ambiguous", "408"),
        (500, '{"message": "Testperson"}', "ambiguous", "500"),
        (503, "<html>busy</html>", "ambiguous", "503"),
        (504, '{"message": "Endpoint request timed out"}', "ambiguous", "504"),
        (202, "{}", "ambiguous", "202"),
        (200, " \n", "ambiguous", "unreadable_answer"),
        (302, "", "rejected", "302"),
    ],
)
def test_a_failure_says_what_happens_next(status, content, kind, code):
    error = refused(Gateway(content, status))
    assert (error.kind, error.vendor_code) == (kind, code)


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (httpx2.ConnectError("no"), "retryable", "connect_failed"),
        (httpx2.ConnectTimeout("no"), "retryable", "connect_timeout"),
        (httpx2.ReadTimeout("no"), "ambiguous", "timeout"),
        (httpx2.ReadError("no"), "ambiguous", "connection_lost"),
        (httpx2.RemoteProtocolError("no"), "ambiguous", "connection_lost"),
    ],
)
def test_a_question_that_may_have_left_is_in_doubt_and_no_other(failure, kind, code):
    gateway = Gateway()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if str(request.url) == TOKEN:
            return gateway(request)
        raise failure

    with pytest.raises(PortError) as caught:
        ask(answer)
    assert (caught.value.kind, caught.value.vendor_code) == (kind, code)


def test_too_many_questions_says_when_to_come_back():
    error = refused(Gateway('{"message": "Too Many Requests"}', 429, retry_after="7"))
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 7.0)


def test_a_refusal_names_members_and_never_what_they_held():
    what = "Invalid value 'Testperson W123456789 1987'"
    body = {"errors": [{"field": "subscriber.memberId", "description": what}]}
    error = refused(Gateway(json.dumps(body), 400))
    assert (error.kind, error.fields) == (ErrorKind.REJECTED, ("subscriber", "memberId"))


def test_real_time_has_no_later():
    with pytest.raises(PortError) as caught:
        make(Gateway()).poll("token")
    assert caught.value.kind is ErrorKind.UNSUPPORTED


class TestSettings:
    def test_whether_a_question_may_be_repeated_is_a_setting(self):
        assert make(Gateway(), repeatable=True).repeatable
        assert not make(Gateway()).repeatable

    def test_an_answer_may_take_longer_than_optum_waits_for_a_payer(self):
        assert make(Gateway()).deadline_s > 110.0

    def test_the_secret_is_only_ever_a_reference(self):
        with pytest.raises(BadSettings):
            make(Gateway(), client_secret="env:MISSING")

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("https://apis.changehealthcare.com/medicalnetwork/eligibility/v3", "retired"),
            ("https://sandbox.apis.ChangeHealthcare.com", "apigw.optum.com"),
            ("https://changehealthcare.com", "retired"),
            ("http://apigw.optum.com", "https"),
            (ELIGIBILITY, "gateway alone"),
            (TOKEN, "gateway alone"),
        ],
    )
    def test_an_address_that_cannot_work_is_refused(self, url, said):
        with pytest.raises(ValueError, match=said):
            OptumSettings(client_id="clinic", client_secret="env:SECRET", base_url=url)

    def test_optums_own_sandbox_is_another_gateway(self):
        settings = OptumSettings(
            client_id="clinic",
            client_secret="env:SECRET",
            base_url="https://sandbox-apigw.optum.com/",
        )
        assert settings.base_url == "https://sandbox-apigw.optum.com"

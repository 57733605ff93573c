import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx2
import pytest

from cleargate.connectors.availity.client import AvailityClearinghouse
from cleargate.connectors.availity.settings import AvailitySettings
from cleargate.nouns.eligibility import (
    PRIMARY_SEARCH,
    Asker,
    ContentKind,
    Detail,
    Inquiry,
    Pending,
    RawAnswer,
)
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship
from cleargate.nouns.patient import Sex
from tests.unit.connectors.parts import NOW, Calls, FixedClock, Secrets, Tokens, Unlimited, ref
from tests.unit.connectors.test_stedi_json import HOLDER, INQUIRY

TOKEN = "https://api.availity.com/v1/token"
COVERAGES = "https://api.availity.com/availity/v1/coverages"
ID = "7276849100383928590"
SECRET = "hidden-secret"
SUMMARY = {"coverages": [{"id": ID, "status": "In Progress", "statusCode": "0"}]}
DONE = '{"id": "1", "statusCode":  "4", "plans": [], "é": 1.50}\n'


def reply(status: int, content: object = "", **headers: str) -> httpx2.Response:
    body = content if isinstance(content, str | bytes) else json.dumps(content)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=body, headers=named)


class Gateway:
    """Availity with one reply to a question and one to a look; remembers what it was asked."""

    def __init__(self, asked: object = None, looked: object = None) -> None:
        self.asked = asked or reply(202, SUMMARY)
        self.looked = looked or reply(200, DONE)
        self.token_status = 200
        self.tokens: list[httpx2.Request] = []
        self.questions: list[httpx2.Request] = []
        self.looks: list[httpx2.Request] = []
        self.revoked: set[str] = set()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if str(request.url) == TOKEN:
            self.tokens.append(request)
            granted = {"access_token": f"token-{len(self.tokens)}", "expires_in": 300}
            return reply(self.token_status, granted)
        is_question = request.method == "POST"
        assert str(request.url).startswith(COVERAGES)
        (self.questions if is_question else self.looks).append(request)
        if request.headers["authorization"].removeprefix("Bearer ") in self.revoked:
            return reply(401, {"userMessage": "Unauthorized"})
        answer = self.asked if is_question else self.looked
        if isinstance(answer, Exception):
            raise answer
        return answer


def make(gateway: Gateway, *, tokens=None, clock=None, **settings) -> AvailityClearinghouse:
    chosen = {"client_id": "clinic", "client_secret": "env:SECRET", "environment": "live"}
    return AvailityClearinghouse(
        "desk",
        AvailitySettings(**(chosen | settings)),
        secrets=Secrets({"env:SECRET": SECRET}),
        tokens=tokens or Tokens(),
        budget=Unlimited(),
        recorder=Calls(),
        clock=clock or FixedClock(),
        transport=httpx2.MockTransport(gateway),
    )


def ask(gateway: Gateway, inquiry: Inquiry = INQUIRY, **settings):
    return make(gateway, **settings).check_eligibility(inquiry, ref("ask"))


def failed(act) -> PortError:
    with pytest.raises(PortError) as caught:
        act()
    for value in ("Testperson", "W123456789", "1987", SECRET):
        assert value not in repr(vars(caught.value)) + str(caught.value)
    return caught.value


class TestQuestion:
    def sent(self, inquiry: Inquiry = INQUIRY) -> list[tuple[str, str]]:
        gateway = Gateway()
        ask(gateway, inquiry)
        (asked,) = gateway.questions
        assert str(asked.url) == COVERAGES
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        return parse_qsl(asked.content.decode())

    def test_it_is_a_form_about_the_patient(self):
        assert self.sent() == [
            ("payerId", "60054"),
            ("providerLastName", "Sample Clinic"),
            ("providerNpi", "1234567893"),
            ("asOfDate", "2026-12-01"),
            ("serviceType", "PT"),
            ("serviceType", "30"),
            ("memberId", "W123456789"),
            ("patientLastName", "Testperson"),
            ("patientBirthDate", "1987-02-20"),
            ("subscriberRelationship", "18"),
            ("patientFirstName", "Amy"),
        ]

    def test_the_sex_and_the_group_are_told_where_the_payer_searches_by_them(self):
        inquiry = replace(INQUIRY, search=PRIMARY_SEARCH | {Detail.SEX, Detail.GROUP})
        assert self.sent(inquiry)[-2:] == [("patientGender", "F"), ("groupNumber", "G1")]

    def test_a_given_name_is_not_told_where_the_payer_searches_without(self):
        inquiry = replace(INQUIRY, search=PRIMARY_SEARCH - {Detail.GIVEN_NAME})
        assert "patientFirstName" not in dict(self.sent(inquiry))

    @pytest.mark.parametrize(
        ("relationship", "code"),
        [
            (Relationship.SPOUSE, "01"),
            (Relationship.CHILD, "19"),
            (Relationship.OTHER, "G8"),
            (Relationship.SELF, "G8"),
        ],
    )
    def test_a_dependent_has_the_policys_id_and_a_relation(self, relationship, code):
        policy = replace(INQUIRY.insurance, subscriber=HOLDER, relationship=relationship)
        form = dict(self.sent(replace(INQUIRY, insurance=policy)))
        assert form["patientLastName"] == "Testperson"
        assert form["memberId"] == "W123456789"
        assert form["subscriberRelationship"] == code
        assert "Holderperson" not in str(form)

    def test_a_sex_that_is_not_known_is_not_told(self):
        patient = replace(INQUIRY.patient, sex=Sex.UNKNOWN)
        inquiry = replace(INQUIRY, patient=patient, search=PRIMARY_SEARCH | {Detail.SEX})
        assert "patientGender" not in dict(self.sent(inquiry))

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"insurance": Insurance("a", "Aetna", "")}, "member id"),
            ({"payer_code": "6*0"}, "payer id"),
            ({"asker": Asker("Sample Clinic", "1234567890")}, "practice's NPI"),
            ({"service_types": ()}, "list of service types"),
        ],
    )
    def test_what_no_payer_could_be_asked_is_not_sent(self, change, field):
        gateway = Gateway()
        error = failed(lambda: ask(gateway, replace(INQUIRY, **change)))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields == (field,)
        assert gateway.tokens == gateway.questions == []

    @pytest.mark.parametrize(
        "answer",
        [
            reply(202, SUMMARY),
            reply(202, {"id": ID, "statusCode": "0"}),
            reply(202, "", location=f"/availity/v1/coverages/{ID}"),
            reply(202, "not JSON", location=f"https://api.availity.com/v1/coverages/{ID}/"),
        ],
    )
    def test_it_is_pending_under_availitys_own_id(self, answer):
        assert ask(Gateway(answer)) == Pending(ID, 3.0)

    def test_what_is_known_already_is_fetched_at_once_and_not_asked_again(self):
        assert ask(Gateway(reply(200, SUMMARY))) == Pending(ID, 0.0)

    @pytest.mark.parametrize(
        "answer",
        [
            reply(202, ""),
            reply(202, {"coverages": []}),
            reply(202, {"id": "Testperson/../../x"}),
            reply(202, {"id": 17}, location="/"),
            reply(200, "<html>Welcome</html>"),
        ],
    )
    def test_a_question_without_an_id_is_in_doubt(self, answer):
        error = failed(lambda: ask(Gateway(answer)))
        assert (error.kind, error.vendor_code) == ("ambiguous", "unreadable_answer")

    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (reply(400, {"errors": []}), "rejected", "400"),
            (reply(403, {"userMessage": "scope"}), "auth", "403"),
            (reply(404, ""), "rejected", "404"),
            (reply(429, "", retry_after="1"), "rate_limited", "429"),
            (reply(500, "x"), "ambiguous", "500"),
            (reply(503, "x"), "ambiguous", "503"),
            (httpx2.ConnectError("no"), "retryable", "connect_failed"),
            (httpx2.ReadTimeout("no"), "ambiguous", "timeout"),
            (httpx2.ReadError("no"), "ambiguous", "connection_lost"),
        ],
    )
    def test_a_failure_says_what_happens_next(self, answer, kind, code):
        error = failed(lambda: ask(Gateway(answer)))
        assert (error.kind, error.vendor_code) == (kind, code)

    def test_a_refusal_names_fields_and_never_what_they_held(self):
        told = {"field": "memberId", "errorMessage": "Testperson W123456789", "code": "INVALID"}
        error = failed(lambda: ask(Gateway(reply(400, {"errors": [told, 3], "userMessage": 7}))))
        assert (error.vendor_code, error.fields) == ("INVALID", ("memberId",))


class TestLook:
    def look(self, looked: object, token: str = ID) -> RawAnswer | Pending:
        gateway = Gateway(looked=looked)
        found = make(gateway).poll(token)
        assert str(gateway.looks[0].url) == f"{COVERAGES}/{ID}"
        return found

    def test_the_answer_comes_back_untouched(self):
        assert self.look(reply(200, DONE)) == RawAnswer(DONE.encode(), ContentKind.JSON, ID)

    @pytest.mark.parametrize("status", ["3", "7", "13", "19", "R", "E", "99", 4])
    def test_whatever_is_no_longer_running_is_an_answer(self, status):
        found = self.look(reply(200, {"statusCode": status}))
        assert found.kind is ContentKind.JSON

    @pytest.mark.parametrize(
        "answer",
        [
            reply(202, {"statusCode": "0"}),
            reply(202, "<html>"),
            reply(200, {"statusCode": "0"}),
            reply(200, {"statusCode": "1"}),
            reply(200, {"statusCode": 0}),
        ],
    )
    def test_what_is_running_is_looked_for_later(self, answer):
        assert self.look(answer) == Pending(ID, 3.0)

    @pytest.mark.parametrize("content", [DONE[:30], '{"a": "\\', "{" * 100_000])
    def test_an_answer_that_broke_off_is_kept_whole(self, content):
        found = self.look(reply(200, content))
        assert (found.kind, found.content) == (ContentKind.TEXT, content.encode())

    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (reply(200, "<html>Welcome</html>"), "retryable", "unreadable_answer"),
            (reply(200, ""), "retryable", "unreadable_answer"),
            (reply(200, "[1]"), "retryable", "unreadable_answer"),
            (reply(404, ""), "ambiguous", "answer_gone"),
            (reply(403, ""), "auth", "403"),
            (reply(429, "", retry_after="9"), "rate_limited", "429"),
            (reply(500, ""), "retryable", "500"),
            (reply(503, "payer down"), "retryable", "503"),
            (httpx2.ReadTimeout("no"), "retryable", "timeout"),
            (httpx2.ReadError("no"), "retryable", "connection_lost"),
        ],
    )
    def test_a_look_that_fails_says_what_happens_next(self, answer, kind, code):
        error = failed(lambda: self.look(answer))
        assert (error.kind, error.vendor_code) == (kind, code)

    @pytest.mark.parametrize("token", ["", "../token", "a b", "x" * 200, "é"])
    def test_what_is_no_id_stands_in_no_address(self, token):
        gateway = Gateway()
        error = failed(lambda: make(gateway).poll(token))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "poll_token")
        assert gateway.looks == []


class TestToken:
    def test_it_is_asked_for_in_a_form_with_the_scope(self):
        gateway = Gateway()
        ask(gateway)
        assert dict(parse_qsl(gateway.tokens[0].content.decode())) == {
            "grant_type": "client_credentials",
            "client_id": "clinic",
            "client_secret": SECRET,
            "scope": "healthcare-hipaa-transactions",
        }

    def test_it_is_renewed_before_its_five_minutes_are_over(self):
        gateway, clock = Gateway(), FixedClock()
        clearinghouse = make(gateway, clock=clock)
        clearinghouse.check_eligibility(INQUIRY, ref("ask"))
        clock.moment = NOW + timedelta(seconds=275)
        clearinghouse.poll(ID)
        assert len(gateway.tokens) == 2

    def test_one_that_is_refused_is_renewed_once(self):
        gateway = Gateway()
        gateway.revoked = {"token-1"}
        assert ask(gateway) == Pending(ID, 3.0)
        assert len(gateway.questions) == 2
        gateway.revoked = {"token-3", "token-4"}
        error = failed(lambda: make(gateway).poll(ID))
        assert error.kind is ErrorKind.AUTH

    @pytest.mark.parametrize(("status", "kind"), [(401, "auth"), (503, "retryable")])
    def test_without_one_nothing_was_asked(self, status, kind):
        gateway = Gateway()
        gateway.token_status = status
        assert failed(lambda: ask(gateway)).kind == kind
        assert gateway.questions == []


class TestDemo:
    """Made-up answers are never taken for those of a payer."""

    def test_a_canned_answer_stops_a_live_connection(self):
        for gateway, act in (
            (Gateway(asked=reply(202, SUMMARY, x_api_mock_response="true")), ask),
            (
                Gateway(looked=reply(200, DONE, X_Api_Mock_Response="True")),
                lambda gateway: make(gateway).poll(ID),
            ),
        ):
            error = failed(lambda act=act, gateway=gateway: act(gateway))
            assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "demo_answer")

    def test_a_demo_connection_asks_for_the_demo_scope_and_takes_them(self):
        gateway = Gateway(asked=reply(202, SUMMARY, x_api_mock_response="true"))
        assert ask(gateway, environment="demo") == Pending(ID, 3.0)
        assert b"healthcare-hipaa-transactions-demo" in gateway.tokens[0].content

    @pytest.mark.parametrize(
        ("environment", "scope"),
        [
            ("live", "healthcare-hipaa-transactions healthcare-hipaa-transactions-demo"),
            ("demo", "healthcare-hipaa-transactions-standard"),
        ],
    )
    def test_a_scope_that_says_otherwise_is_refused(self, environment, scope):
        with pytest.raises(ValueError, match="contradict"):
            AvailitySettings(
                client_id="c", client_secret="env:S", environment=environment, scope=scope
            )

    def test_which_one_is_meant_must_be_said(self):
        with pytest.raises(ValueError, match="environment"):
            AvailitySettings(client_id="c", client_secret="env:S")


class TestSettings:
    def test_a_question_sent_again_is_a_new_one(self):
        assert not make(Gateway()).repeatable
        assert make(Gateway(), repeatable=True).repeatable

    def test_the_secret_is_only_ever_a_reference(self):
        with pytest.raises(BadSettings):
            make(Gateway(), client_secret="env:MISSING")

    def test_headers_of_the_practice_go_along(self):
        gateway = Gateway()
        ask(gateway, headers={"X-Availity-Customer-Id": "1234"})
        assert gateway.questions[0].headers["x-availity-customer-id"] == "1234"

"""pVerify: asked once and never again, fetched as often as it takes, stopped without funds."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import httpx2
import pytest
from pydantic import ValidationError

from cleargate.connectors.pverify.client import PverifyClearinghouse
from cleargate.connectors.pverify.settings import PverifySettings
from cleargate.nouns.eligibility import (
    PRIMARY_SEARCH,
    ContentKind,
    Detail,
    Inquiry,
    Pending,
    RawAnswer,
)
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship
from cleargate.nouns.patient import Name, Sex
from tests.unit.connectors.parts import (
    NOW,
    Calls,
    FixedClock,
    Secrets,
    Tokens,
    Unlimited,
    peer,
    read_request,
    ref,
)
from tests.unit.connectors.test_stedi_json import HOLDER, INQUIRY

ANSWER = '{"RequestID": 9882795,  "APIResponseCode": "0", "PlanCoverageSummary": {}, "é": 1.50}\n'
Reply = httpx2.Response | Exception
WITH_SEX = replace(INQUIRY, search=PRIMARY_SEARCH | {Detail.SEX})


def said(**members: object) -> httpx2.Response:
    return httpx2.Response(200, json=members)


class Desk:
    """pVerify: a token for whoever asks, then one reply after the other; the last one stays."""

    def __init__(self, *replies: Reply, token: Reply | None = None) -> None:
        self.replies = list(replies) or [httpx2.Response(200, content=ANSWER.encode())]
        self.token = token
        self.requests: list[httpx2.Request] = []
        self.granted: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/Token":
            self.granted.append(request)
            value = f"token-{len(self.granted)}"
            reply = self.token or said(access_token=value, expires_in=900, token_type="bearer")
        else:
            self.requests.append(request)
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def make(
    desk: Callable[[httpx2.Request], httpx2.Response], clock: FixedClock | None = None, **settings
) -> PverifyClearinghouse:
    chosen = {"client_id": "client-1", "client_secret": "env:SECRET", "location": "Main Street"}
    return PverifyClearinghouse(
        "desk",
        PverifySettings(**(chosen | settings)),
        secrets=Secrets({"env:SECRET": "s&cret+1"}),
        tokens=Tokens(),
        budget=Unlimited(),
        recorder=Calls(),
        clock=clock or FixedClock(),
        transport=httpx2.MockTransport(desk),
    )


def ask(desk: Desk, inquiry: Inquiry = INQUIRY, **settings):
    return make(desk, **settings).check_eligibility(inquiry, ref("ask"))


def caught(act: Callable[[], object]) -> PortError:
    with pytest.raises(PortError) as raised:
        act()
    for value in ("Testperson", "W123456789", "1987", "s&cret"):
        assert value not in repr(vars(raised.value)) + str(raised.value)
    return raised.value


def refused(desk: Desk, inquiry: Inquiry = INQUIRY) -> PortError:
    return caught(lambda: ask(desk, inquiry))


class TestQuestion:
    def sent(self, inquiry: Inquiry = INQUIRY, **settings) -> tuple[httpx2.Request, dict]:
        desk = Desk()
        ask(desk, inquiry, **settings)
        return desk.requests[0], json.loads(desk.requests[0].content)

    def test_it_is_posted_with_token_and_client_and_nobody_in_its_address(self):
        request, _ = self.sent()
        address = "https://api.pverify.com/API/EligibilitySummary"
        assert (request.method, str(request.url)) == ("POST", address)
        assert request.headers["authorization"] == "Bearer token-1"
        assert request.headers["content-type"] == "application/json"

    def test_the_test_side_is_asked_where_the_settings_say_so(self):
        request, _ = self.sent(is_test=True)
        assert request.url.path == "/Test/API/EligibilitySummary"

    def test_it_names_payer_practice_member_and_date(self):
        _, asked = self.sent(WITH_SEX, practice_type="12")
        assert asked == {
            "payerCode": "60054",
            "payerName": "Aetna",
            "provider": {"lastName": "Sample Clinic", "npi": "1234567893"},
            "subscriber": {
                "firstName": "Amy",
                "lastName": "Testperson",
                "dob": "02/20/1987",
                "gender": "Female",
                "memberId": "W123456789",
            },
            "isSubscriberPatient": "True",
            "doS_StartDate": "12/01/2026",
            "doS_EndDate": "12/01/2026",
            "location": "Main Street",
            "referenceId": ref("ask").value,
            "practiceTypeCode": "12",
        }
        assert "practiceTypeCode" not in self.sent()[1]

    def test_a_dependent_stands_beside_the_holder_who_has_the_member_id(self):
        policy = replace(INQUIRY.insurance, subscriber=HOLDER, relationship=Relationship.SPOUSE)
        _, asked = self.sent(replace(WITH_SEX, insurance=policy))
        assert asked["isSubscriberPatient"] == "False"
        assert asked["subscriber"] == {
            "firstName": "Max",
            "lastName": "Holderperson",
            "dob": "07/08/1960",
            "memberId": "W123456789",
        }
        assert asked["dependent"] == {
            "patient": {
                "firstName": "Amy",
                "lastName": "Testperson",
                "dob": "02/20/1987",
                "gender": "Female",
            },
            "relationWithSubscriber": "Spouse",
        }

    def test_what_a_270_cannot_carry_is_reduced_and_what_is_unknown_left_out(self):
        patient = replace(INQUIRY.patient, name=Name("Muñoz*Groß:\n", " "), sex=Sex.UNKNOWN)
        _, asked = self.sent(replace(WITH_SEX, patient=patient))
        assert asked["subscriber"] == {
            "lastName": "Munoz Gross",
            "dob": "02/20/1987",
            "memberId": "W123456789",
        }

    def test_the_same_ref_makes_the_same_question_to_the_byte(self):
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
            ({"payer_code": ""}, "payer id"),
            ({"asker": replace(INQUIRY.asker, npi="1234567890")}, "practice's NPI"),
        ],
    )
    def test_a_question_that_no_270_could_carry_is_not_sent(self, change, field):
        desk = Desk()
        error = refused(desk, replace(INQUIRY, **change))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields == (field,)
        assert desk.requests == desk.granted == []


def test_the_clients_header_keeps_its_capitals_on_the_wire():
    """The one header whose name pVerify reads by its case."""
    seen: list[bytes] = []

    def answer(body: bytes):
        def handle(connection):
            while request := read_request(connection):
                seen.append(request)
                is_token = b"/Token" in request.split(b"\r\n")[0]
                content = b'{"access_token": "t", "expires_in": 60}' if is_token else body
                head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content)
                connection.sendall(head + content)

        return handle

    with peer(answer(ANSWER.encode())) as port:
        clearinghouse = PverifyClearinghouse(
            "desk",
            PverifySettings(
                base_url=f"http://127.0.0.1:{port}",
                client_id="client-1",
                client_secret="env:SECRET",
                location="Main Street",
            ),
            secrets=Secrets({"env:SECRET": "secret"}),
            tokens=Tokens(),
            budget=Unlimited(),
            recorder=Calls(),
            clock=FixedClock(),
        )
        clearinghouse.check_eligibility(INQUIRY, ref("ask"))
        clearinghouse.close()
    assert len(seen) == 2
    assert all(b"\r\nClient-API-Id: client-1\r\n" in request for request in seen)


class TestToken:
    def test_it_is_asked_for_with_a_form_and_kept(self):
        desk = Desk()
        clearinghouse = make(desk)
        clearinghouse.check_eligibility(INQUIRY, ref("ask"))
        clearinghouse.poll("9882795")
        (asked,) = desk.granted
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qs(asked.content.decode()) == {
            "Client_Id": ["client-1"],
            "Client_Secret": ["s&cret+1"],
            "grant_type": ["client_credentials"],
        }

    def test_it_is_renewed_before_its_end(self):
        desk, clock = Desk(), FixedClock()
        clearinghouse = make(desk, clock)
        clearinghouse.check_eligibility(INQUIRY, ref("ask"))
        clock.moment = NOW + timedelta(seconds=899)
        clearinghouse.check_eligibility(INQUIRY, ref("other"))
        assert [request.headers["authorization"] for request in desk.requests] == [
            "Bearer token-1",
            "Bearer token-2",
        ]

    def test_a_refused_one_is_renewed_once_and_the_question_was_not_asked(self):
        desk = Desk(httpx2.Response(401), httpx2.Response(200, content=ANSWER.encode()))
        assert isinstance(ask(desk), RawAnswer)
        assert len(desk.requests) == len(desk.granted) == 2

    def test_a_second_refusal_stops_the_connection(self):
        desk = Desk(httpx2.Response(401, json={"Message": "Authorization has been denied"}))
        error = refused(desk)
        assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "401")
        assert len(desk.requests) == 2

    @pytest.mark.parametrize(
        ("token", "kind", "code"),
        [
            (httpx2.Response(400, json={"error": "invalid_client"}), "auth", "token:400"),
            (httpx2.Response(401), "auth", "token:401"),
            (httpx2.Response(503), "retryable", "503"),
            (httpx2.Response(200, content=b"<html>"), "retryable", "unreadable_answer"),
            (httpx2.Response(200, json={"error": "x"}), "retryable", "unreadable_answer"),
            (httpx2.ReadTimeout("silence"), "retryable", "timeout"),
        ],
    )
    def test_without_one_nothing_is_asked(self, token, kind, code):
        desk = Desk(token=token)
        error = refused(desk)
        assert (error.kind, error.vendor_code) == (kind, code)
        assert desk.requests == []


class TestAnswer:
    def test_its_bytes_are_untouched_and_its_id_is_kept(self):
        answer = ask(Desk())
        assert answer == RawAnswer(ANSWER.encode(), ContentKind.JSON, "9882795")

    @pytest.mark.parametrize("code", ["0", 0, "1", 1, "9", "", None, True, [], "new"])
    def test_whatever_is_neither_pending_nor_without_funds_is_one(self, code):
        """pVerify's own no (1) is read by whoever reads answers; so is what we do not know."""
        answer = ask(Desk(said(APIResponseCode=code, EDIErrorMessage="about Testperson")))
        assert (answer.kind, answer.request_id) == (ContentKind.JSON, "")
        assert b"about Testperson" in answer.content

    @pytest.mark.parametrize("code", ["3", "4", 3, 4, " 3 "])
    @pytest.mark.parametrize("number", [9882795, "9882795"])
    def test_one_that_comes_later_is_fetched_by_its_id(self, code, number):
        desk = Desk(said(RequestID=number, APIResponseCode=code))
        assert ask(desk, poll_after_s=600) == Pending("9882795", 600.0)
        assert ask(desk) == Pending("9882795", 300.0)

    @pytest.mark.parametrize(
        "number",
        ["null", '""', '"9/../x"', "-1", "true", "1.5", "{}", '"\\u00b2"', "1" + "0" * 4000],
        ids=lambda number: number[:8],
    )
    def test_one_that_comes_later_and_has_no_id_is_in_doubt(self, number):
        content = f'{{"APIResponseCode": "3", "RequestID": {number}}}'.encode()
        error = refused(Desk(httpx2.Response(200, content=content)))
        assert (error.kind, error.vendor_code) == (ErrorKind.AMBIGUOUS, "unreadable_answer")

    @pytest.mark.parametrize("code", ["2", 2])
    def test_an_empty_account_stops_the_connection_and_was_not_asked(self, code):
        desk = Desk(said(RequestID=1, APIResponseCode=code, APIResponseMessage="Testperson"))
        for error in (refused(desk), caught(lambda: make(desk).poll("1"))):
            assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "no_funds")
        assert len(desk.requests) == 2

    @pytest.mark.parametrize("content", [b"<html>Welcome</html>", b"[1]", b'{"a": ', b"null"])
    def test_a_success_that_cannot_be_read_comes_back_whole(self, content):
        answer = ask(Desk(httpx2.Response(200, content=content)))
        assert (answer.kind, answer.content) == (ContentKind.TEXT, content)

    def test_a_depth_without_end_comes_back_whole(self):
        content = b'{"a":' * 100_000
        assert ask(Desk(httpx2.Response(200, content=content))).content == content


class TestFailure:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, "rejected"),
            (403, "auth"),
            (404, "rejected"),
            (408, "ambiguous"),
            (415, "rejected"),
            (429, "rate_limited"),
            (500, "ambiguous"),
            (503, "ambiguous"),
        ],
    )
    def test_a_status_says_what_happens_next(self, status, kind):
        reply = httpx2.Response(status, content=b"Testperson", headers={"Retry-After": "7"})
        error = refused(Desk(reply))
        assert (error.kind, error.vendor_code) == (kind, str(status))
        assert error.retry_after_s == 7

    def test_a_refused_request_names_members_and_no_values(self):
        body = {
            "Message": "The request is invalid.",
            "ModelState": {"request.Subscriber.DOB": ["'1987' of Testperson is no date"], "x": 7},
        }
        error = refused(Desk(httpx2.Response(400, json=body)))
        assert (error.kind, error.fields) == (ErrorKind.REJECTED, ("subscriber", "dob"))

    @pytest.mark.parametrize("body", [{"Message": 7, "ModelState": []}, {"ModelState": {"a": 1}}])
    def test_a_refusal_of_another_shape_names_nothing(self, body):
        assert refused(Desk(httpx2.Response(400, json=body))).fields == ()

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (httpx2.ReadTimeout("silence"), "ambiguous"),
            (httpx2.ReadError("reset"), "ambiguous"),
            (httpx2.ConnectError("nobody"), "retryable"),
            (httpx2.ConnectTimeout("nobody"), "retryable"),
        ],
    )
    def test_whether_the_question_had_left_decides(self, failure, kind):
        assert refused(Desk(failure)).kind == kind

    def test_a_success_without_a_body_is_in_doubt(self):
        error = refused(Desk(httpx2.Response(200, content=b" ")))
        assert (error.kind, error.vendor_code) == (ErrorKind.AMBIGUOUS, "unreadable_answer")


class TestFetching:
    def test_an_answer_is_fetched_by_id_and_may_still_be_pending(self):
        desk = Desk(
            said(RequestID=9882795, APIResponseCode="3"),
            httpx2.Response(200, content=ANSWER.encode()),
        )
        clearinghouse = make(desk)
        assert clearinghouse.poll("9882795") == Pending("9882795", 300.0)
        assert clearinghouse.poll("9882795").content == ANSWER.encode()
        assert {(request.method, str(request.url)) for request in desk.requests} == {
            ("GET", "https://api.pverify.com/API/GetEligibilitySummary/9882795")
        }

    @pytest.mark.parametrize("token", ["", "token", "1/../2", "1?x", "²", "1" * 19, "1\n"])
    def test_a_token_that_is_no_id_is_not_sent(self, token):
        desk = Desk()
        error = caught(lambda: make(desk).poll(token))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "request_id")
        assert desk.requests == []

    @pytest.mark.parametrize(
        "failure",
        [
            httpx2.ReadTimeout("silence"),
            httpx2.Response(500),
            httpx2.Response(200, content=b"<html>Welcome</html>"),
            httpx2.Response(200, content=b""),
        ],
    )
    def test_whatever_fails_is_tried_again_for_it_is_free(self, failure):
        assert caught(lambda: make(Desk(failure)).poll("1")).kind is ErrorKind.RETRYABLE


class TestSettings:
    def test_a_question_is_never_repeatable(self):
        assert not make(Desk()).repeatable
        with pytest.raises(ValidationError) as raised:
            make(Desk(), repeatable=True)
        assert "bills a question again" in str(raised.value)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"base_url": "https://api.pverify.com/API"},
            {"base_url": "https://api.pverify.com/Test/"},
            {"base_url": "http://api.pverify.com"},
            {"practice_type": "PT"},
            {"location": ""},
            {"client_id": "a\r\nb"},
            {"poll_after_s": 1},
        ],
    )
    def test_what_cannot_be_right_is_refused(self, wrong):
        with pytest.raises(ValidationError):
            make(Desk(), **wrong)

    def test_a_secret_that_is_not_there_is_named(self):
        with pytest.raises(BadSettings):
            make(Desk(), client_secret="env:NOT_THERE")

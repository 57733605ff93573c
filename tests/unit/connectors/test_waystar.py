from dataclasses import replace
from datetime import date
from urllib.parse import parse_qs

import httpx2
import pytest

from cleargate.connectors.waystar.client import WaystarClearinghouse
from cleargate.connectors.waystar.settings import GATEWAY, WaystarSettings
from cleargate.connectors.wires.questions import control_number
from cleargate.nouns.eligibility import Asker, ContentKind, Inquiry
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Address, Contact, Name, Patient, Sex
from tests.unit.connectors.parts import Calls, FixedClock, Secrets, Unlimited, ref

X271 = (
    "ISA|00|          |00|          |ZZ|ZIRMED         |ZZ|CLINIC         |261201|1500|}|00501"
    "|000000001|0|P|^~GS|HB|ZIRMED|CLINIC|20261201|1500|1|X|005010X279A1~ST|271|0001~AAA|Y||43|C~"
)
INQUIRY = Inquiry(
    payer_code="60054",
    payer_name="Aetna",
    asker=Asker("Sample Clinic & Co", "1234567893"),
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


def page(words: str) -> str:
    return f"<!DOCTYPE html><html><body><h1>Eligibility</h1><p>{words}</p></body></html>"


class Desk:
    """One clearinghouse that gives one answer and remembers the question."""

    def __init__(self, content: str | bytes = X271, status: int = 200, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = httpx2.Response(status, content=body, headers=named)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answer


def make(desk: Desk, **settings) -> WaystarClearinghouse:
    chosen = {"username": "clinic & co", "password": "env:PASSWORD"}
    return WaystarClearinghouse(
        "desk",
        WaystarSettings(**(chosen | settings)),
        secrets=Secrets({"env:PASSWORD": "w&rd=1"}),
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
    def fields(self, inquiry: Inquiry = INQUIRY, **settings) -> dict[str, str]:
        desk = Desk()
        ask(desk, inquiry, **settings)
        found = parse_qs(desk.requests[0].content.decode("ascii"), strict_parsing=True)
        assert all(len(values) == 1 for values in found.values())
        return {name: values[0] for name, values in found.items()}

    def segments(self, inquiry: Inquiry = INQUIRY, **settings) -> list[str]:
        return self.fields(inquiry, **settings)["Data"].split("~")

    def test_it_is_a_posted_form_with_nobody_in_its_address(self):
        desk = Desk()
        ask(desk)
        (request,) = desk.requests
        assert (request.method, str(request.url)) == ("POST", GATEWAY)
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"

    def test_it_asks_for_a_271_and_signs_in_with_its_fields(self):
        fields = self.fields()
        assert fields.pop("Data").startswith("ISA*00*")
        assert fields == {
            "UserID": "clinic & co",
            "Password": "w&rd=1",
            "DataFormat": "X12",
            "ResponseType": "271",
        }
        assert self.fields(customer_id="101")["CustID"] == "101"

    def test_it_names_payer_practice_member_service_date_and_trace(self):
        segments = self.segments()
        for segment in (
            "NM1*PR*2*Aetna*****PI*60054",
            "NM1*1P*2*Sample Clinic & Co*****XX*1234567893",
            "NM1*IL*1*Testperson*Amy****MI*W123456789",
            "TRN*1*5d0e8f6c2b9c1f5a7e11*9CLEARGATE",
            "DTP*291*D8*20261201",
            "EQ*PT",
            "EQ*30",
        ):
            assert segment in segments

    def test_a_dependent_stands_below_the_holder(self):
        policy = replace(INQUIRY.insurance, subscriber=HOLDER, relationship=Relationship.SPOUSE)
        segments = self.segments(replace(INQUIRY, insurance=policy))
        assert "NM1*IL*1*Holderperson*Max****MI*W123456789" in segments
        assert "NM1*03*1*Testperson*Amy" in segments

    @pytest.mark.parametrize(
        ("settings", "sender", "receiver"),
        [
            ({}, "clinic & co    ", "ZIRMED         "),
            ({"customer_id": "101"}, "101            ", "ZIRMED         "),
            ({"sender_id": "ME", "receiver_id": "WAYSTAR"}, "ME             ", "WAYSTAR        "),
        ],
    )
    def test_sender_and_receiver_are_settings(self, settings, sender, receiver):
        header = self.segments(**settings)[0].split("*")
        assert (header[6], header[8]) == (sender, receiver)

    def test_a_repeated_try_is_the_same_to_the_byte(self):
        desk = Desk()
        clearinghouse = make(desk)
        for step in ("ask", "ask", "other"):
            clearinghouse.check_eligibility(INQUIRY, ref(step))
        sent = [request.content for request in desk.requests]
        assert sent[0] == sent[1] != sent[2]
        assert f"{control_number(ref('ask')):09d}".encode() in sent[0]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"insurance": Insurance("a", "Aetna", "Testperson~1")}, "member id"),
            ({"insurance": Insurance("a", "Aetna", "")}, "member id"),
            ({"payer_code": ""}, "payer id"),
            ({"asker": Asker("Sample Clinic", "1234567890")}, "practice's NPI"),
            ({"asker": Asker("Клиника", "1234567893")}, "practice"),
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
    @pytest.mark.parametrize("status", [200, 400, 500, 504])
    @pytest.mark.parametrize("before", ["", "\ufeff", " \r\n"])
    def test_x12_is_an_answer_whatever_its_status_and_comes_back_untouched(self, status, before):
        desk = Desk(before + X271, status, x_request_id="req-1", content_type="text/html")
        found = ask(desk)
        assert (found.kind, found.request_id) == (ContentKind.X12_271, "req-1")
        assert found.content == desk.answer.content

    @pytest.mark.parametrize("length", [3, 50, 150])
    def test_x12_that_breaks_off_is_kept_as_such(self, length):
        assert ask(Desk(X271[:length])).kind is ContentKind.X12_271

    @pytest.mark.parametrize("status", [200, 400])
    @pytest.mark.parametrize(
        "content",
        [
            page("'Data' is not valid. Please review the X12/Simple File and resubmit"),
            page("Payer AETNA (60054) is not setup for eligibility."),
            page("The system encountered a processing error."),
            page("Provider is not authorized for this payer."),
            page("Welcome"),
            "Payer timeout",
            '{"status": "odd"}',
            b"\xff\xfe\x00",
        ],
    )
    def test_a_page_that_may_be_an_answer_comes_back_whole(self, content, status):
        desk = Desk(content, status)
        found = ask(desk)
        assert found.kind is ContentKind.TEXT
        assert found.content == desk.answer.content


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (page("Authentication Failure"), 200, "sign_in"),
        ("Authentication Failure", 200, "sign_in"),
        (page("<b>Authentication</b>\nfailed for Testperson"), 200, "sign_in"),
        (page("Access is denied from this address."), 200, "sign_in"),
        (page("Authentication Failure"), 400, "sign_in"),
        (page("Authentication Failure"), 401, "401"),
        (X271, 401, "401"),
        ("", 403, "403"),
    ],
)
def test_a_sign_in_that_is_refused_stops_the_connection(content, status, code):
    error = refused(Desk(content, status))
    assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, code)


@pytest.mark.parametrize(
    ("content", "status", "kind", "code"),
    [
        ("", 400, "rejected", "400"),
        ("", 404, "rejected", "404"),
        ("", 302, "rejected", "302"),
        ("", 408, "ambiguous", "408"),
        (page("Testperson"), 500, "ambiguous", "500"),
        (page("Payer timeout"), 504, "ambiguous", "504"),
        ("upstream", 503, "ambiguous", "503"),
        ("", 202, "ambiguous", "202"),
        ("", 200, "ambiguous", "unreadable_answer"),
        (" \n", 200, "ambiguous", "unreadable_answer"),
    ],
)
def test_a_failure_says_what_happens_next(content, status, kind, code):
    error = refused(Desk(content, status))
    assert (error.kind, error.vendor_code) == (kind, code)


def test_too_many_questions_says_when_to_come_back():
    error = refused(Desk("", 429, retry_after="7"))
    assert (error.kind, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 7.0)


def test_real_time_has_no_later():
    with pytest.raises(PortError) as caught:
        make(Desk()).poll("token")
    assert caught.value.kind is ErrorKind.UNSUPPORTED


class TestSettings:
    def test_whether_a_question_may_be_repeated_is_a_setting(self):
        assert make(Desk(), repeatable=True).repeatable
        assert not make(Desk()).repeatable

    def test_an_answer_may_take_its_time(self):
        assert make(Desk()).deadline_s == 110.0

    def test_the_password_is_only_ever_a_reference(self):
        with pytest.raises(BadSettings):
            make(Desk(), password="env:MISSING")

    def test_another_address_must_be_encrypted(self):
        with pytest.raises(ValueError, match="https"):
            WaystarSettings(username="u", password="env:P", base_url="http://desk.example.test/g")

from dataclasses import replace
from datetime import date
from html import escape

import httpx2
import pytest
from lxml import etree

from cleargate.connectors.trizetto.client import TrizettoClearinghouse
from cleargate.connectors.trizetto.settings import SERVICE, TrizettoSettings
from cleargate.coverage.reading import read_answers
from cleargate.nouns.eligibility import (
    PRIMARY_SEARCH,
    Asker,
    ContentKind,
    Detail,
    Inquiry,
    ServiceList,
)
from cleargate.nouns.errors import BadSettings, ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Address, Contact, Name, Patient, Sex
from tests.unit.connectors.parts import Calls, FixedClock, Secrets, Unlimited, ref

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
GATEWAY = "{GatewayEDI.WebServices}"
RAW = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*TRIZETTO       *261201~EB*1~"
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
WITH_SEX = replace(INQUIRY, search=PRIMARY_SEARCH | {Detail.SEX})
HOLDER = Subscriber(Name("Holderperson", "Max"), date(1960, 7, 8), Sex.UNKNOWN)


def envelope(inner: str, soap: str = SOAP_12) -> str:
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{inner}</s:Body></s:Envelope>'


def answer(
    code: str = "Success", payload: str = RAW, *messages: str, soap: str = SOAP_12, echo: str = ""
) -> str:
    raw = f"<ResponseAsRawString>{escape(payload)}</ResponseAsRawString>" if payload else ""
    listed = "".join(f"<string>{each}</string>" for each in messages)
    failures = "".join(
        "<ValidationFailure><AffectedFields><string>W123456789</string></AffectedFields>"
        f"<Message>{each}</Message></ValidationFailure>"
        for each in messages
    )
    return envelope(
        '<DoInquiryResponse xmlns="GatewayEDI.WebServices"><DoInquiryResult>'
        f"{raw}<ExtraProcessingInfo><AllMessages>{listed}</AllMessages>"
        f"<Failures>{failures}</Failures></ExtraProcessingInfo><SuccessCode>{code}</SuccessCode>"
        "<OriginalInquiry><Parameters><MyNameValue><Name>InsuredLastName</Name>"
        f"<Value>Testperson {echo}</Value></MyNameValue></Parameters></OriginalInquiry>"
        "</DoInquiryResult></DoInquiryResponse>",
        soap,
    )


def fault(code: str, words: str = "about Testperson") -> str:
    return envelope(
        f"<s:Fault><s:Code><s:Value>s:{code}</s:Value></s:Code>"
        f"<s:Reason><s:Text>{words}</s:Text></s:Reason></s:Fault>"
    )


def older_fault(code: str, words: str = "about Testperson") -> str:
    inner = f"<faultcode>s:{code}</faultcode><faultstring>{words}</faultstring>"
    return envelope(f"<s:Fault>{inner}</s:Fault>", SOAP_11)


class Desk:
    """One clearinghouse that gives one answer and remembers the question."""

    def __init__(self, content: str | bytes = "", status: int = 200, **headers: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = httpx2.Response(status, content=body, headers=named)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answer


def make(desk: Desk, **settings) -> TrizettoClearinghouse:
    chosen = {"username": "clinic & co", "password": "env:PASSWORD"}
    return TrizettoClearinghouse(
        "desk",
        TrizettoSettings(**(chosen | settings)),
        secrets=Secrets({"env:PASSWORD": "w<rd"}),
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
    def sent(self, inquiry: Inquiry = INQUIRY, **settings) -> "etree._Element":
        desk = Desk(answer())
        ask(desk, inquiry, **settings)
        return etree.fromstring(desk.requests[0].content)

    def pairs(self, inquiry: Inquiry = INQUIRY, **settings) -> dict[str, str]:
        found = self.sent(inquiry, **settings).findall(f".//{GATEWAY}MyNameValue")
        pairs = [(e.findtext(f"{GATEWAY}Name"), e.findtext(f"{GATEWAY}Value")) for e in found]
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def test_it_is_soap_12_with_its_action_and_nobody_in_its_address(self):
        desk = Desk(answer())
        ask(desk)
        (request,) = desk.requests
        assert (request.method, str(request.url)) == ("POST", SERVICE)
        action = 'application/soap+xml; charset=utf-8; action="GatewayEDI.WebServices/DoInquiry"'
        assert request.headers["content-type"] == action
        assert etree.fromstring(request.content).tag == f"{{{SOAP_12}}}Envelope"

    def test_credentials_stand_in_the_header_and_are_escaped(self):
        header = self.sent().find(f"{{{SOAP_12}}}Header/{GATEWAY}AuthSOAPHeader")
        texts = [(etree.QName(child).localname, child.text) for child in header]
        assert texts == [("User", "clinic & co"), ("Password", "w<rd")]

    def test_it_names_payer_practice_member_service_and_date(self):
        assert self.pairs(WITH_SEX) == {
            "GediPayerID": "60054",
            "ProviderLastName": "Sample Clinic & Co",
            "NPI": "1234567893",
            "InsuranceNum": "W123456789",
            "InsuredFirstName": "Amy",
            "InsuredLastName": "Testperson",
            "InsuredDob": "19870220",
            "InsuredGender": "F",
            "ServiceTypeCode": "PT",
            "DateOfService": "20261201",
        }

    def test_a_dependent_stands_beside_the_holder_who_has_the_member_id(self):
        policy = replace(INQUIRY.insurance, subscriber=HOLDER, relationship=Relationship.SPOUSE)
        pairs = self.pairs(replace(WITH_SEX, insurance=policy))
        assert {name: value for name, value in pairs.items() if "Insur" in name} == {
            "InsuranceNum": "W123456789",
            "InsuredFirstName": "Max",
            "InsuredLastName": "Holderperson",
            "InsuredDob": "19600708",
        }
        assert {name: value for name, value in pairs.items() if "Dependent" in name} == {
            "DependentFirstName": "Amy",
            "DependentLastName": "Testperson",
            "DependentDob": "19870220",
            "DependentGender": "F",
        }

    @pytest.mark.parametrize(
        ("settings", "form"),
        [({}, "RawPayerData"), ({"response": "RawPayerData"}, "RawPayerData"),
         ({"response": "Xml"}, "Xml")],
    )  # fmt: skip
    def test_the_form_of_the_answer_is_a_setting_and_the_payers_own_the_default(
        self, settings, form
    ):
        assert self.sent(**settings).findtext(f".//{GATEWAY}ResponseDataType") == form

    def test_another_service_can_be_set_for_the_one_that_is_asked(self):
        assert self.pairs(service_type="98")["ServiceTypeCode"] == "98"

    def test_a_payer_that_answers_for_the_plan_alone_is_asked_for_it_whatever_is_set(self):
        inquiry = replace(INQUIRY, service_list=ServiceList.PLAN)
        assert self.pairs(inquiry, service_type="98")["ServiceTypeCode"] == "30"

    def test_names_are_reduced_to_what_a_270_can_carry(self):
        name = Name("Muñoz*Groß:\n<&", " ")
        pairs = self.pairs(replace(INQUIRY, patient=replace(INQUIRY.patient, name=name)))
        assert pairs["InsuredLastName"] == "Munoz Gross <&"
        assert "InsuredFirstName" not in pairs

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"insurance": Insurance("a", "Aetna", "Testperson~1")}, "member id"),
            ({"insurance": Insurance("a", "Aetna", "")}, "member id"),
            ({"payer_code": ""}, "payer id"),
            ({"asker": Asker("Sample Clinic", "1234567890")}, "practice's NPI"),
            ({"asker": Asker("Клиника", "1234567893")}, "practice"),
            ({"service_types": ()}, "list of service types"),
        ],
    )
    def test_what_no_payer_could_be_asked_is_not_sent(self, change, field):
        desk = Desk(answer())
        error = refused(desk, replace(INQUIRY, **change))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields == (field,)
        assert desk.requests == []


class TestAnswer:
    @pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
    def test_it_comes_back_untouched_in_its_envelope(self, soap):
        desk = Desk(answer(soap=soap), x_request_id="req-1")
        found = ask(desk)
        assert (found.kind, found.request_id) == (ContentKind.XML, "req-1")
        assert found.content == desk.answer.content

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("ValidationFailure", "TriZetto:ValidationFailure"),
            ("PayerTimeout", "TriZetto:PayerTimeout"),
            ("PayerNotSupported", "TriZetto:PayerNotSupported"),
            ("SystemError", "TriZetto:SystemError"),
            ("PayerEnrollmentRequired", "TriZetto:PayerEnrollmentRequired"),
            ("ProviderEnrollmentRequired", "TriZetto:ProviderEnrollmentRequired"),
            ("ProductRequired", "TriZetto:ProductRequired"),
            ("Success", "TriZetto:AnswerMissing"),
        ],
    )
    def test_every_success_code_is_an_answer_that_coverage_knows(self, code, reason):
        found = ask(Desk(answer(code, "")))
        assert found.kind is ContentKind.XML
        (coverage,) = read_answers(found.content, ("PT",), INQUIRY.service_date).coverages
        assert [each.code for each in coverage.reasons] == [reason]

    def test_success_beside_a_transmission_error_is_kept_and_not_believed(self):
        words = "Transmission Error - Unable to Process Transaction"
        found = ask(Desk(answer("Success", "", words)))
        (coverage,) = read_answers(found.content, ("PT",), INQUIRY.service_date).coverages
        assert [each.code for each in coverage.reasons] == ["TriZetto:TransmissionError"]

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param("<html><body>Welcome</body></html>", id="HTML"),
            pytest.param("<html><body>Welcome<br></body></html>", id="HTML that is no XML"),
            pytest.param(answer()[:200], id="cut off"),
            pytest.param("<!DOCTYPE x []>" + answer(), id="a DTD"),
            pytest.param("Service unavailable", id="text"),
            pytest.param(b"\xff\xfe\x00", id="no text"),
            pytest.param(envelope("<Other/>"), id="another answer"),
        ],
    )
    def test_a_success_that_cannot_be_read_comes_back_whole(self, content):
        desk = Desk(content)
        found = ask(desk)
        assert found.kind is ContentKind.TEXT
        assert found.content == desk.answer.content


NOT_KNOWN = "Server was unable to process request. ---&gt; Invalid user Testperson"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ("", 401, "401"),
        ("<html>Forbidden</html>", 403, "403"),
        (fault("Receiver", NOT_KNOWN), 500, "fault:Receiver"),
        (fault("Sender", "Authentication failed"), 400, "fault:Sender"),
        (fault("FailedAuthentication"), 500, "fault:FailedAuthentication"),
        (older_fault("Server", NOT_KNOWN), 500, "fault:Server"),
        (older_fault("Client", "The password has expired."), 200, "fault:Client"),
        (answer("ValidationFailure", "", "Invalid User or Password."), 200, "sign_in"),
        (answer("SystemError", "", "Login failed for Testperson"), 200, "sign_in"),
        (answer("Success", " ", "Authentication Failure"), 200, "sign_in"),
    ],
)
def test_a_sign_in_that_is_refused_stops_the_connection(content, status, code):
    error = refused(Desk(content, status))
    assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, code)


@pytest.mark.parametrize(
    "content",
    [
        answer("ValidationFailure", "", "Invalid InsuredLastName.", echo="Password Login"),
        answer("Success", RAW, "The password will expire soon."),
        answer("ProviderEnrollmentRequired", "", "The NPI is not authorized for this payer."),
    ],
)
def test_words_about_anything_else_do_not_stop_it(content):
    assert ask(Desk(content)).kind is ContentKind.XML


@pytest.mark.parametrize(
    ("content", "status", "kind", "code"),
    [
        (fault("Sender"), 400, "rejected", "fault:Sender"),
        (fault("Sender"), 200, "rejected", "fault:Sender"),
        (fault("VersionMismatch"), 500, "rejected", "fault:VersionMismatch"),
        (fault("Receiver"), 500, "ambiguous", "fault:Receiver"),
        (fault("Receiver"), 200, "ambiguous", "fault:Receiver"),
        (fault("Testperson 1987"), 500, "ambiguous", "fault"),
        (older_fault("Client"), 500, "rejected", "fault:Client"),
        (older_fault("Server"), 500, "ambiguous", "fault:Server"),
        (older_fault("Server"), 200, "ambiguous", "fault:Server"),
        ("", 500, "ambiguous", "500"),
        ("<html>Testperson</html>", 503, "ambiguous", "503"),
        ("", 408, "ambiguous", "408"),
        ("", 415, "rejected", "415"),
        ("", 404, "rejected", "404"),
        ("", 302, "rejected", "302"),
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

    @pytest.mark.parametrize(
        "wrong",
        [
            {"base_url": "http://desk.example.test/service.asmx"},
            {"response": "Json"},
            {"service_type": "PT1"},
        ],
    )
    def test_what_cannot_be_is_refused(self, wrong):
        with pytest.raises(ValueError):
            TrizettoSettings(**({"username": "u", "password": "env:P"} | wrong))

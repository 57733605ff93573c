from datetime import date
from uuid import UUID

import httpx2
import pytest
from lxml import etree

from cleargate.connectors.core_soap.client import CoreClearinghouse
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.nouns.eligibility import Asker, ContentKind, Inquiry
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Contact, Name, Patient, Sex
from tests.unit.connectors.parts import NOW, Calls, FixedClock, Secrets, Unlimited, ref

SOAP = "http://www.w3.org/2003/05/soap-envelope"
RULE = "http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd"
X271 = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*CLINIC         *261201~EB*1~"
INQUIRY = Inquiry(
    payer_code="60054",
    payer_name="Aetna",
    asker=Asker("Sample Clinic", "1234567893"),
    patient=Patient(Name("Testperson", "Amy"), date(1987, 2, 20), Sex.FEMALE, Contact()),
    insurance=Insurance("aetna", "Aetna", "W123456789"),
    service_types=("PT", "30"),
    service_date=date(2026, 12, 1),
    trace="trace-1",
)


def envelope(inner: str) -> str:
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inner}</s:Body></s:Envelope>'


def reply(
    payload: str = f"<![CDATA[{X271}]]>",
    code: str = "Success",
    *,
    namespace: str = RULE,
    mode: str = "RealTime",
) -> str:
    return (
        f'<r:COREEnvelopeRealTimeResponse xmlns:r="{namespace}">'
        "<PayloadType>X12_271_Response_005010X279A1</PayloadType>"
        f"<ProcessingMode>{mode}</ProcessingMode>"
        "<PayloadID>3f2504e0-4f89-11d3-9a0c-0305e82c3301</PayloadID>"
        f"<Payload>{payload}</Payload><ErrorCode>{code}</ErrorCode>"
        "<ErrorMessage>about Testperson</ErrorMessage></r:COREEnvelopeRealTimeResponse>"
    )


class Desk:
    """One clearinghouse that gives one answer and remembers the question."""

    def __init__(self, content: str | bytes, *, status: int = 200, content_type: str = "") -> None:
        body = content.encode() if isinstance(content, str) else content
        kind = content_type or "application/soap+xml; charset=utf-8"
        self.answer = httpx2.Response(status, content=body, headers={"Content-Type": kind})
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answer


def make(desk: Desk, **settings) -> CoreClearinghouse:
    chosen = {
        "base_url": "http://127.0.0.1:1/core",
        "username": "clinic & co",
        "password": "env:PASSWORD",
        "sender_id": "CLINIC",
        "receiver_id": "DESK",
    }
    return CoreClearinghouse(
        "desk",
        CoreSettings(**(chosen | settings)),
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
    assert "Testperson" not in repr(vars(caught.value)) + str(caught.value)
    return caught.value


class TestQuestion:
    def sent(self) -> tuple[httpx2.Request, "etree._Element"]:
        desk = Desk(envelope(reply()))
        ask(desk)
        return desk.requests[0], etree.fromstring(desk.requests[0].content)

    def test_it_is_soap_12_with_its_action(self):
        request, root = self.sent()
        content_type = 'application/soap+xml; charset=utf-8; action="RealTimeTransaction"'
        assert request.headers["content-type"] == content_type
        assert root.tag == f"{{{SOAP}}}Envelope"

    def test_its_children_are_unqualified_and_in_the_order_of_the_rule(self):
        _, root = self.sent()
        asked = root.find(f".//{{{RULE}}}COREEnvelopeRealTimeRequest")
        assert [child.tag for child in asked] == [
            "PayloadType",
            "ProcessingMode",
            "PayloadID",
            "TimeStamp",
            "SenderID",
            "ReceiverID",
            "CORERuleVersion",
            "Payload",
        ]
        assert asked.findtext("TimeStamp") == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
        assert asked.findtext("Payload").startswith("ISA*")

    def test_credentials_are_escaped(self):
        _, root = self.sent()
        texts = {etree.QName(element).localname: element.text for element in root.iter()}
        assert (texts["Username"], texts["Password"]) == ("clinic & co", "w<rd")

    def test_a_repeated_try_carries_the_same_ids(self):
        desk = Desk(envelope(reply()))
        clearinghouse = make(desk)
        for step in ("ask", "ask", "other"):
            clearinghouse.check_eligibility(INQUIRY, ref(step))
        ids = [etree.fromstring(r.content).findtext(".//PayloadID") for r in desk.requests]
        assert ids[0] == ids[1] != ids[2]
        assert UUID(ids[0]).version == 5
        assert desk.requests[0].content == desk.requests[1].content

    def test_a_question_that_x12_cannot_carry_is_not_sent(self):
        desk = Desk("")
        bad = Inquiry(
            **{name: getattr(INQUIRY, name) for name in Inquiry.__slots__}
            | {"insurance": Insurance("aetna", "Aetna", "Testperson~1")}
        )
        error = refused(desk, bad)
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields
        assert desk.requests == []


WRAPPED = f'<x:Reply xmlns:x="urn:x">{reply()}</x:Reply>'
BOUNDARY = 'multipart/related; boundary="b1"; type="application/xop+xml"; start="<root@x>"'
INCLUDE = '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:pay%40x"/>'


def multipart(*, root_first: bool = True) -> bytes:
    root = (
        b'--b1\r\nContent-Type: application/xop+xml; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 8bit\r\nContent-ID: <root@x>\r\n\r\n"
        + envelope(reply(INCLUDE)).encode()
        + b"\r\n"
    )
    payload = (
        b"--b1\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: binary\r\nContent-ID: <pay@x>\r\n\r\n"
        + X271.encode()
        + b"\r\n"
    )
    return b"".join((root, payload) if root_first else (payload, root)) + b"--b1--\r\n"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(envelope(reply()), "", id="plain"),
        pytest.param(envelope(reply(f"\n<![CDATA[\n{X271}\n]]>\n")), "", id="white space"),
        pytest.param(envelope(reply(X271)), "", id="no CDATA"),
        pytest.param(envelope(reply(f"&lt;![CDATA[{X271}]]&gt;")), "", id="CDATA escaped"),
        pytest.param(envelope(reply(mode="RealTimeMode")), "", id="RealTimeMode"),
        pytest.param(envelope(WRAPPED), "", id="wrapper"),
        pytest.param(
            envelope(reply(namespace=RULE.replace("2.2.0", "2.0.1"))), "", id="namespace 2.0.1"
        ),
        pytest.param(envelope(reply(code="Strange")), "", id="payload beside an error"),
        pytest.param(multipart(), BOUNDARY, id="XOP"),
        pytest.param(multipart(root_first=False), BOUNDARY, id="XOP, root last"),
        pytest.param(reply(), "text/xml", id="no envelope"),
    ],
)
def test_an_answer_is_found_in_whatever_it_is_wrapped(content, content_type):
    answer = ask(Desk(content, content_type=content_type))
    assert answer.kind is ContentKind.X12_271
    assert answer.content.strip() == X271.encode()


def test_the_payload_is_not_changed_inside():
    payload = X271 + "\nMSG*50 % & more < less~\n"
    assert ask(Desk(envelope(reply(f"<![CDATA[{payload}]]>")))).content == payload.encode()


@pytest.mark.parametrize(
    ("code", "kind", "fields"),
    [
        ("UnAuthorized", "auth", ()),
        ("PasswordIllegal", "auth", ()),
        ("Receiver", "retryable", ()),
        ("PayloadTypeRequired", "rejected", ("PayloadType",)),
        ("ReceiverIDIllegal", "rejected", ("ReceiverID",)),
        ("VersionMismatch", "rejected", ()),
        ("Sender", "rejected", ()),
    ],
)
def test_an_error_code_says_what_happens_next(code, kind, fields):
    error = refused(Desk(envelope(reply("", code))))
    assert (error.kind, error.vendor_code, error.fields) == (kind, code, fields)


def test_an_error_code_that_is_a_sentence_is_not_repeated():
    assert refused(Desk(envelope(reply("", "Testperson is unknown")))).vendor_code == "other"


def fault(code: str, subcode: str = "") -> str:
    below = f"<s:Subcode><s:Value>{subcode}</s:Value></s:Subcode>" if subcode else ""
    return envelope(
        f"<s:Fault><s:Code><s:Value>{code}</s:Value>{below}</s:Code>"
        "<s:Reason><s:Text>Testperson</s:Text></s:Reason></s:Fault>"
    )


@pytest.mark.parametrize(
    ("content", "status", "kind", "code"),
    [
        (fault("s:Sender"), 400, "rejected", "fault:Sender"),
        (fault("s:Sender"), 200, "rejected", "fault:Sender"),
        (fault("s:Sender", "w:FailedAuthentication"), 500, "auth", "fault:FailedAuthentication"),
        (fault("s:Receiver"), 500, "ambiguous", "fault:Receiver"),
        (fault("s:Receiver"), 200, "ambiguous", "fault:Receiver"),
        (fault("no word at all"), 500, "ambiguous", "fault"),
        ("", 500, "ambiguous", "500"),
        ("<html>Testperson</html>", 503, "ambiguous", "503"),
        ("", 429, "rate_limited", "429"),
        ("", 415, "rejected", "415"),
        ("", 200, "ambiguous", "unreadable_answer"),
    ],
)
def test_a_failure_says_what_happens_next(content, status, kind, code):
    error = refused(Desk(content, status=status))
    assert (error.kind, error.vendor_code) == (kind, code)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + envelope(
    reply("ISA&b;")
)
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + envelope(reply("ISA&f;"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("<html><body>Welcome</body></html>", id="HTML"),
        pytest.param(envelope(reply("the payer is closed")), id="no X12"),
        pytest.param(envelope(reply())[:-200], id="cut off"),
        pytest.param(envelope(reply("")), id="no payload"),
        pytest.param(BOMB, id="entities"),
        pytest.param(FILE, id="external entity"),
        pytest.param(BOMB.encode("utf-16"), id="entities in UTF-16"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
    ],
)
@pytest.mark.parametrize("content_type", ["", "text/html"])
def test_a_success_that_cannot_be_read_comes_back_whole(content, content_type):
    desk = Desk(content, content_type=content_type)
    answer = ask(desk)
    assert answer.kind is ContentKind.TEXT
    assert answer.content == desk.answer.content


@pytest.mark.parametrize("content", [b"", b"--b1--\r\n", b"--b1\r\n\r\n<x/>", multipart()[:300]])
def test_a_broken_multipart_comes_back_whole_or_is_in_doubt(content):
    desk = Desk(content, content_type=BOUNDARY)
    if content:
        assert ask(desk).content == content
    else:
        assert refused(desk).kind is ErrorKind.AMBIGUOUS


def test_parts_within_parts_are_not_followed():
    """A reader that does so dies of their depth."""
    content = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (at, at + 1)
        for at in range(1, 3000)
    )
    answer = ask(Desk(content, content_type=BOUNDARY))
    assert (answer.kind, answer.content) == (ContentKind.TEXT, content)


def test_real_time_has_no_later():
    with pytest.raises(PortError) as caught:
        make(Desk("")).poll("token")
    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_whether_a_question_may_be_repeated_is_a_setting():
    assert make(Desk(""), repeatable=True).repeatable
    assert not make(Desk("")).repeatable

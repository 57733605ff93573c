"""CAQH CORE in MIME parts: written to the letter, read whatever a receiver makes of it."""

from dataclasses import replace
from email.parser import BytesParser
from email.policy import HTTP
from uuid import UUID

import httpx2
import pytest

from cleargate.connectors.core_mime.client import CoreMimeClearinghouse
from cleargate.connectors.core_mime.settings import CoreMimeSettings
from cleargate.nouns.eligibility import ContentKind, Inquiry
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.insurance import Insurance
from tests.unit.connectors.parts import NOW, Calls, FixedClock, Secrets, Unlimited, ref
from tests.unit.connectors.test_core_soap import INQUIRY, X271, Desk

PAYLOAD_ID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
FORM = 'multipart/form-data; boundary="b1"'
WHOLE = X271 + "IEA*1*000000001~"


def make(desk: Desk, **settings) -> CoreMimeClearinghouse:
    chosen = {
        "base_url": "http://127.0.0.1:1/core",
        "username": "clinic & co",
        "password": "env:PASSWORD",
        "sender_id": "CLINIC",
        "receiver_id": "DESK",
    }
    return CoreMimeClearinghouse(
        "desk",
        CoreMimeSettings(**(chosen | settings)),
        secrets=Secrets({"env:PASSWORD": 'w<"rd'}),
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


def form(head: str = 'Content-Disposition: form-data; name="{}"', **fields: str) -> str:
    """An answer; `head` is what names a field."""
    lines = []
    for name, value in fields.items():
        lines += ["--b1", head.format(name), "", value]
    return "\r\n".join([*lines, "--b1--", ""])


def reply(payload: str = X271, code: str = "Success", head: str = "", **more: str) -> str:
    fields = {
        "PayloadType": "X12_271_Response_005010X279A1",
        "ProcessingMode": "RealTime",
        "PayloadID": PAYLOAD_ID,
        "Payload": payload,
        "ErrorCode": code,
        "ErrorMessage": "about Testperson",
    }
    return form(**(fields | more)) if not head else form(head, **(fields | more))


class TestQuestion:
    def sent(self) -> tuple[httpx2.Request, dict[str, str]]:
        desk = Desk(reply(), content_type=FORM)
        ask(desk)
        request = desk.requests[0]
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + request.content)
        assert message.defects == []
        return request, {
            part.get_param("name", header="content-disposition"): part.get_payload()
            for part in message.iter_parts()
        }

    def test_it_is_a_form_whose_fields_stand_in_the_order_of_the_rule(self):
        request, asked = self.sent()
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert list(asked) == [
            "PayloadType",
            "ProcessingMode",
            "PayloadID",
            "TimeStamp",
            "UserName",
            "Password",
            "SenderID",
            "ReceiverID",
            "CORERuleVersion",
            "Payload",
        ]
        assert asked["PayloadType"] == "X12_270_Request_005010X279A1"
        assert asked["TimeStamp"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
        assert (asked["UserName"], asked["Password"]) == ("clinic & co", 'w<"rd')
        assert (asked["SenderID"], asked["ReceiverID"]) == ("CLINIC", "DESK")
        assert asked["CORERuleVersion"] == "2.2.0"
        assert asked["Payload"].startswith("ISA*")

    def test_its_lines_end_with_cr_and_nobody_is_in_its_address(self):
        request, _ = self.sent()
        assert request.content.count(b"\n") == request.content.count(b"\r\n")
        assert str(request.url) == "http://127.0.0.1:1/core"

    def test_a_repeated_try_is_the_same_to_the_byte(self):
        desk = Desk(reply(), content_type=FORM)
        clearinghouse = make(desk)
        for step in ("ask", "ask", "other"):
            clearinghouse.check_eligibility(INQUIRY, ref(step))
        sent = [request.content for request in desk.requests]
        assert sent[0] == sent[1] != sent[2]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"insurance": Insurance("aetna", "Aetna", "Testperson~1")}, "member id"),
            ({"asker": replace(INQUIRY.asker, npi="1234567890")}, "practice's NPI"),
        ],
    )
    def test_a_question_that_x12_cannot_carry_is_not_sent(self, change, field):
        desk = Desk("")
        error = refused(desk, replace(INQUIRY, **change))
        assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
        assert error.fields == (field,)
        assert desk.requests == []


BACKWARDS = form(ErrorCode="Success", Payload=X271, PayloadID=PAYLOAD_ID, PayloadType="X12")
UNNAMED = f"--b1\r\nContent-Type: application/edi-x12\r\n\r\n{X271}\r\n--b1--\r\n"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(reply(), FORM, id="plain"),
        pytest.param(reply(), "multipart/form-data; boundary=b1", id="boundary unquoted"),
        pytest.param(reply().replace("\r\n", "\n"), FORM, id="LF"),
        pytest.param(BACKWARDS, FORM, id="another order"),
        pytest.param(reply(head='CONTENT-DISPOSITION:Form-Data;NAME="{}"'), FORM, id="odd case"),
        pytest.param(reply(head="content-disposition: form-data; name={}"), FORM, id="unquoted"),
        pytest.param(reply(head="Content-ID: <{}>"), "multipart/mixed; boundary=b1", id="by id"),
        pytest.param(UNNAMED, "multipart/mixed; boundary=b1", id="no name"),
        pytest.param(reply(), "text/plain", id="no type"),
        pytest.param(reply(f"\r\n{X271}\r\n"), FORM, id="white space"),
        pytest.param(reply(code="Strange"), FORM, id="payload beside an error"),
        pytest.param(reply(code="SUCCESS"), FORM, id="success in capitals"),
        pytest.param(reply(PAYLOAD=X271), FORM, id="the payload twice"),
        pytest.param(reply()[:-50], FORM, id="cut off behind the payload"),
        pytest.param(reply() + reply("", "Receiver"), FORM, id="more behind the end"),
        pytest.param(X271, "application/edi-x12", id="a bare 271"),
        pytest.param(f"\r\n{X271}", "text/html", id="a bare 271 under a wrong name"),
    ],
)
def test_an_answer_is_found_in_whatever_it_is_wrapped(content, content_type):
    answer = ask(Desk(content, content_type=content_type))
    assert answer.kind is ContentKind.X12_271
    assert answer.content.strip() == X271.encode()


def test_the_payload_is_not_changed_inside_and_the_receivers_id_is_kept():
    payload = X271 + "\nMSG*50 % & more < less~\n\r\n"
    answer = ask(Desk(reply(payload), content_type=FORM))
    assert answer.content == payload.encode()
    assert UUID(answer.request_id) == UUID(PAYLOAD_ID)


def test_a_payload_whose_interchange_is_whole_needs_no_delimiter_behind_it():
    content = form(ErrorCode="Success", Payload=WHOLE).removesuffix("--b1--\r\n")
    assert ask(Desk(content, content_type=FORM)).content.strip() == WHOLE.encode()


@pytest.mark.parametrize(
    ("code", "kind", "fields"),
    [
        ("UnAuthorized", "auth", ()),
        ("UserNameRequired", "auth", ()),
        ("PasswordIllegal", "auth", ()),
        ("Receiver", "retryable", ()),
        ("PayloadTypeRequired", "rejected", ("PayloadType",)),
        ("ReceiverIDIllegal", "rejected", ("ReceiverID",)),
        ("VersionMismatch", "rejected", ()),
        ("Sender", "rejected", ()),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_error_code_says_what_happens_next(code, kind, fields, status):
    error = refused(Desk(reply("", code), status=status, content_type=FORM))
    assert (error.kind, error.vendor_code, error.fields) == (kind, code, fields)


def test_an_error_code_that_is_a_sentence_is_not_repeated():
    error = refused(Desk(reply("", "Testperson is unknown"), content_type=FORM))
    assert error.vendor_code == "other"


@pytest.mark.parametrize(
    ("content", "status", "kind", "code"),
    [
        ("", 500, "ambiguous", "500"),
        ("<html>Testperson</html>", 503, "ambiguous", "503"),
        (reply(""), 502, "ambiguous", "502"),
        ("", 408, "ambiguous", "408"),
        ("", 429, "rate_limited", "429"),
        ("", 401, "auth", "401"),
        ("malformed form", 400, "rejected", "400"),
        ("", 415, "rejected", "415"),
        ("", 200, "ambiguous", "unreadable_answer"),
    ],
)
def test_a_failure_says_what_happens_next(content, status, kind, code):
    error = refused(Desk(content, status=status, content_type=FORM))
    assert (error.kind, error.vendor_code) == (kind, code)


CONTRADICTION = reply(payload=X271, payload2="x").replace('name="payload2"', 'name="Payload"')


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("<html><body>Welcome</body></html>", id="HTML"),
        pytest.param("We are closed.", id="words"),
        pytest.param(reply("the payer is closed"), id="no X12"),
        pytest.param(reply(""), id="no payload"),
        pytest.param(form(ErrorCode="Success", Payload=X271)[:-30], id="cut off in the payload"),
        pytest.param(form(ErrorCode="UnAuthorized")[:-14], id="cut off in the code"),
        pytest.param(CONTRADICTION, id="two payloads"),
        pytest.param(b"--b1\r\n\xff\xfe\x00", id="no text"),
    ],
)
@pytest.mark.parametrize("content_type", [FORM, "text/html"])
def test_a_success_that_cannot_be_read_comes_back_whole(content, content_type):
    desk = Desk(content, content_type=content_type)
    answer = ask(desk)
    assert answer.kind is ContentKind.TEXT
    assert answer.content == desk.answer.content


def test_a_question_without_an_answer_is_in_doubt_and_one_that_never_left_is_not():
    def silent(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("silence")

    def closed(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("nobody listens")

    for transport, kind in ((silent, ErrorKind.AMBIGUOUS), (closed, ErrorKind.RETRYABLE)):
        with pytest.raises(PortError) as caught:
            make(transport).check_eligibility(INQUIRY, ref("ask"))
        assert caught.value.kind is kind


def test_real_time_has_no_later_and_repeating_is_a_setting():
    with pytest.raises(PortError) as caught:
        make(Desk("")).poll("token")
    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert make(Desk(""), repeatable=True).repeatable
    assert not make(Desk("")).repeatable

"""The CAQH CORE 2.2.0 real-time envelope over SOAP 1.2, and how replies depart from it."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from cleargate.sandbox.wire import Request, Response

SOAP = "http://www.w3.org/2003/05/soap-envelope"
CORE = "http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd"
CORE_2_0_1 = "http://www.caqh.org/SOAP/WSDL/CORERule2.0.1.xsd"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_TEXT = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
    "#PasswordText"
)
RECEIVER = "SANDBOXCH"
SOAP_TYPE = "application/soap+xml; charset=utf-8"
PAYLOAD_TYPES = {
    "271": "X12_271_Response_005010X279A1",
    "999": "X12_999_Response_005010X231A1",
    "TA1": "X12_TA1_Response_00501X231A1",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The UsernameToken that the clearinghouse expects."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A good envelope: who sent it, its id, and what it carries."""

    payload_id: str
    sender: str
    payload: bytes


class Refusal(Exception):
    """The envelope is not acceptable; `response` is what comes back."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status))
        self.response = response


def open_envelope(request: Request, expected: Credentials) -> Asked:
    """Read a request. Raises Refusal with the gateway's answer."""
    if not request.headers.get("content-type", "").startswith("application/soap+xml"):
        raise Refusal(Response(415))
    try:
        envelope = fromstring(request.body)
    except (ParseError, DefusedXmlException, ValueError):
        raise Refusal(_fault()) from None
    body = envelope.find(f"{{{SOAP}}}Body/{{{CORE}}}COREEnvelopeRealTimeRequest")
    if envelope.tag != f"{{{SOAP}}}Envelope" or body is None:
        # One gateway answers a wrong namespace with a 500 and not a word (facts, TriZetto).
        raise Refusal(Response(500))
    fields = {child.tag: (child.text or "").strip() for child in body}
    if not _token_holds(envelope, expected):
        raise Refusal(error("UnAuthorized", fields.get("PayloadID", "")))
    return checked(fields, error)


def checked(fields: Mapping[str, str], refuse: Callable[[str, str], Response]) -> Asked:
    """What the fields ask. Raises Refusal with what `refuse` makes of a code and a PayloadID."""
    for name, pattern in _FIELDS:
        if not fields.get(name):
            raise Refusal(refuse(f"{name}Required", fields.get("PayloadID", "")))
        if not re.fullmatch(pattern, fields[name], re.DOTALL):
            version = name == "CORERuleVersion"
            code = "VersionMismatch" if version else f"{name}Illegal"
            raise Refusal(refuse(code, fields.get("PayloadID", "")))
    return Asked(fields["PayloadID"], fields["SenderID"], fields["Payload"].encode())


_FIELDS = (
    ("PayloadType", "X12_270_Request_005010X279A1"),
    ("ProcessingMode", "RealTime"),
    ("PayloadID", r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    ("TimeStamp", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    ("SenderID", r".{1,50}"),
    ("ReceiverID", RECEIVER),
    ("CORERuleVersion", r"2\.2\.0"),
    ("Payload", r".+"),
)


def _token_holds(envelope: Element, expected: Credentials) -> bool:
    token = envelope.find(f"{{{SOAP}}}Header/{{{_WSSE}}}Security/{{{_WSSE}}}UsernameToken")
    if token is None:
        return False
    password = token.find(f"{{{_WSSE}}}Password")
    return (
        token.findtext(f"{{{_WSSE}}}Username") == expected.username
        and password is not None
        and password.get("Type") == _TEXT
        and password.text == expected.password
    )


def reply(asked: Asked, payload: bytes, kind: str, deviation: str, now: datetime) -> Response:
    """The answer's envelope; `kind` is 271, 999 or TA1."""
    payload_type = PAYLOAD_TYPES[kind]
    namespace = CORE_2_0_1 if deviation == "namespace_2_0_1" else CORE
    mode = "RealTimeMode" if deviation == "real_time_mode" else "RealTime"
    text = payload.decode("ascii")
    carried = f"<![CDATA[{text}]]>"
    if deviation == "escaped_cdata":
        carried = escape(carried)
    if deviation == "multipart":
        carried = (
            '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" '
            'href="cid:payload@sandbox"/>'
        )
    core = _core(namespace, payload_type, mode, asked.payload_id, asked.sender, now, carried)
    if deviation == "wrapped":
        core = f'<RealTimeTransactionResponse xmlns="">{core}</RealTimeTransactionResponse>'
    if deviation == "multipart":
        return _multipart(_soap(core), payload)
    return Response(200, _soap(core), SOAP_TYPE)


def _core(
    namespace: str,
    payload_type: str,
    mode: str,
    payload_id: str,
    receiver: str,
    now: datetime,
    carried: str,
) -> str:
    return (
        f'<c:COREEnvelopeRealTimeResponse xmlns:c="{namespace}">'
        f"<PayloadType>{payload_type}</PayloadType><ProcessingMode>{mode}</ProcessingMode>"
        f"<PayloadID>{escape(payload_id)}</PayloadID>"
        f"<TimeStamp>{now:%Y-%m-%dT%H:%M:%SZ}</TimeStamp>"
        f"<SenderID>{RECEIVER}</SenderID><ReceiverID>{escape(receiver)}</ReceiverID>"
        f"<CORERuleVersion>2.2.0</CORERuleVersion><Payload>{carried}</Payload>"
        "<ErrorCode>Success</ErrorCode><ErrorMessage></ErrorMessage>"
        "</c:COREEnvelopeRealTimeResponse>"
    )


def _soap(body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    ).encode()


def _multipart(root: bytes, payload: bytes) -> Response:
    boundary = f"uuid-{uuid.uuid5(uuid.NAMESPACE_OID, payload.decode('ascii'))}"
    mark = f"--{boundary}".encode()
    body = b"\r\n".join(
        (
            mark,
            b'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"',
            b"Content-Transfer-Encoding: binary",
            b"Content-ID: <root@sandbox>",
            b"",
            root,
            mark,
            b"Content-Type: text/plain",
            b"Content-Transfer-Encoding: binary",
            b"Content-ID: <payload@sandbox>",
            b"",
            payload,
            mark + b"--",
            b"",
        )
    )
    content_type = (
        f'multipart/related; type="application/xop+xml"; boundary="{boundary}"; '
        'start="<root@sandbox>"; start-info="application/soap+xml"'
    )
    return Response(200, body, content_type)


def error(code: str, payload_id: str) -> Response:
    """A CORE error, with HTTP 200 as the rule has it."""
    core = (
        f'<c:COREEnvelopeRealTimeResponse xmlns:c="{CORE}">'
        "<PayloadType>CoreEnvelopeError</PayloadType><ProcessingMode>RealTime</ProcessingMode>"
        f"<PayloadID>{escape(payload_id)}</PayloadID><SenderID>{RECEIVER}</SenderID>"
        f"<CORERuleVersion>2.2.0</CORERuleVersion><ErrorCode>{code}</ErrorCode>"
        f"<ErrorMessage>{code}</ErrorMessage></c:COREEnvelopeRealTimeResponse>"
    )
    return Response(200, _soap(core), SOAP_TYPE)


def _fault() -> Response:
    fault = (
        "<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value></soap:Code>"
        '<soap:Reason><soap:Text xml:lang="en">unreadable envelope</soap:Text></soap:Reason>'
        "</soap:Fault>"
    )
    return Response(400, _soap(fault), SOAP_TYPE)

"""DoInquiry's envelope, SOAP 1.1 and 1.2, read and answered as an ASMX service does.

Source, read on 2026-11-23: the service's WSDL and public answers, in
github.com/GoodMeasuresLLC/trizetto-api. What they leave open is decided here: a wrong password is
a fault of the receiver.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from cleargate.sandbox.envelope import Credentials
from cleargate.sandbox.trizetto_answers import tag
from cleargate.sandbox.wire import Request, Response

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
NAMESPACE = "GatewayEDI.WebServices"
ACTION = f'"{NAMESPACE}/DoInquiry"'
_VERSIONS = {"text/xml": SOAP_11, "application/soap+xml": SOAP_12}
_TYPES = {soap: f"{content_type}; charset=utf-8" for content_type, soap in _VERSIONS.items()}
_UNKNOWN_USER = "Server was unable to process request. ---&gt; Authentication failed."
_RESPONSES = ("Xml", "RawPayerData")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A good envelope: its version of SOAP, the pairs, and the form of the answer."""

    soap: str
    pairs: Pairs
    response: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What TriZetto finds wrong. `field` may be a field's name, or even what stood in it."""

    message: str
    field: str = ""


class Refusal(Exception):
    """The envelope is not acceptable; `response` is what comes back."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status))
        self.response = response


def open_envelope(request: Request, expected: Credentials) -> Asked:
    """Read a request. Raises Refusal with the gateway's answer."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    soap = _VERSIONS.get(content_type)
    if soap is None:
        raise Refusal(Response(415))
    try:
        root = fromstring(request.body)
    except (ParseError, DefusedXmlException, ValueError):
        raise Refusal(fault(soap, "Sender", "Server was unable to read request.")) from None
    if root.tag != f"{{{soap}}}Envelope":
        raise Refusal(fault(soap, "VersionMismatch", "Possible SOAP version mismatch."))
    inquiry = root.find(f"{{{soap}}}Body/{_name('DoInquiry')}")
    action = request.headers.get("soapaction") == ACTION or soap == SOAP_12
    if inquiry is None or not action:
        raise Refusal(fault(soap, "Sender", "Server did not recognize the action."))
    if not _signed_in(root, soap, expected):
        raise Refusal(fault(soap, "Receiver", _UNKNOWN_USER))
    response = _text(inquiry, "Inquiry", "ResponseDataType")
    if response not in _RESPONSES:
        raise Refusal(fault(soap, "Sender", "There is an error in XML document."))
    found = inquiry.iterfind("/".join(map(_name, ("Inquiry", "Parameters", "MyNameValue"))))
    return Asked(
        soap, tuple((_text(pair, "Name"), _text(pair, "Value")) for pair in found), response
    )


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _text(element: Element, *path: str) -> str:
    return (element.findtext("/".join(map(_name, path))) or "").strip()


def _signed_in(root: Element, soap: str, expected: Credentials) -> bool:
    header = root.find(f"{{{soap}}}Header/{_name('AuthSOAPHeader')}")
    return header is not None and expected == Credentials(
        _text(header, "User"), _text(header, "Password")
    )


def reply(
    asked: Asked,
    code: str,
    failures: tuple[Failure, ...] = (),
    *,
    payload: str = "",
) -> Response:
    """DoInquiry's answer; the question stands in it again."""
    kind = "ResponseAsXml" if asked.response == "Xml" else "ResponseAsRawString"
    messages = "".join(tag("string", escape(each.message)) for each in failures)
    pairs = "".join(
        tag("MyNameValue", tag("Name", escape(name)), tag("Value", escape(value)))
        for name, value in asked.pairs
    )
    result = tag(
        "DoInquiryResult",
        tag(kind, escape(payload)) if payload else "",
        tag(
            "ExtraProcessingInfo",
            tag("AllMessages", messages),
            tag("Failures", *map(_failure, failures)),
        ),
        tag("SuccessCode", code),
        tag(
            "OriginalInquiry",
            tag("Parameters", pairs),
            tag("ResponseDataType", asked.response),
        ),
    )
    body = f'<DoInquiryResponse xmlns="{NAMESPACE}">{result}</DoInquiryResponse>'
    return Response(200, _envelope(asked.soap, body), _TYPES[asked.soap])


def _failure(failure: Failure) -> str:
    affected = tag("AffectedFields", tag("string", escape(failure.field))) if failure.field else ""
    return tag("ValidationFailure", affected, tag("Message", escape(failure.message)))


def fault(soap: str, code: str, words: str) -> Response:
    """A SOAP fault. ASMX answers those of a sender with 400 in SOAP 1.2, all others with 500."""
    if soap == SOAP_12:
        inner = (
            f"<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="en">{words}</soap:Text></soap:Reason><detail/>'
        )
        status = 400 if code == "Sender" else 500
    else:
        older = {"Sender": "Client", "Receiver": "Server"}.get(code, code)
        inner = f"<faultcode>soap:{older}</faultcode><faultstring>{words}</faultstring><detail/>"
        status = 500
    return Response(status, _envelope(soap, tag("soap:Fault", inner)), _TYPES[soap])


def _envelope(soap: str, body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{soap}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    ).encode()

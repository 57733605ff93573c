"""Between CAQH CORE's envelope and SOAP; pure.

Source: CAQH CORE 270 Connectivity Rule 2.2.0, and the deviations of the receivers that are in use:
payloads whose CDATA was escaped once more, other namespaces, extra wrappers, multipart replies.
"""

from xml.sax.saxutils import escape

from cleargate.connectors.wires.core import RULE_VERSION, CoreAnswer, CoreRequest
from cleargate.connectors.wires.mime import Unreadable
from cleargate.connectors.wires.soap import (
    Fault,
    Parts,
    cdata,
    envelope,
    fault_of,
    find,
    parse,
    text_of,
    username_token,
)

CONTENT_TYPE = 'application/soap+xml; charset=utf-8; action="RealTimeTransaction"'

# The children of the request carry no prefix: receivers that follow the schema to the letter
# answer "PayloadTypeRequired" to qualified ones.
_REQUEST = """
<cor:COREEnvelopeRealTimeRequest xmlns:cor="http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd">
<PayloadType>{payload_type}</PayloadType>
<ProcessingMode>RealTime</ProcessingMode>
<PayloadID>{payload_id}</PayloadID>
<TimeStamp>{timestamp}</TimeStamp>
<SenderID>{sender_id}</SenderID>
<ReceiverID>{receiver_id}</ReceiverID>
<CORERuleVersion>{version}</CORERuleVersion>
<Payload>{payload}</Payload>
</cor:COREEnvelopeRealTimeRequest>
"""


def write(request: CoreRequest, *, username: str, password: str) -> bytes:
    """The SOAP request."""
    body = _REQUEST.format(
        payload_type=escape(request.payload_type),
        payload_id=request.payload_id,
        timestamp=request.written_at,
        sender_id=escape(request.sender_id),
        receiver_id=escape(request.receiver_id),
        version=RULE_VERSION,
        payload=cdata(request.payload.decode("ascii")),
    )
    return envelope(body, header=username_token(username, password))


def read(content_type: str, content: bytes) -> CoreAnswer | Fault:
    """The answer, or the fault in its place. Raises Unreadable for anything else."""
    parts = parse(content_type, content)
    payload = find(parts.root, "Payload")
    code = _text(parts, "ErrorCode")
    if payload is None and not code:
        if fault := fault_of(parts.root):
            return fault
        raise Unreadable
    found = b"" if payload is None else _without_cdata(text_of(payload, parts.attachments))
    return CoreAnswer(found, code, _text(parts, "PayloadID"))


def _text(parts: Parts, name: str) -> str:
    element = find(parts.root, name)
    return (element.text or "").strip() if element is not None else ""


def _without_cdata(payload: bytes) -> bytes:
    """The payload of a receiver that wrote its CDATA marks as text."""
    stripped = payload.strip()
    if stripped.startswith(b"<![CDATA["):
        return stripped.removeprefix(b"<![CDATA[").removesuffix(b"]]>")
    return payload

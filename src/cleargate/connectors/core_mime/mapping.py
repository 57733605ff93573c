"""Between CAQH CORE's envelope and a form of MIME parts; pure.

Sources, read on 2026-11-23: CAQH CORE 270 Connectivity Rule 2.2.0 (4.2.1, HTTP+MIME: one part of
multipart/form-data for a field), its examples at HIPAAsuite (help, "MIME in CORE"), and CMS's HETS
SOAP/MIME Connectivity Instructions 4.2. Written to the rule; read with everything that we could
imagine a receiver doing to it: fields in any order and in other cases, parts without names, an
answer that is a bare 271. Which receiver does which is not confirmed.
"""

from collections.abc import Mapping

from cleargate.connectors.wires.core import RULE_VERSION, CoreAnswer, CoreRequest
from cleargate.connectors.wires.mime import Part, Unreadable, parameter, parts, write_form


def write(request: CoreRequest, *, username: str, password: str) -> tuple[str, bytes]:
    """The request's content type, and its body: the fields in the order of the rule."""
    boundary = f"cleargate-{request.payload_id.hex}"
    fields = (
        ("PayloadType", request.payload_type),
        ("ProcessingMode", "RealTime"),
        ("PayloadID", str(request.payload_id)),
        ("TimeStamp", request.written_at),
        ("UserName", username),
        ("Password", password),
        ("SenderID", request.sender_id),
        ("ReceiverID", request.receiver_id),
        ("CORERuleVersion", RULE_VERSION),
        ("Payload", request.payload.decode("ascii")),
    )
    return f"multipart/form-data; boundary={boundary}", write_form(fields, boundary)


def read(content_type: str, content: bytes) -> CoreAnswer:
    """The answer. Raises Unreadable for what holds neither a payload nor an error code."""
    if content.lstrip().startswith(b"ISA"):
        return CoreAnswer(content, "", "")
    fields = _fields(parts(content_type, content))
    payload, code = fields.get("payload", b""), _text(fields, "errorcode")
    if not payload and not code:
        raise Unreadable
    return CoreAnswer(payload, code, _text(fields, "payloadid"))


def _fields(found: tuple[Part, ...]) -> Mapping[str, bytes]:
    """The parts by their names in lower case. Raises Unreadable for two values of one name."""
    fields: dict[str, bytes] = {}
    for part in found:
        name = _name(part)
        if not _is_whole(part) or not name:
            continue
        if fields.setdefault(name, part.content) != part.content:
            raise Unreadable
    return fields


def _name(part: Part) -> str:
    """A part's field. One that has no name and holds an interchange is the payload."""
    named = parameter(part.headers.get("content-disposition", ""), "name")
    named = named or part.headers.get("content-id", "").strip("<>")
    if not named and part.content.lstrip().startswith(b"ISA"):
        return "payload"
    return named.strip().lower()


def _is_whole(part: Part) -> bool:
    """Whether a part came to its end: to the delimiter, or to that of the interchange in it."""
    return part.closed or b"IEA" in part.content[-40:]


def _text(fields: Mapping[str, bytes], name: str) -> str:
    return fields.get(name, b"").decode("utf-8", "replace").strip()

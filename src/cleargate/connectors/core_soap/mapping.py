"""Between our nouns and CAQH CORE; pure."""

import re
from datetime import datetime
from uuid import UUID, uuid5

from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.wires.core import CoreRequest
from cleargate.connectors.wires.questions import control_number
from cleargate.nouns.eligibility import Inquiry
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.ids import Ref
from cleargate.x12.eligibility_270 import VERSION, Routing, write_270

PAYLOAD_TYPE = f"X12_270_Request_{VERSION}"

_NAMESPACE = UUID("6f0d5a6e-4b5b-5b0e-9b1c-7b1f4f1f2a10")
"""Of our PayloadIDs; any constant serves."""

_ACCESS_CODES = frozenset(
    {"UnAuthorized", "UserNameRequired", "UserNameIllegal", "PasswordRequired", "PasswordIllegal"}
)
_FIELD_CODE = re.compile(r"(?P<field>[A-Za-z]{1,40}?)(Required|Illegal|NotUnderstood)")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def request(inquiry: Inquiry, ref: Ref, settings: CoreSettings, when: datetime) -> CoreRequest:
    """The question as an envelope's content. Raises Refused for what X12 cannot carry.

    The ids follow from the Ref: a repeated try can be recognised by the receiver.
    """
    routing = Routing(
        sender_id=settings.interchange_sender or settings.sender_id,
        receiver_id=settings.interchange_receiver or settings.receiver_id,
        originator=settings.originator,
        usage=settings.usage,
        repeat_services=settings.repeat_services,
    )
    return CoreRequest(
        payload_type=PAYLOAD_TYPE,
        payload=write_270(inquiry, routing, control_number(ref), when),
        payload_id=uuid5(_NAMESPACE, ref.value),
        sender_id=settings.sender_id,
        receiver_id=settings.receiver_id,
        timestamp=when,
    )


def error_of(code: str) -> tuple[ErrorKind, str, tuple[str, ...]]:
    """What an ErrorCode other than Success means: kind, code, fields.

    Source: CAQH CORE 270 Connectivity Rule 2.2.0, 4.3.3.3: the receiver has processed nothing.
    """
    if code in _ACCESS_CODES:
        return ErrorKind.AUTH, code, ()
    if code == "Receiver":
        return ErrorKind.RETRYABLE, code, ()
    if named := _FIELD_CODE.fullmatch(code):
        return ErrorKind.REJECTED, code, (named["field"],)
    return ErrorKind.REJECTED, code if _PLAIN_CODE.fullmatch(code) else "other", ()


def uuid_text(payload_id: str) -> str:
    """The receiver's PayloadID when it is the UUID that the rule asks for, else empty."""
    try:
        return str(UUID(payload_id))
    except ValueError:
        return ""

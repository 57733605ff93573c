"""CAQH CORE Connectivity 2.2.0, real time: what its two envelopes, SOAP and MIME, have in common.

Source: CAQH CORE 270 Connectivity Rule 2.2.0, 4.3.3 (errors) and 4.4 (fields).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid5

from pydantic import Field

from cleargate.connectors.wires.client import ClearinghouseSettings
from cleargate.connectors.wires.questions import control_number, plain_code
from cleargate.nouns.eligibility import Inquiry
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.ids import Ref
from cleargate.x12.eligibility_270 import VERSION, Routing, write_270

RULE_VERSION = "2.2.0"
PAYLOAD_TYPE = f"X12_270_Request_{VERSION}"

_NAMESPACE = UUID("6f0d5a6e-4b5b-5b0e-9b1c-7b1f4f1f2a10")
"""Of our PayloadIDs; any constant serves."""
_ACCESS_CODES = frozenset(
    {"UnAuthorized", "UserNameRequired", "UserNameIllegal", "PasswordRequired", "PasswordIllegal"}
)
_FIELD_CODE = re.compile(r"(?P<field>[A-Za-z]{1,40}?)(Required|Illegal|NotUnderstood)")


class EnvelopeSettings(ClearinghouseSettings):
    """One clearinghouse; `base_url` is the address that takes the envelopes.

    `password` is a secret's reference. `sender_id` and `receiver_id` stand in the envelope and in
    the interchange, unless the interchange has its own. `repeatable` says that a question which
    may have arrived can be asked again without a second fee. `usage` is `T` until the
    clearinghouse has released the connection.
    """

    username: str = Field(min_length=1)
    password: str = Field(min_length=1)
    sender_id: str = Field(min_length=1)
    receiver_id: str = Field(min_length=1)
    interchange_sender: str = Field(default="", max_length=15)
    interchange_receiver: str = Field(default="", max_length=15)
    originator: str = Field(default="9CLEARGATE", min_length=10, max_length=10)
    usage: Literal["P", "T"] = "T"
    repeat_services: bool = False

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.password


@dataclass(frozen=True, slots=True)
class CoreRequest:
    """One question. The same try, repeated, has the same `payload_id`."""

    payload_type: str
    payload: bytes
    payload_id: UUID
    sender_id: str
    receiver_id: str
    timestamp: datetime

    @property
    def written_at(self) -> str:
        """The TimeStamp field."""
        return f"{self.timestamp.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class CoreAnswer:
    """What came back: `error_code` is `Success` or the receiver's word, empty when it has none."""

    payload: bytes
    error_code: str
    payload_id: str

    @property
    def holds_x12(self) -> bool:
        """Whether the payload is an interchange, whatever else the envelope says."""
        return self.payload.lstrip().startswith(b"ISA")

    @property
    def is_error(self) -> bool:
        """Whether the receiver says that it has processed nothing."""
        return self.error_code.casefold() not in ("", "success")


def request(inquiry: Inquiry, ref: Ref, settings: EnvelopeSettings, when: datetime) -> CoreRequest:
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
    return ErrorKind.REJECTED, plain_code(code) or "other", ()


def uuid_text(payload_id: str) -> str:
    """The receiver's PayloadID when it is the UUID that the rule asks for, else empty."""
    try:
        return str(UUID(payload_id))
    except ValueError:
        return ""

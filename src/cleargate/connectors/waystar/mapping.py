"""Between our nouns and Waystar's gateway; pure.

Sources, read on 2026-11-23: a profile of Waystar's developer portal (github.com/api-evangelist/
waystar, conventions and errors: the gateway's fields, forms and messages, errors as HTML in HTTP
200, "check ISA, GS and ST first") and the forms that four public clients post, one of them of
September 2026 with the statuses 400, 401, 403 and 504. The portal and the clients differ on
whether an error has a status of its own; both are taken. Not confirmed: whether DataFormat may be
left out (it is sent), and which sender and receiver the interchange must name (settings).
"""

import re
from datetime import datetime
from urllib.parse import urlencode

from cleargate.connectors.waystar.settings import WaystarSettings
from cleargate.connectors.wires.questions import control_number
from cleargate.nouns.eligibility import Inquiry
from cleargate.nouns.ids import Ref
from cleargate.x12.eligibility_270 import Routing, write_270

CONTENT_TYPE = "application/x-www-form-urlencoded"

_BLANKS = b"\xef\xbb\xbf \t\r\n\0"
_PAGE_BYTES = 16_384
"""So much of a page is searched for words; the messages that are known stand in its beginning."""
_TAG = re.compile(r"<[^<>]{0,2000}>")
_NO_SIGN_IN = re.compile(
    r"\b(authentication\s+fail(ure|ed)|invalid\s+(user|password|credentials?)"
    r"|unauthori[sz]ed|access\s+(is\s+)?denied)\b",
    re.I,
)


def request(
    inquiry: Inquiry, ref: Ref, settings: WaystarSettings, password: str, when: datetime
) -> bytes:
    """The question as a form. Raises Refused for what X12 cannot carry.

    The control numbers follow from the Ref: a repeated try can be recognised by the receiver.
    """
    routing = Routing(
        sender_id=settings.sender_id or (settings.customer_id or settings.username)[:15],
        receiver_id=settings.receiver_id,
        originator=settings.originator,
        usage=settings.usage,
        repeat_services=settings.repeat_services,
    )
    fields = {
        "UserID": settings.username,
        "Password": password,
        "CustID": settings.customer_id,
        "DataFormat": "X12",
        "ResponseType": "271",
        "Data": write_270(inquiry, routing, control_number(ref), when).decode("ascii"),
    }
    return urlencode({name: value for name, value in fields.items() if value}).encode("ascii")


def is_interchange(content: bytes) -> bool:
    """Whether X12 came back; anything else is a page, whatever was asked for."""
    return content.lstrip(_BLANKS).startswith(b"ISA")


def refuses_sign_in(content: bytes) -> bool:
    """Whether a page says that Waystar does not know who asks."""
    page = content[:_PAGE_BYTES].decode("utf-8", "replace")
    return _NO_SIGN_IN.search(_TAG.sub(" ", page)) is not None

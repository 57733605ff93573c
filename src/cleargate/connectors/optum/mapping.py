"""Between our nouns and Optum's JSON; pure. What Optum shares with others is in the wires.

Sources, read on 2026-11-23: Optum's OpenAPI specifications "Medical Network Eligibility v3"
(MedicalEligibility, RequestSubscriber, RequestDependent, Encounter, Response, MetaData, Error) and
"Security and Authorization v2" (as harvested from developer.optum.com on 2026-08-14 by
github.com/api-evangelist/optum, openapi/_original), and Optum's developer pages "Request Body
Parameters", "Eligibility Error Messages", "Try Our APIs" and "API URLs".

Confirmed by them: `controlNumber` (nine digits) and `subscriber` are required, a refused member is
named in `errors[].field`, tokens are asked for in JSON and last an hour. Not confirmed, and read
tolerantly: which status a refusal and a payer's AAA come with (the specification knows 200 alone).
"""

import json
import re

from cleargate.connectors.wires.answers import Members
from cleargate.connectors.wires.medical_network import question
from cleargate.nouns.eligibility import Inquiry
from cleargate.nouns.ids import Ref

_TRACE = "submitterTransactionIdentifier"
"""BHT03 of the 270 that Optum writes."""
_TRACE_ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")


def request(inquiry: Inquiry, ref: Ref) -> bytes:
    """The question. Raises Refused for what no 270 could carry."""
    return question(inquiry, ref, _TRACE)


def token_request(client_id: str, client_secret: str) -> str:
    """What the token endpoint is asked with."""
    return json.dumps(
        {
            "client_id": client_id,
            "client_secret": client_secret,
            "grant_type": "client_credentials",
        }
    )


def trace_id(body: Members) -> str:
    """Optum's own id of this question, for their support."""
    meta = body.get("meta")
    found = meta.get("traceId") if isinstance(meta, dict) else None
    return found if isinstance(found, str) and _TRACE_ID.fullmatch(found) else ""

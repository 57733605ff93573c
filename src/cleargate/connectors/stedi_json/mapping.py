"""Between our nouns and Stedi's JSON; pure. What Stedi shares with others is in the wires.

Sources, read on 2026-11-23: Stedi's API reference (stedi.com/docs, "Real-Time Eligibility Check
JSON", now called legacy), its OpenAPI specification (github.com/Stedi/openApi, healthcare.json)
and the Rust models made from it (docs.rs/autogen-stedi 0.3.2: Encounter,
BatchEligibilityChecksItem, ValidationExceptionResponseContent, EligibilityCheckErrorCode).
"""

import re

from cleargate.connectors.wires.answers import Members
from cleargate.connectors.wires.medical_network import question
from cleargate.nouns.eligibility import Inquiry
from cleargate.nouns.ids import Ref

_TRACE = "externalPatientId"
_CHECK_ID = re.compile(r"ec_[0-9a-f-]{36}")


def request(inquiry: Inquiry, ref: Ref) -> bytes:
    """The question. Raises Refused for what no 270 could carry."""
    return question(inquiry, ref, _TRACE)


def check_id(body: Members) -> str:
    """Stedi's own id of this check, for their support."""
    found = body.get("id")
    return found if isinstance(found, str) and _CHECK_ID.fullmatch(found) else ""

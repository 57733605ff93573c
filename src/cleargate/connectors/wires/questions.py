"""What every clearinghouse's question has: a number that follows from its Ref, and refusals."""

import hashlib
import re

from cleargate.nouns.eligibility import Detail, Inquiry, Search
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref

_NAMED_FIELD = re.compile(r"The (?P<field>[a-zA-Z0-9' ]{1,60}?) (?:has|holds|must)\b")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def control_number(ref: Ref) -> int:
    """The question's number, 1 to 999,999,999, always the same for a Ref."""
    digest = hashlib.sha256(ref.value.encode()).digest()
    return int.from_bytes(digest[:8]) % 999_999_999 + 1


def service_types(inquiry: Inquiry) -> tuple[str, ...]:
    """What is asked about. Raises Refused for nothing: a gateway would ask for 30, unnoticed."""
    if not inquiry.asked_services:
        raise Refused("The list of service types must name one at least.")
    return inquiry.asked_services


def require(inquiry: Inquiry, needs: Search) -> None:
    """Let a question pass that tells all that its clearinghouse needs; otherwise raise Refused.

    What a search withholds is never told to please a clearinghouse: it may not match.
    """
    for detail in Detail:
        if detail in needs and not inquiry.tells(detail):
            named = detail.replace("_", " ")
            raise Refused(f"The {named} must be told here, but the payer's search withholds it.")


def refused_fields(refused: Refused) -> tuple[str, ...]:
    """The field that a refused question is about, as its sentence names it."""
    named = _NAMED_FIELD.match(str(refused))
    return (named["field"],) if named else ()


def question_refused(connection: str, refused: Refused) -> PortError:
    """The error for a question that was not sent, because no payer could be asked so."""
    return PortError(
        ErrorKind.REJECTED,
        connection,
        vendor_code="question_refused",
        fields=refused_fields(refused),
    )


def plain_code(code: str) -> str:
    """A receiver's code when it looks like one; empty for a sentence, which may hold a value."""
    return code if _PLAIN_CODE.fullmatch(code) else ""

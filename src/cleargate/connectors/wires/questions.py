"""What every clearinghouse's question has: a number that follows from its Ref, and refusals."""

import hashlib
import re

from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref

_NAMED_FIELD = re.compile(r"The (?P<field>[a-zA-Z0-9' ]{1,60}?) (?:has|holds|must)\b")


def control_number(ref: Ref) -> int:
    """The question's number, 1 to 999,999,999, always the same for a Ref."""
    digest = hashlib.sha256(ref.value.encode()).digest()
    return int.from_bytes(digest[:8]) % 999_999_999 + 1


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

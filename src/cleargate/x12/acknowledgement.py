"""Acknowledgements that stand where a 271 was expected: 999, 997 and TA1.

Source: 005010X231A1 (999), 004010 997, X12.56 TA1.
"""

from dataclasses import dataclass

from cleargate.x12.envelope import TransactionSet, element

CODES = frozenset({"999", "997", "TA1"})
_ACCEPTED = frozenset({"A", "E"})
"""Accepted, and accepted with errors noted."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the other side made of our file. `status` is AK901, IK501, AK501 or TA104.

    `notes` are error codes with their places, such as `IK403:7@NM109`: never a value.
    """

    segment: int
    kind: str
    status: str
    notes: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the question went on to be answered."""
        return self.status in _ACCEPTED


def read_acknowledgement(transaction: TransactionSet) -> Acknowledgement:
    """Read a 999, 997 or TA1; a status that is missing counts as not accepted."""
    status = ""
    notes: list[str] = []
    place = ""
    for segment in transaction.segments:
        match segment[0]:
            case "TA1":
                status = element(segment, 4)
                notes.append(f"TA105:{element(segment, 5)}")
            case "IK3" | "AK3":
                place = element(segment, 1)
                if code := element(segment, 4):
                    notes.append(f"{segment[0]}04:{code}@{place}")
            case "IK4" | "AK4":
                position = element(segment, 1).split(transaction.delimiters.component)[0]
                notes.append(f"{segment[0]}03:{element(segment, 3)}@{place}{position:0>2}")
            case "IK5" | "AK5" | "AK9":
                status = element(segment, 1)
    return Acknowledgement(transaction.first, transaction.code, status, tuple(notes))

"""Identifiers: ours are random, the vendor's are opaque, the nation's are checked."""

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

PracticeId = NewType("PracticeId", UUID)
CaseId = NewType("CaseId", UUID)
GateId = NewType("GateId", UUID)

REF_SYSTEM = "urn:cleargate:ref"
"""The identifier system under which a vendor stores our Ref."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Our idempotency reference of one write: stored with the vendor wherever it can hold it.

    The same try, retried or resumed, carries the same Ref; a person's "do it again" raises
    `generation`. It is random but for the step's name, so it says nothing about a patient.
    """

    case: CaseId
    step: str
    generation: int = 1

    @property
    def value(self) -> str:
        """The form that goes over the wire, at most 64 characters: `<case>.<step>.<generation>`."""
        return f"{self.case.hex}.{self.step}.{self.generation}"

    def __str__(self) -> str:
        return self.value


def npi_is_valid(npi: str) -> bool:
    """Whether ten digits carry the right Luhn digit under the prefix 80840.

    Source: CMS, "Requirements for National Provider Identifier (NPI) and NPI Check Digit", 2004.
    """
    if len(npi) != 10 or not npi.isascii() or not npi.isdigit():
        return False
    total = 0
    for place, digit in enumerate(reversed("80840" + npi)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0

"""The question to a payer, and the raw answer before anyone has read it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Patient


class ContentKind(StrEnum):
    """What a raw answer is; coverage/origins has one reader for each."""

    X12_271 = "x12_271"
    JSON = "json"
    XML = "xml"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Asker:
    """The practice as the payer knows it."""

    name: str
    npi: str


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question: is this patient covered by this policy for these services on this date?

    `payer_code` is the payer's id at this clearinghouse; `trace` comes back in the answer.
    """

    payer_code: str
    payer_name: str
    asker: Asker
    patient: Patient
    insurance: Insurance
    service_types: tuple[str, ...]
    service_date: date
    trace: str


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """The payer's bytes, untouched. Stored encrypted before anything reads them."""

    content: bytes
    kind: ContentKind
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """The clearinghouse will know later; `token` is what to poll with."""

    token: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class EligibilitySummary:
    """What is written back to the practice's own system: a line for people, and the verdict."""

    verdict: str
    payer_name: str
    text: str
    checked_on: date

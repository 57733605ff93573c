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


class Detail(StrEnum):
    """One detail of a person, by which a payer tells one from another."""

    MEMBER_ID = "member_id"
    FAMILY_NAME = "family_name"
    GIVEN_NAME = "given_name"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    GROUP = "group"


Search = frozenset[Detail]
"""The details that a question tells, and no others."""

PRIMARY_SEARCH: Search = frozenset(
    {Detail.MEMBER_ID, Detail.FAMILY_NAME, Detail.GIVEN_NAME, Detail.BIRTH_DATE}
)
"""What every payer must search by, and the most that it may ask for. What is told beyond it can
only fail to match. Source: 005010X279A1, 1.4.8.1; X12's interpretations 1103 and 1293."""

NO_NEEDS: Search = frozenset()
"""A clearinghouse that takes any search."""


class ServiceList(StrEnum):
    """How a payer takes several service types.

    SEPARATE: an EQ for each. REPEATED: one EQ with a list. PLAN: it answers about the plan as a
    whole (30) and nothing else. UNSTATED: as the connection's settings say.
    """

    SEPARATE = "separate"
    REPEATED = "repeated"
    PLAN = "plan"
    UNSTATED = ""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question: is this patient covered by this policy for these services on this date?

    `payer_code` is the payer's id at this clearinghouse; `trace` comes back in the answer.
    `search` names what may be told of the people, `service_list` how services are asked for.
    """

    payer_code: str
    payer_name: str
    asker: Asker
    patient: Patient
    insurance: Insurance
    service_types: tuple[str, ...]
    service_date: date
    trace: str
    search: Search = PRIMARY_SEARCH
    service_list: ServiceList = ServiceList.UNSTATED

    def tells(self, detail: Detail) -> bool:
        """Whether the question may tell this detail."""
        return detail in self.search

    @property
    def asked_services(self) -> tuple[str, ...]:
        """The service types that go to the payer."""
        return ("30",) if self.service_list is ServiceList.PLAN else self.service_types


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

"""Benefit rows: what a payer said, before it is understood, whatever format it came in.

The vocabulary is that of the 271's EB segment, in words, for every format is derived from it.
Amounts, percentages and quantities stay as the payer wrote them; amounts.py and limits.py read
them, and say so where they cannot.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from cleargate.nouns.coverage import AuthorisationNeed, Network, Person, Source

PLAN = "30"
"""Service type 30, Health Benefit Plan Coverage: the plan as a whole."""


class Info(StrEnum):
    """What a row states."""

    ACTIVE = "active"
    ACTIVE_PENDING = "active_pending"
    INACTIVE = "inactive"
    COINSURANCE = "coinsurance"
    COPAY = "copay"
    DEDUCTIBLE = "deductible"
    OUT_OF_POCKET = "out_of_pocket"
    LIMIT = "limit"
    UNLIMITED = "unlimited"
    DESCRIPTION = "description"
    BASIS = "basis"
    NOT_COVERED = "not_covered"
    EXCLUDED = "excluded"
    RESTRICTED = "restricted"
    MANAGED_CARE = "managed_care"
    OTHER_PAYER = "other_payer"
    CONTACT = "contact"
    CANNOT_PROCESS = "cannot_process"
    SPEND_DOWN = "spend_down"
    OTHER = "other"


class SpanKind(StrEnum):
    """What a span of dates bounds. Spans of one kind are alternatives, kinds must all hold."""

    PLAN = "plan"
    ELIGIBILITY = "eligibility"
    BENEFIT = "benefit"
    POLICY = "policy"
    COBRA = "cobra"
    SERVICE = "service"


class Role(StrEnum):
    """What an organisation or person named beside a row is to the patient's coverage."""

    PAYER = "payer"
    PRIMARY_PAYER = "primary"
    SECONDARY_PAYER = "secondary"
    TERTIARY_PAYER = "tertiary"
    PRIOR_PAYER = "prior"
    MANAGER = "manager"
    OTHER = "other"


class Span(NamedTuple):
    """Dates between which something holds; None is open."""

    kind: SpanKind
    begin: date | None
    end: date | None
    segment: int
    element: str = "DTP03"

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.segment, self.element)


class Message(NamedTuple):
    """Free text of the payer."""

    text: str
    segment: int
    element: str = "MSG"

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.segment, self.element)


class Frequency(NamedTuple):
    """How often: `quantity` of `unit` per `per`, over `periods` times `period`; words, or empty."""

    unit: str
    quantity: str
    per: str
    period: str
    periods: str
    segment: int
    element: str = "HSD"

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.segment, self.element)


class Refusal(NamedTuple):
    """The refusal to answer: X12's AAA03 and AAA04, or a clearinghouse's own code.

    `issuer` names the list that the reason is from, a table of reasons.toml. `words` are those of
    the other side where its code does not say it all; `field` is the form's field to mend where
    the refusal itself names it.
    """

    reason: str
    follow_up: str
    segment: int
    element: str = "AAA03"
    issuer: str = "AAA"
    words: str = ""
    field: str = ""

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.segment, self.element)


class Entity(NamedTuple):
    """An organisation or person named beside a row."""

    role: Role
    name: str
    segment: int
    element: str = "NM1"

    @property
    def source(self) -> Source:
        """Where it stands."""
        return Source(self.segment, self.element)


class Details(NamedTuple):
    """What hangs on a row: words, dates, frequencies, refusals, places of service, others.

    `text` is all free text in capitals, for rules that look for words.
    """

    messages: tuple[Message, ...] = ()
    spans: tuple[Span, ...] = ()
    frequencies: tuple[Frequency, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    places: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    text: str = ""


NO_DETAILS = Details()
"""Most rows stand alone."""

EB_NAMES: Mapping[str, str] = {
    "info": "EB01",
    "insurance_type": "EB04",
    "amount": "EB07",
    "percent": "EB08",
    "quantity": "EB10",
    "authorisation": "EB11",
    "network": "EB12",
}
"""What a 271 calls the parts of a row; other formats have names of their own."""


class BenefitRow(NamedTuple):
    """One statement. `network` is the payer's flag alone; network.py compares it with the text.

    `services` is empty when the payer named none. `period` and `quantity_kind` are words.
    `misplaced`: the quantity stands where it does not belong and was not read. `segment` is the
    row's number in its file, from 1: of its segment, or of its entry where there are none.
    """

    info: Info
    segment: int
    services: tuple[str, ...]
    person: Person
    network: Network
    insurance_type: str
    plan: str
    period: str
    amount: str
    percent: str
    quantity_kind: str
    quantity: str
    authorisation: AuthorisationNeed
    procedure: str
    misplaced: bool = False
    details: Details = NO_DETAILS
    names: Mapping[str, str] = EB_NAMES

    def at(self, part: str) -> Source:
        """The place of one of the row's own parts, as its format calls it."""
        return Source(self.segment, self.names[part])

    @property
    def messages(self) -> tuple[Message, ...]:
        """The payer's words beside the row."""
        return self.details.messages

    @property
    def speaks_for_plan(self) -> bool:
        """Whether the row is about the plan as a whole: service type 30, or none named."""
        return not self.services or PLAN in self.services

    @property
    def reach(self) -> frozenset[str]:
        """The services that a doubt about this row touches: those it names, or else the plan."""
        return frozenset(self.services or (PLAN,))

    @property
    def text(self) -> str:
        """The payer's words in capitals."""
        return self.details.text


class PayerAnswer(NamedTuple):
    """All that one answer says about one patient. `complete`: its end was not lost.

    `spans` are the dates that the payer stated for the patient, beside those of single rows;
    `holder_spans` the subscriber's, where the patient is a dependent with dates of its own.
    `refusals` come from all levels: payer, provider and patient. `payer_id` is the payer's own in
    the answer, empty where its format has none.
    """

    payer: str
    rows: tuple[BenefitRow, ...]
    spans: tuple[Span, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    complete: bool = True
    trace: str = ""
    member_id: str = ""
    family_name: str = ""
    given_name: str = ""
    birth_date: date | None = None
    set_index: int = 1
    payer_id: str = ""
    holder_spans: tuple[Span, ...] = ()

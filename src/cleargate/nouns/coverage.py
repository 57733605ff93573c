"""What a payer said about a patient's coverage, normalised. Amounts in cents.

Every value carries the Source it was read from, so that the desk can show the segment.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """One answer per asked service. Never a guess: a contradiction is ACTIVE_UNCLEAR."""

    ACTIVE = "active"
    ACTIVE_UNCLEAR = "active_unclear"
    INACTIVE = "inactive"
    UNDETERMINED = "undetermined"
    PENDING = "pending"


class Network(StrEnum):
    """Which providers a value is for. UNSTATED means that the payer did not say."""

    IN = "in"
    OUT = "out"
    EITHER = "either"
    UNSTATED = "unstated"


class Person(StrEnum):
    """Whose value it is."""

    INDIVIDUAL = "individual"
    FAMILY = "family"
    UNSTATED = "unstated"


class AmountKind(StrEnum):
    """The kinds of cost sharing that a front desk asks for."""

    COPAY = "copay"
    COINSURANCE = "coinsurance"
    DEDUCTIBLE = "deductible"
    OUT_OF_POCKET = "out_of_pocket"


@dataclass(frozen=True, slots=True)
class Source:
    """Where in the answer a value stands.

    `segment` is the segment's number in the file, from 1; `element` is e.g. `EB07` or `MSG`. In
    XML they are the number of the benefit, 0 above all benefits, and the element's name.
    """

    segment: int
    element: str

    def __str__(self) -> str:
        return f"{self.segment}:{self.element}"


@dataclass(frozen=True, slots=True)
class Amount:
    """One cost-sharing value. One of `cents` and `percent` is set; percent is 0 to 100.

    Neither is set when the payer stated only what is `remaining` or `used` of an unknown total.
    `period` is the X12 EB06 word (`calendar_year`, `visit`, `day`, ...), empty when not stated.
    `remaining` and `used` are in cents, None when the payer did not say; `parts` are the places
    of the rows that were joined to say them.
    """

    kind: AmountKind
    cents: int | None
    percent: Decimal | None
    person: Person
    network: Network
    period: str
    remaining: int | None
    service_types: tuple[str, ...]
    source: Source
    note: str = ""
    used: int | None = None
    parts: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class VisitLimit:
    """How many visits the plan pays for; `shared` names what they are shared with.

    `unit` is what is counted: `visits`, or what the payer counts instead (`days`, `hours`, ...).
    `parts` are the places of the rows that were joined to say what remains.
    """

    allowed: int | None
    remaining: int | None
    period: str
    network: Network
    service_types: tuple[str, ...]
    shared: str
    source: Source
    unit: str = "visits"
    parts: tuple[Source, ...] = ()


class AuthorisationNeed(StrEnum):
    """Whether the payer wants to be asked first."""

    REQUIRED = "required"
    NOT_REQUIRED = "not_required"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class OtherPayer:
    """Another payer that this payer knows of; `order` is primary, secondary ... or empty."""

    name: str
    order: str
    source: Source


class ReasonKind(StrEnum):
    """What a reason asks for: a person's judgement, or one of three ways to ask again."""

    FOR_A_PERSON = "for_a_person"
    ASK_AGAIN_LATER = "ask_again_later"
    DATA_WRONG = "data_wrong"
    ENROLMENT = "enrolment"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: the payer's code and words, and our tip in plain English.

    `code` is ours or the payer's (`AAA:72`, `carve_out`, ...). `field` names the form's field to
    mend, empty when there is none. `sources` are the places that gave rise to it; a contradiction
    has both.
    """

    code: str
    text: str
    tip: str
    field: str = ""
    kind: ReasonKind = ReasonKind.FOR_A_PERSON
    sources: tuple[Source, ...] = ()


FOUND_OTHERWISE = "found_otherwise"
"""The code of the reason that somebody was found by fewer details than usual: people compare."""


@dataclass(frozen=True, slots=True)
class ServiceVerdict:
    """The verdict for one service type code, with the rows that decided it.

    `rule` is the code of the rule by which they did (docs/eligibility.md), before any reason
    lowered it; empty where nothing was read.
    """

    code: str
    verdict: Verdict
    sources: tuple[Source, ...]
    reasons: tuple[Reason, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a rule for this payer settled, which another payer's answer leaves to a person.

    `rule` is the kind of rule, `file` the payer's file that holds it, `origin` and `dated` where
    it is from. `sources` are the places of the answer that it was about.
    """

    rule: str
    text: str
    sources: tuple[Source, ...]
    file: str
    origin: str
    dated: date


@dataclass(frozen=True, slots=True)
class Coverage:
    """One payer's answer for one patient on one date. `verdict` is the primary service's.

    `begins` and `ends` bound the plan where the payer stated dates. `member_id` and `birth_date`
    are those of the patient whom the answer is about, so that it is never filed under another.
    `provider_network` is what the payer said about the asking provider. `set_index` is the number
    of the transaction set in its file, from 1. `payer_rules` names the file of rules for this
    payer, empty for the strict reading; `settled` is what those rules did.
    """

    payer: str
    verdict: Verdict
    services: tuple[ServiceVerdict, ...]
    plan: str = ""
    amounts: tuple[Amount, ...] = ()
    visit_limits: tuple[VisitLimit, ...] = ()
    authorisation: AuthorisationNeed = AuthorisationNeed.UNSTATED
    referral: AuthorisationNeed = AuthorisationNeed.UNSTATED
    other_payers: tuple[OtherPayer, ...] = ()
    reasons: tuple[Reason, ...] = ()
    begins: date | None = None
    ends: date | None = None
    trace: str = ""
    member_id: str = ""
    birth_date: date | None = None
    family_name: str = ""
    given_name: str = ""
    provider_network: Network = Network.UNSTATED
    set_index: int = 1
    payer_rules: str = ""
    settled: tuple[Settled, ...] = ()

"""Who pays, as the patient states it. What the payer says about it is in coverage.py."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cleargate.nouns.patient import Name, Sex


class Payment(StrEnum):
    """How the visit is to be paid."""

    INSURANCE = "insurance"
    SELF_PAY = "self_pay"
    WORKERS_COMPENSATION = "workers_compensation"
    AUTO = "auto"


class Relationship(StrEnum):
    """The patient's relationship to the subscriber."""

    SELF = "self"
    SPOUSE = "spouse"
    CHILD = "child"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The person who holds the policy, when the patient is a dependent."""

    name: Name
    birth_date: date
    sex: Sex = Sex.UNKNOWN


@dataclass(frozen=True, slots=True)
class Insurance:
    """One policy as stated by the patient.

    `payer_id` is ours (see directory/payers), empty when the payer is not in the directory;
    `payer_name` is what the patient chose or typed. `subscriber` is None when the patient is.
    """

    payer_id: str
    payer_name: str
    member_id: str
    group: str = ""
    relationship: Relationship = Relationship.SELF
    subscriber: Subscriber | None = None


@dataclass(frozen=True, slots=True)
class AccidentClaim:
    """A workers' compensation or auto claim: it always goes to a person."""

    claim_number: str
    adjuster: str
    adjuster_phone: str
    accident_date: date | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral that came with the request; the NPI is empty where the patient did not know it."""

    issued: date
    referrer_npi: str

"""A patient's request for a visit, as it came in by web or by phone."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cleargate.nouns.appointment import Wish
from cleargate.nouns.insurance import AccidentClaim, Insurance, Payment, Referral
from cleargate.nouns.patient import Guarantor, Patient


class Channel(StrEnum):
    """How a request reached the practice."""

    WEB = "web"
    PHONE = "phone"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class VisitRequest:
    """Everything that the patient said. `insurances` stand in order: primary, then secondary.

    `earliest` is the first day on which the patient can come, in the office's zone; of a check, the
    day that is asked about. `service_types` are asked about instead of the practice's own.
    """

    channel: Channel
    patient: Patient
    visit_type: str
    reason: str
    earliest: date
    wishes: tuple[Wish, ...]
    payment: Payment
    insurances: tuple[Insurance, ...] = ()
    accident: AccidentClaim | None = None
    referral: Referral | None = None
    guarantor: Guarantor | None = None
    mail_consent: bool = False
    service_types: tuple[str, ...] = ()

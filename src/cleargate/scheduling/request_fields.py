"""A request as the fields of the form, for whoever has to fill it in again."""

from datetime import date

from cleargate.nouns.insurance import Insurance
from cleargate.nouns.request import VisitRequest


def fields_of(request: VisitRequest) -> dict[str, str]:
    """A request as somebody types it into the form; forms.parse gives the same request again.

    What was left empty is left out, so that a field which is there was filled in.
    """
    patient, contact = request.patient, request.patient.contact
    fields = {
        "given": patient.name.given,
        "family": patient.name.family,
        "birth_date": f"{patient.birth_date:%m/%d/%Y}",
        "sex": patient.sex.value,
        "email": contact.email,
        "phone": contact.phone,
        "mail_consent": "yes" if request.mail_consent else "",
        "visit_type": request.visit_type,
        "reason": request.reason,
        "earliest": request.earliest.isoformat(),
        "payment": request.payment.value,
    }
    if contact.address is not None:
        address = contact.address
        fields |= {
            "address_line": address.line,
            "city": address.city,
            "state": address.state,
            "zip": address.zip,
        }
    for number, wish in enumerate(request.wishes, start=1):
        weekday = "" if wish.weekday is None else str(wish.weekday)
        fields |= {f"wish_{number}_weekday": weekday, f"wish_{number}_part": wish.part.value}
    for prefix, insurance in zip(("primary_", "secondary_"), request.insurances, strict=False):
        fields |= {prefix + name: value for name, value in _insurance(insurance).items()}
    return {name: value for name, value in (fields | _others(request)).items() if value}


def changed_fields(before: VisitRequest, after: VisitRequest) -> list[str]:
    """The names of the form's fields that differ between two requests; never their values."""
    old, new = fields_of(before), fields_of(after)
    return [name for name in old | new if old.get(name) != new.get(name)]


def _insurance(insurance: Insurance) -> dict[str, str]:
    fields = {
        "payer": insurance.payer_name,
        "payer_id": insurance.payer_id,
        "member_id": insurance.member_id,
        "group": insurance.group,
        "relationship": insurance.relationship.value,
    }
    holder = insurance.subscriber
    if holder is not None:
        fields |= {
            "subscriber_given": holder.name.given,
            "subscriber_family": holder.name.family,
            "subscriber_birth_date": f"{holder.birth_date:%m/%d/%Y}",
            "subscriber_sex": holder.sex.value,
        }
    return fields


def _others(request: VisitRequest) -> dict[str, str]:
    fields: dict[str, str] = {}
    if request.accident is not None:
        fields |= {
            "claim_number": request.accident.claim_number,
            "adjuster": request.accident.adjuster,
            "adjuster_phone": request.accident.adjuster_phone,
            "accident_date": _day(request.accident.accident_date),
        }
    if request.guarantor is not None:
        guarantor = request.guarantor
        fields |= {
            "guarantor_given": guarantor.name.given,
            "guarantor_family": guarantor.name.family,
            "guarantor_birth_date": _day(guarantor.birth_date),
            "guarantor_relationship": guarantor.relationship,
            "guarantor_phone": guarantor.contact.phone,
            "guarantor_email": guarantor.contact.email,
        }
    if request.referral is not None:
        fields |= {
            "referral_date": _day(request.referral.issued),
            "referrer_npi": request.referral.referrer_npi,
        }
    return fields


def _day(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else ""

"""Between our nouns and FHIR R4 resources; pure."""

import re
from base64 import b64encode
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from cleargate.connectors.fhir.resources import (
    Head,
    HumanName,
    NamedView,
    PatientView,
    Postal,
    Resource,
    SlotView,
)
from cleargate.nouns.appointment import BookingDetails, BookingStatus, Opening
from cleargate.nouns.eligibility import EligibilitySummary
from cleargate.nouns.ids import REF_SYSTEM, Ref
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import (
    Address,
    Contact,
    Name,
    Patient,
    PatientQuery,
    PatientRecord,
    Sex,
)

PAYER_SYSTEM = "urn:cleargate:payer"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

APPOINTMENT_STATUS = {
    BookingStatus.TENTATIVE: "pending",
    BookingStatus.BOOKED: "booked",
    BookingStatus.CANCELLED: "cancelled",
}
_RELATIONSHIP = {
    Relationship.SELF: "self",
    Relationship.SPOUSE: "spouse",
    Relationship.CHILD: "child",
    Relationship.OTHER: "other",
}


# Reading


def patient_record(view: PatientView, wanted: PatientQuery) -> PatientRecord | None:
    """A Patient, shown by the name, phone and e-mail that were asked for where it has them.

    A person may have several of each, and the record has room for one. None when the birth date
    is missing or partial: such a record is no answer to a search by birth date.
    """
    birth_date = _full_date(view.birth_date)
    if birth_date is None:
        return None
    contact = Contact(
        email=_preferred(
            [t.value for t in view.telecom if t.system == "email"], wanted.contact.email
        ),
        phone=_preferred(
            [e164(t.value) for t in view.telecom if t.system in ("phone", "sms")],
            wanted.contact.phone,
        ),
        address=_address(view.address),
    )
    sex = Sex(view.gender) if view.gender in (Sex.FEMALE, Sex.MALE) else Sex.UNKNOWN
    name = _wanted_name(view.name, wanted.name)
    return PatientRecord(view.id, Patient(name, birth_date, sex, contact), view.meta.version)


def _wanted_name(names: tuple[HumanName, ...], wanted: Name) -> Name:
    found = [Name(name.family or name.text, " ".join(name.given)) for name in names]
    same = (name for name in found if name.family.casefold() == wanted.family.casefold())
    return next(same, found[0] if found else Name(""))


def _preferred(values: list[str], wanted: str) -> str:
    same = (value for value in values if value.casefold() == wanted.casefold())
    return next(same, values[0] if values else "")


def e164(phone: str) -> str:
    """A US number in E.164 form, or the text as it stands."""
    digits = "".join(c for c in phone if c.isascii() and c.isdigit())
    if phone.strip().startswith("+"):
        return f"+{digits}"
    if len(digits) == 10:
        return f"+1{digits}"
    return f"+{digits}" if len(digits) == 11 and digits[0] == "1" else phone.strip()


def _address(found: tuple[Postal, ...]) -> Address | None:
    if not found:
        return None
    first = found[0]
    return Address(", ".join(first.line), first.city, first.state, first.postal_code)


def _full_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def opening(slot: SlotView, provider: str, place: str, zone: ZoneInfo) -> Opening:
    """A free Slot as an opening in the office's zone; its token is the Slot's id."""
    start = slot.start.astimezone(zone)
    return Opening(start, slot.end - slot.start, provider, place, slot.id)


def display_name(named: NamedView) -> str:
    """How people call a Location, a Practitioner or a PractitionerRole; empty when unnamed."""
    if isinstance(named.name, str):
        return named.name or named.practitioner.display
    if not named.name:
        return named.practitioner.display
    first = named.name[0]
    return first.text or " ".join([*first.given, first.family]).strip()


# Searching


def escaped(value: str) -> str:
    """A search value whose separators are no separators (FHIR R4 3.1.1.4.4)."""
    return re.sub(r"([\\$,|])", r"\\\1", value)


def identifier_search(ref: Ref) -> str:
    """The search value that finds what carries our Ref."""
    return f"{REF_SYSTEM}|{ref.value}"


def national_number(phone: str) -> str:
    """The search value for a US number: in E.164 form, or as ten digits."""
    return f"{phone},{phone[2:]}" if phone.startswith("+1") else escaped(phone)


def instant(moment: datetime) -> str:
    """A moment as a FHIR search takes it, with its offset."""
    return moment.isoformat(timespec="seconds")


# Writing


def identifier(ref: Ref) -> Resource:
    """Our Ref as the identifier that is stored with the record."""
    return {"system": REF_SYSTEM, "value": ref.value}


def patient_resource(patient: Patient, ref: Ref) -> Resource:
    """A new Patient."""
    resource: Resource = {
        "resourceType": "Patient",
        "identifier": [identifier(ref)],
        "active": True,
        "name": [_name(patient.name)],
        "birthDate": patient.birth_date.isoformat(),
        "gender": patient.sex.value,
    }
    telecom: list[JsonValue] = []
    if patient.contact.phone:
        telecom.append({"system": "phone", "value": patient.contact.phone, "use": "mobile"})
    if patient.contact.email:
        telecom.append({"system": "email", "value": patient.contact.email})
    if telecom:
        resource["telecom"] = telecom
    if address := patient.contact.address:
        postal: Resource = {"line": [address.line]} if address.line else {}
        for member, value in (
            ("city", address.city),
            ("state", address.state),
            ("postalCode", address.zip),
        ):
            if value:
                postal[member] = value
        resource["address"] = [{"use": "home", **postal}]
    return resource


def coverage_resource(patient_id: str, insurance: Insurance, rank: int, ref: Ref) -> Resource:
    """A policy. A subscriber who is not the patient is contained as a RelatedPerson."""
    patient = f"Patient/{patient_id}"
    payor: Resource = {"display": insurance.payer_name}
    if insurance.payer_id:
        payor["identifier"] = {"system": PAYER_SYSTEM, "value": insurance.payer_id}
    resource: Resource = {
        "resourceType": "Coverage",
        "identifier": [identifier(ref)],
        "status": "active",
        "beneficiary": {"reference": patient},
        "subscriberId": insurance.member_id,
        "relationship": _coded("subscriber-relationship", _RELATIONSHIP[insurance.relationship]),
        "payor": [payor],
        "order": rank,
    }
    if insurance.group:
        resource["class"] = [{"type": _coded("coverage-class", "group"), "value": insurance.group}]
    if insurance.subscriber is not None:
        resource["contained"] = [_related(insurance.subscriber, patient)]
        resource["subscriber"] = {"reference": "#subscriber"}
    elif insurance.relationship is Relationship.SELF:
        resource["subscriber"] = {"reference": patient}
    return resource


def appointment_resource(
    opening: Opening, patient_id: str, details: BookingDetails, system: str, ref: Ref
) -> Resource:
    """A visit in a claimed Slot. The zone's offset travels with both times."""
    coding: Resource = {"code": details.visit_type}
    if system:
        coding["system"] = system
    resource: Resource = {
        "resourceType": "Appointment",
        "identifier": [identifier(ref)],
        "status": APPOINTMENT_STATUS[details.status],
        "serviceType": [{"coding": [coding]}],
        "start": opening.start.isoformat(),
        "end": (opening.start + opening.duration).isoformat(),
        "minutesDuration": int(opening.duration / timedelta(minutes=1)),
        "slot": [{"reference": f"Slot/{opening.token}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient_id}"}, "status": "accepted"},
        ],
    }
    if details.note:
        resource["comment"] = details.note
    return resource


def eligibility_resource(patient_id: str, summary: EligibilitySummary, ref: Ref) -> Resource:
    """What a payer said. The question was not asked in FHIR: `request` names it by our Ref."""
    return {
        "resourceType": "CoverageEligibilityResponse",
        "identifier": [identifier(ref)],
        "status": "active",
        "purpose": ["benefits"],
        "patient": {"reference": f"Patient/{patient_id}"},
        "created": summary.checked_on.isoformat(),
        "request": {"type": "CoverageEligibilityRequest", "identifier": identifier(ref)},
        "outcome": "complete",
        "disposition": f"{summary.verdict}: {summary.text}",
        "insurer": {"display": summary.payer_name},
    }


def note_resource(patient_id: str, summary: EligibilitySummary, ref: Ref) -> Resource:
    """What a payer said, as a note of plain text in the patient's record.

    LOINC 48768-6 is "Payment sources Document". Source: FHIR R4 DocumentReference; US Core 6.1.
    """
    text = f"{summary.payer_name}, {summary.checked_on:%m/%d/%Y}: {summary.verdict}; {summary.text}"
    return {
        "resourceType": "DocumentReference",
        "identifier": [identifier(ref)],
        "status": "current",
        "type": {
            "coding": [{"system": "http://loinc.org", "code": "48768-6"}],
            "text": "Insurance eligibility",
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "description": f"Insurance eligibility: {summary.verdict}",
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": b64encode(text.encode()).decode("ascii"),
                }
            }
        ],
    }


def claimed(slot: Resource, ref: Ref) -> Resource:
    """The Slot, busy and marked as ours; everything else as it was.

    A free Slot with a mark of ours was freed by somebody else: that mark means nothing any more.
    """
    others = [i for i in _identifiers(slot) if not _is_ours(i)]
    return {**slot, "status": "busy", "identifier": [*others, identifier(ref)]}


def released(slot: Resource) -> Resource:
    """The Slot, free and without our mark; everything else as it was."""
    return {**unmarked(slot, Head.model_validate(slot).our_refs()), "status": "free"}


def unmarked(slot: Resource, refs: frozenset[str]) -> Resource:
    """The Slot without the marks of these Refs; everything else as it was."""
    others = [i for i in _identifiers(slot) if not (_is_ours(i) and _value(i) in refs)]
    bare = {name: value for name, value in slot.items() if name != "identifier"}
    return {**bare, "identifier": others} if others else bare


def with_status(appointment: Resource, status: BookingStatus, ref: Ref) -> Resource:
    """The Appointment in another status, marked with the Ref of this change."""
    marks = _identifiers(appointment)
    if not Head.model_validate(appointment).carries(ref):
        marks = [*marks, identifier(ref)]
    return {**appointment, "status": APPOINTMENT_STATUS[status], "identifier": marks}


def _identifiers(resource: Resource) -> list[JsonValue]:
    found = resource.get("identifier")
    return list(found) if isinstance(found, list) else []


def _is_ours(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.get("system") == REF_SYSTEM


def _value(value: JsonValue) -> JsonValue:
    return value.get("value") if isinstance(value, dict) else None


def _name(name: Name) -> Resource:
    written: Resource = {"family": name.family, "use": "official"}
    if name.given:
        written["given"] = list[JsonValue](name.given.split())
    return written


def _related(person: Subscriber, patient: str) -> Resource:
    return {
        "resourceType": "RelatedPerson",
        "id": "subscriber",
        "patient": {"reference": patient},
        "name": [_name(person.name)],
        "birthDate": person.birth_date.isoformat(),
        "gender": person.sex.value,
    }


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code}]}

"""The request form: what a patient says about a visit, read into a VisitRequest.

One model for the public form, the JSON API and a request taken by phone. Everything arrives as
text; `parse` answers with the request, or with one plain sentence for each field to mend. No
message repeats what was typed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from cleargate.directory.payers import PayerDirectory
from cleargate.nouns.appointment import DayPart, VisitType, Wish
from cleargate.nouns.ids import npi_is_valid
from cleargate.nouns.insurance import (
    AccidentClaim,
    Insurance,
    Payment,
    Referral,
    Relationship,
    Subscriber,
)
from cleargate.nouns.patient import Address, Contact, Guarantor, Patient, Sex
from cleargate.nouns.request import Channel, VisitRequest
from cleargate.web.intake.reading import Reader, years_between

HONEYPOT = "website"
"""A field that people do not see; whoever fills it is a machine."""
NONCE = "nonce"
"""A random value of the page, so that a form that is sent twice is one request."""
WISHES_MAX = 3
REASON_MAX = 500
ADULT_YEARS = 18

_STATES = frozenset(
    """AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ
    NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI""".split()  # noqa: SIM905
)

Word = Annotated[str, StringConstraints(max_length=100)]
Line = Annotated[str, StringConstraints(max_length=254)]


class RequestForm(BaseModel):
    """The fields of a request as people type them. Dates are `YYYY-MM-DD` or `MM/DD/YYYY`.

    A payer is named by `..._payer_id` (see the payer search) or by any text in `..._payer`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    given: Word = ""
    family: Word = ""
    birth_date: Word = ""
    sex: Word = ""
    email: Line = ""
    phone: Word = ""
    address_line: Line = ""
    city: Word = ""
    state: Word = ""
    zip: Word = ""
    mail_consent: Word = ""
    guarantor_given: Word = ""
    guarantor_family: Word = ""
    guarantor_birth_date: Word = ""
    guarantor_relationship: Word = ""
    guarantor_phone: Word = ""
    guarantor_email: Line = ""
    visit_type: Word = ""
    reason: Annotated[str, StringConstraints(max_length=REASON_MAX)] = ""
    earliest: Word = ""
    wish_1_weekday: Word = ""
    wish_1_part: Word = ""
    wish_2_weekday: Word = ""
    wish_2_part: Word = ""
    wish_3_weekday: Word = ""
    wish_3_part: Word = ""
    payment: Word = ""
    primary_payer: Word = ""
    primary_payer_id: Word = ""
    primary_member_id: Word = ""
    primary_group: Word = ""
    primary_relationship: Word = ""
    primary_subscriber_given: Word = ""
    primary_subscriber_family: Word = ""
    primary_subscriber_birth_date: Word = ""
    primary_subscriber_sex: Word = ""
    secondary_payer: Word = ""
    secondary_payer_id: Word = ""
    secondary_member_id: Word = ""
    secondary_group: Word = ""
    secondary_relationship: Word = ""
    secondary_subscriber_given: Word = ""
    secondary_subscriber_family: Word = ""
    secondary_subscriber_birth_date: Word = ""
    secondary_subscriber_sex: Word = ""
    claim_number: Word = ""
    adjuster: Word = ""
    adjuster_phone: Word = ""
    accident_date: Word = ""
    referral_date: Word = ""
    referrer_npi: Word = ""


@dataclass(frozen=True, slots=True)
class FormErrors:
    """What to mend: field name to one plain sentence, in the order of the form."""

    errors: Mapping[str, str]


def parse(
    fields: Mapping[str, str],
    visit_types: Sequence[VisitType],
    today: date,
    payers: PayerDirectory,
    channel: Channel = Channel.WEB,
) -> VisitRequest | FormErrors:
    """Read a form. `today` is the day in the office's zone; unknown fields are ignored."""
    try:
        form = RequestForm.model_validate(dict(fields))
    except ValidationError as error:
        return FormErrors({str(each["loc"][0]): _plain(each) for each in error.errors()})
    return read(form, visit_types, today, payers, channel)


def read(
    form: RequestForm,
    visit_types: Sequence[VisitType],
    today: date,
    payers: PayerDirectory,
    channel: Channel = Channel.WEB,
) -> VisitRequest | FormErrors:
    """Read a form whose fields have the right shape, as the JSON API has them already."""
    reader = Reader(form.model_dump(), today)
    patient = _patient(reader)
    guarantor = _guarantor(reader, patient)
    visit_type = reader.code(
        "visit_type",
        "Choose the kind of visit.",
        "Choose a kind of visit from the list.",
        {kind.code for kind in visit_types},
    )
    reason = reader.required("reason", "Tell us in a few words what the visit is about.")
    earliest = reader.coming_date("earliest")
    wishes = _wishes(reader)
    payment = reader.choice(
        "payment", Payment, Payment.INSURANCE, "Choose how the visit is to be paid."
    )
    request = VisitRequest(
        channel=channel,
        patient=patient,
        visit_type=visit_type,
        reason=reason,
        earliest=earliest,
        wishes=wishes,
        payment=payment,
        insurances=_insurances(reader, payers) if payment is Payment.INSURANCE else (),
        accident=_accident(reader) if payment in _ACCIDENTS else None,
        referral=_referral(reader),
        guarantor=guarantor,
        mail_consent=_is_yes(reader.text("mail_consent")),
    )
    return FormErrors(reader.errors) if reader.errors else request


_ACCIDENTS = (Payment.WORKERS_COMPENSATION, Payment.AUTO)


def _plain(error: ErrorDetails) -> str:
    """A sentence for what pydantic found, which is only ever a length or a type."""
    if error["type"] == "string_too_long":
        return f"Use at most {error['ctx']['max_length']} characters."
    return "This must be text."


def _is_yes(text: str) -> bool:
    return text.casefold() in ("yes", "on", "true", "1")


def _patient(reader: Reader) -> Patient:
    name = reader.name("", "the patient's")
    birth_date = reader.past_date("birth_date", "Enter the patient's date of birth.")
    if not reader.text("sex"):
        reader.fail("sex", "Choose one; the insurer asks for it.")
    sex = reader.choice("sex", Sex, Sex.UNKNOWN, "Choose one from the list.")
    return Patient(name, birth_date, sex, _contact(reader))


def _contact(reader: Reader) -> Contact:
    email, phone = reader.email("email"), reader.phone("phone")
    wants_mail = _is_yes(reader.text("mail_consent"))
    if not reader.any("email", "phone"):
        reader.fail("email", "Enter an e-mail address or a phone number, so that we can reach you.")
    elif not reader.any("phone") and not wants_mail:
        reader.fail("mail_consent", "Agree to e-mail, or enter a phone number.")
    return Contact(email, phone, _address(reader))


def _address(reader: Reader) -> Address | None:
    """All of it or nothing: half an address neither finds a patient nor a letterbox."""
    if not reader.any("address_line", "city", "zip"):
        return None
    state = reader.text("state").upper()
    zip_code = reader.text("zip")
    address = Address(
        reader.required("address_line", "Enter the street and number."),
        reader.required("city", "Enter the city."),
        state,
        zip_code,
    )
    if state not in _STATES:
        reader.fail("state", "Enter the state's two letters, such as TX.")
    digits = zip_code.replace("-", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) in (5, 9)):
        reader.fail("zip", "Enter a ZIP code of five digits.")
    return address


def _guarantor(reader: Reader, patient: Patient) -> Guarantor | None:
    """Who answers for the bill: needed for a minor, read for anybody who names one."""
    is_minor = (
        "birth_date" not in reader.errors
        and years_between(patient.birth_date, reader.today) < ADULT_YEARS
    )
    if not is_minor and not reader.any("guarantor_given", "guarantor_family"):
        return None
    name = reader.name("guarantor_", "the parent's or guardian's")
    born = reader.past_date("guarantor_birth_date", "Enter the parent's or guardian's birth date.")
    if (
        "guarantor_birth_date" not in reader.errors
        and years_between(born, reader.today) < ADULT_YEARS
    ):
        reader.fail("guarantor_birth_date", "The parent or guardian must be an adult.")
    relationship = reader.required(
        "guarantor_relationship", "Say who this is to the patient, such as mother."
    )
    email = reader.email("guarantor_email") or patient.contact.email
    phone = reader.phone("guarantor_phone") or patient.contact.phone
    return Guarantor(name, born, Contact(email, phone, patient.contact.address), relationship)


def _wishes(reader: Reader) -> tuple[Wish, ...]:
    wishes = []
    for number in range(1, WISHES_MAX + 1):
        weekday = reader.text(f"wish_{number}_weekday")
        if weekday and weekday not in "0 1 2 3 4 5 6".split():  # noqa: SIM905
            reader.fail(f"wish_{number}_weekday", "Choose a day from the list.")
            weekday = ""
        part = reader.choice(
            f"wish_{number}_part", DayPart, DayPart.ANY, "Choose a time of day from the list."
        )
        wish = Wish(int(weekday) if weekday else None, part)
        if wish != Wish():
            wishes.append(wish)
    return tuple(dict.fromkeys(wishes))


def _insurances(reader: Reader, payers: PayerDirectory) -> tuple[Insurance, ...]:
    found = [_insurance(reader, "primary_", payers)]
    if reader.any("secondary_payer", "secondary_payer_id", "secondary_member_id"):
        found.append(_insurance(reader, "secondary_", payers))
    return tuple(found)


def _insurance(reader: Reader, prefix: str, payers: PayerDirectory) -> Insurance:
    typed = reader.text(f"{prefix}payer")
    payer = payers.by_id(reader.text(f"{prefix}payer_id")) or payers.by_name(typed)
    if payer is None and not typed:
        reader.fail(f"{prefix}payer", "Enter the insurance company on the card.")
    member_id = reader.required(f"{prefix}member_id", "Enter the member ID on the card.").replace(
        " ", ""
    )
    if member_id and not (member_id.isascii() and member_id.replace("-", "").isalnum()):
        reader.fail(f"{prefix}member_id", "Use the letters, digits and hyphens on the card only.")
    relationship = reader.choice(
        f"{prefix}relationship", Relationship, Relationship.SELF, "Choose one from the list."
    )
    is_dependent = relationship is not Relationship.SELF
    return Insurance(
        payer_id=payer.id if payer else "",
        payer_name=payer.name if payer else typed,
        member_id=member_id,
        group=reader.text(f"{prefix}group"),
        relationship=relationship,
        subscriber=_subscriber(reader, f"{prefix}subscriber_") if is_dependent else None,
    )


def _subscriber(reader: Reader, prefix: str) -> Subscriber:
    return Subscriber(
        reader.name(prefix, "the policy holder's"),
        reader.past_date(f"{prefix}birth_date", "Enter the policy holder's date of birth."),
        reader.choice(f"{prefix}sex", Sex, Sex.UNKNOWN, "Choose one from the list."),
    )


def _accident(reader: Reader) -> AccidentClaim:
    return AccidentClaim(
        claim_number=reader.required("claim_number", "Enter the claim number."),
        adjuster=reader.text("adjuster"),
        adjuster_phone=reader.phone("adjuster_phone"),
        accident_date=reader.past_date("accident_date", "Enter the date of the accident."),
    )


def _referral(reader: Reader) -> Referral | None:
    if not reader.any("referral_date", "referrer_npi"):
        return None
    npi = reader.text("referrer_npi")
    if npi and not npi_is_valid(npi):
        reader.fail("referrer_npi", "This is not an NPI; check the 10 digits on the referral.")
    return Referral(reader.past_date("referral_date", "Enter the date of the referral."), npi)

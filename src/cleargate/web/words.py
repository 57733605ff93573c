"""The desk's words: what the engine's codes are called where people read them. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    format_number,
    parse,
)

from cleargate.nouns.case import TAKEN, CaseState
from cleargate.nouns.coverage import AmountKind, AuthorisationNeed, Network, Person, Verdict
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.insurance import Payment, Relationship
from cleargate.nouns.patient import Sex

REASONS: dict[GateReason, str] = {
    GateReason.ACCIDENT_CLAIM: "Accident claim: call the adjuster",
    GateReason.COVERAGE_INACTIVE: "Coverage has ended: ask for newer insurance",
    GateReason.COVERAGE_UNCLEAR: "Plan is active, this service is unclear: call the payer",
    GateReason.COVERAGE_UNDETERMINED: "The payer could not say: check the card",
    GateReason.COVERAGE_CHANGED: "Coverage has changed since the booking: call the patient",
    GateReason.AUTHORISATION_NEEDED: "Get an authorization first",
    GateReason.REFERRAL_NEEDED: "Get the referral first",
    GateReason.WRONG_PATIENT_ANSWER: "The answer is about somebody else: compare the card",
    GateReason.UNKNOWN_PAYER: "Insurance company not found: look at the card",
    GateReason.LOOKALIKE_PATIENT: "May be a known patient: compare the records",
    GateReason.CHANGED_DATA: "Patient's details have changed: check them",
    GateReason.CHECK_BUDGET_SPENT: "Today's insurance checks are used up: say whether to go on",
    GateReason.NO_OPENING: "No time fits: agree on another",
    GateReason.CALL_PATIENT: "Call the patient with the time",
    GateReason.WRITE_DOWN: "Booked: write down what the payer said",
    GateReason.CONTACT_UNCONFIRMED: "Patient has not confirmed: call",
    GateReason.PATIENT_SILENT: "Patient was asked and has not answered: call",
    GateReason.PATIENT_CHECKED: "Patient says the details are right: call the payer",
    GateReason.VENDOR_REFUSED: "It was refused: correct the details",
    GateReason.VENDOR_UNSURE: "It may have been done: look before trying again",
    GateReason.VENDOR_SILENT: "No answer for a long time: try again",
    GateReason.CONNECTION_STOPPED: "A connection has stopped: tell your IT person",
    GateReason.NOT_SUPPORTED: "To be done by hand",
    GateReason.PROGRAM_ERROR: "Cleargate made a mistake: try again",
}
"""Why a person is needed: one phrase that says what to do."""


@dataclass(frozen=True, slots=True)
class ChoiceWords:
    """A choice as its button says it, and what it will do."""

    label: str
    effect: str


CHOICES: dict[Choice, ChoiceWords] = {
    Choice.GO_ON: ChoiceWords("Go on", "Goes on as it stands; you vouch for what was unclear."),
    Choice.SELF_PAY: ChoiceWords("Go on as self-pay", "The patient pays; insurance is left out."),
    Choice.ASK_AGAIN: ChoiceWords("Try again", "Asks once more, from this step on."),
    Choice.ASK_PATIENT: ChoiceWords(
        "Ask the patient", "Sends an e-mail; they check it on a page, and it goes on by itself."
    ),
    Choice.EDIT: ChoiceWords("Correct the request", "Opens the form; then all is checked anew."),
    Choice.USE_EXISTING: ChoiceWords("It is this patient", "Uses the record that you pick."),
    Choice.CREATE_NEW: ChoiceWords("It is somebody else", "Creates a new patient record."),
    Choice.TAKE_OPENING: ChoiceWords("Book this time", "Books the time that you pick."),
    Choice.DONE_BY_HAND: ChoiceWords("Done by hand", "Closes this; nothing more will be done."),
    Choice.DECLINE: ChoiceWords(
        "Decline", "No visit; a held time is given back. Nothing is sent: call the patient."
    ),
}

_WITHOUT_THEM = ChoiceWords(
    "Decide without the patient", "Shows the payer's answer again, with every choice."
)
_SPECIAL: dict[tuple[GateReason, Choice], ChoiceWords] = {
    (GateReason.ACCIDENT_CLAIM, Choice.GO_ON): ChoiceWords(
        "The claim is good", "Books the visit; the claim pays."
    ),
    (GateReason.AUTHORISATION_NEEDED, Choice.GO_ON): ChoiceWords(
        "I have the authorization", "Goes on; note its number for the claim."
    ),
    (GateReason.REFERRAL_NEEDED, Choice.GO_ON): ChoiceWords(
        "I have the referral", "Goes on; keep it with the patient's record."
    ),
    (GateReason.COVERAGE_INACTIVE, Choice.GO_ON): ChoiceWords(
        "The coverage is good", "Goes on; you have seen or heard that it is active."
    ),
    (GateReason.COVERAGE_CHANGED, Choice.GO_ON): ChoiceWords(
        "Keep the visit", "The visit stays as it is booked; you know of the change."
    ),
    (GateReason.COVERAGE_CHANGED, Choice.SELF_PAY): ChoiceWords(
        "Keep it as self-pay", "The visit stays; the patient pays, insurance is left out."
    ),
    (GateReason.COVERAGE_CHANGED, Choice.DECLINE): ChoiceWords(
        "Cancel the visit", "Gives the time back. Nothing is sent: call the patient."
    ),
    (GateReason.CHANGED_DATA, Choice.GO_ON): ChoiceWords(
        "I have checked", "Goes on; the record stays as it is until you change it there."
    ),
    (GateReason.CHECK_BUDGET_SPENT, Choice.GO_ON): ChoiceWords(
        "Check anyway", "Asks the payers now, beyond today's budget."
    ),
    (GateReason.CONTACT_UNCONFIRMED, Choice.GO_ON): ChoiceWords(
        "The request is theirs", "Goes on as if the patient had confirmed."
    ),
    (GateReason.PATIENT_SILENT, Choice.GO_ON): _WITHOUT_THEM,
    (GateReason.PATIENT_CHECKED, Choice.GO_ON): _WITHOUT_THEM,
    (GateReason.NO_OPENING, Choice.ASK_AGAIN): ChoiceWords(
        "Look again", "Looks for free times once more."
    ),
    (GateReason.WRITE_DOWN, Choice.DONE_BY_HAND): ChoiceWords(
        "It is written down", "Closes this; the visit stays booked."
    ),
    (GateReason.CALL_PATIENT, Choice.DONE_BY_HAND): ChoiceWords(
        "The patient knows", "Closes this; the visit stays booked."
    ),
}

_ASK_PAYER = ChoiceWords("Ask the payer again", "Asks once more; a fee may be due.")
_SPECIAL |= {
    (reason, Choice.ASK_AGAIN): _ASK_PAYER
    for reason in (
        GateReason.COVERAGE_INACTIVE,
        GateReason.COVERAGE_UNCLEAR,
        GateReason.COVERAGE_UNDETERMINED,
        GateReason.COVERAGE_CHANGED,
        GateReason.AUTHORISATION_NEEDED,
        GateReason.REFERRAL_NEEDED,
        GateReason.WRONG_PATIENT_ANSWER,
    )
}

STEPS: dict[str, str] = {
    "find_patient": "Look for the patient",
    "create_patient": "Create the patient's record",
    "put_insurance": "Add the insurance",
    "ask": "Ask the payer",
    "find_openings": "Look for free times",
    "book": "Book the visit",
    "make_firm": "Make the booking firm",
    "cancel": "Give the time back",
    "write_back": "Write down what the payer said",
    "mail_confirm_contact": "E-mail: please confirm",
    "mail_ask_patient": "E-mail: please check your details",
    "mail_remind_patient": "E-mail: reminder to check",
    "mail_confirmation": "E-mail: your visit",
    "mail_cancellation": "E-mail: canceled",
}
"""A step's name without its rank; see `step`."""

OUTCOMES: dict[str, str] = {
    "ok": "Done",
    TAKEN: "Somebody was quicker",
    ErrorKind.AUTH: "Sign-in refused",
    ErrorKind.RATE_LIMITED: "Asked to wait",
    ErrorKind.RETRYABLE: "No answer",
    ErrorKind.AMBIGUOUS: "Not known whether it arrived",
    ErrorKind.CONFLICT: "Changed meanwhile",
    ErrorKind.REJECTED: "Refused",
    ErrorKind.UNSUPPORTED: "Cannot do this",
}

STATES: dict[CaseState, str] = {
    CaseState.OPEN: "In progress",
    CaseState.DONE: "Done",
    CaseState.DECLINED: "Declined",
    CaseState.WITHDRAWN: "Withdrawn",
}

_NEXT: dict[str, str] = {
    "received": "The request has come in; work on it begins {due}.",
    "decided": "Your decision is carried out {due}.",
    "waiting_for_patient": "Waiting for the patient to confirm; if not, it comes to you {due}.",
    "asked_patient": "The patient was asked to check details; a reminder goes out {due}.",
    "reminded_patient": "The patient was reminded; without an answer it comes to you {due}.",
    "corrected": "The patient has checked the details; it goes on {due}.",
    "waiting_for_payer": "The payer has not answered yet, next try {due}.",
    "time_held": "A time is held; it becomes firm once the payer has answered.",
    "time_was_taken": "Somebody else took the time; another one is looked for {due}.",
    "check_budget_spent": "Today's insurance checks are used up; it goes on {due}.",
    "recheck": "The payer is asked again before the visit {due}.",
    "mended": "It had stopped and was set going again.",
    "again": "{connection} did not answer, next try {due}.",
}

VERDICTS: dict[Verdict, str] = {
    Verdict.ACTIVE: "Active for this service and date",
    Verdict.ACTIVE_UNCLEAR: "Active, this service is unclear",
    Verdict.INACTIVE: "Inactive",
    Verdict.UNDETERMINED: "Could not be determined",
    Verdict.PENDING: "The payer has not answered yet",
}

AMOUNTS: dict[AmountKind, str] = {
    AmountKind.COPAY: "Copay",
    AmountKind.COINSURANCE: "Coinsurance",
    AmountKind.DEDUCTIBLE: "Deductible",
    AmountKind.OUT_OF_POCKET: "Out-of-pocket maximum",
}

NETWORKS: dict[Network, str] = {
    Network.IN: "in network",
    Network.OUT: "out of network",
    Network.EITHER: "in or out of network",
    Network.UNSTATED: "",
}

PERSONS: dict[Person, str] = {
    Person.INDIVIDUAL: "individual",
    Person.FAMILY: "family",
    Person.UNSTATED: "",
}

NEEDS: dict[AuthorisationNeed, str] = {
    AuthorisationNeed.REQUIRED: "Required",
    AuthorisationNeed.NOT_REQUIRED: "Not required",
    AuthorisationNeed.UNSTATED: "The payer does not say",
}

PAYMENTS: dict[Payment, str] = {
    Payment.INSURANCE: "Health insurance",
    Payment.SELF_PAY: "I pay myself",
    Payment.WORKERS_COMPENSATION: "Workers' compensation",
    Payment.AUTO: "Auto insurance, after an accident",
}

RELATIONSHIPS: dict[Relationship, str] = {
    Relationship.SELF: "The patient",
    Relationship.SPOUSE: "The patient's spouse",
    Relationship.CHILD: "The patient's parent",
    Relationship.OTHER: "Somebody else",
}
"""Whose policy it is, as the form asks: the patient is the policy holder's child, and so on."""

SEXES: dict[Sex, str] = {
    Sex.FEMALE: "Female",
    Sex.MALE: "Male",
    Sex.UNKNOWN: "Other, or rather not say",
}

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def choice(made: Choice, reason: GateReason) -> ChoiceWords:
    """The words of a choice at a gate of this reason."""
    return _SPECIAL.get((reason, made), CHOICES[made])


def step(name: str) -> str:
    """A step in plain words: `put_insurance2` is "Add the insurance (secondary)"."""
    bare = name.rstrip("0123456789")
    rank = name.removeprefix(bare)
    words = STEPS.get(bare) or bare.replace("_", " ").capitalize()
    return words + {"": "", "1": "", "2": " (secondary)"}.get(rank, f" ({rank})")


def what_happens_next(state: CaseState, note: str, due: str, *, at_gate: bool) -> str:
    """One sentence that says what will happen, and when.

    `note` is the case's own (see store/queue.py), `due` the time as people say it or empty.
    """
    if at_gate:
        return "It waits for you: decide, and it goes on at once."
    if state is not CaseState.OPEN:
        return "Nothing more to do here."
    word, _, connection = note.partition(":")
    sentence = _NEXT.get(word, "It goes on {due}.")
    return sentence.format(due=due or "in a moment", connection=connection or "A connection")


_PERIODS = {
    "calendar_year": "per calendar year",
    "service_year": "per plan year",
    "years": "per year",
    "contract": "per contract",
    "episode": "per episode",
    "visit": "per visit",
    "hour": "per hour",
    "day": "per day",
    "week": "per week",
    "month": "per month",
    "lifetime": "for life",
}


def period(code: str) -> str:
    """A benefit's period: `calendar_year` is "per calendar year"; others as they are named."""
    return _PERIODS.get(code, code.replace("_", " "))


def phone(number: str) -> str:
    """A phone number as Americans write it: `(217) 555-0100`; a foreign one with its country."""
    parsed = _number(number)
    if parsed is None:
        return number
    at_home = parsed.country_code == 1
    form = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return format_number(parsed, form)


def dial(number: str) -> str:
    """A phone number as a telephone takes it: `+12175550100`."""
    parsed = _number(number)
    return number if parsed is None else format_number(parsed, PhoneNumberFormat.E164)


def _number(text: str) -> PhoneNumber | None:
    try:
        return parse(text, "US")
    except NumberParseException:
        return None


def moment(when: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time as people say it: `today 9:40 AM`, `Tue 9:40 AM`, `Tue Dec 1, 9:40 AM`."""
    local, today = when.astimezone(zone), now.astimezone(zone).date()
    clock = local.strftime("%I:%M %p").lstrip("0")
    days = (local.date() - today).days
    if days in (-1, 0, 1):
        return f"{('yesterday', 'today', 'tomorrow')[days + 1]} {clock}"
    if 1 < days < 7:
        return f"{local:%a} {clock}"
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local:%a %b} {local.day}{year}, {clock}"


def appointment(when: datetime, zone: ZoneInfo) -> str:
    """A visit's time in full, to be kept: `Monday, November 23, 2026 at 9:40 AM`."""
    local = when.astimezone(zone)
    clock = local.strftime("%I:%M %p").lstrip("0")
    return f"{local:%A}, {local:%B} {local.day}, {local.year} at {clock}"


def age(since: datetime, now: datetime) -> str:
    """How long ago: `just now`, `12 min`, `3 h`, `2 days`."""
    minutes = int((now - since).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def took(milliseconds: int) -> str:
    """How long a try took: `0.2 s`, `14 s`, or `under 0.1 s`."""
    seconds = milliseconds / 1000
    if seconds < 0.1:
        return "under 0.1 s"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def percent(value: Decimal) -> str:
    """A percentage without idle zeros: `20%`."""
    return f"{value.normalize():f}%"


EXPIRIES = {
    "credential": "What the connection “{connection}” signs in with",
    "authority": "The certificate by which we know the connection “{connection}”",
    "certificate": "The certificate of these pages",
}


def ends(last_day: date, days_left: int) -> str:
    """When something ends, for a sentence."""
    day = f"{last_day:%b} {last_day.day}, {last_day.year}"
    if days_left < 0:
        return f"ended on {day}"
    if days_left == 0:
        return "ends today"
    return f"ends on {day}, in {days_left} day{'s' if days_left > 1 else ''}"

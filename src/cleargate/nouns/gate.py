"""A gate: where a case waits for a person, with the reason, the evidence and the choices."""

from dataclasses import dataclass
from enum import StrEnum


class GateReason(StrEnum):
    """Why a person is needed. The desk's words for each are in web/desk."""

    ACCIDENT_CLAIM = "accident_claim"
    COVERAGE_INACTIVE = "coverage_inactive"
    COVERAGE_UNCLEAR = "coverage_unclear"
    COVERAGE_UNDETERMINED = "coverage_undetermined"
    COVERAGE_CHANGED = "coverage_changed"
    AUTHORISATION_NEEDED = "authorisation_needed"
    REFERRAL_NEEDED = "referral_needed"
    WRONG_PATIENT_ANSWER = "wrong_patient_answer"
    UNKNOWN_PAYER = "unknown_payer"
    LOOKALIKE_PATIENT = "lookalike_patient"
    CHANGED_DATA = "changed_data"
    CHECK_BUDGET_SPENT = "check_budget_spent"
    NO_OPENING = "no_opening"
    CALL_PATIENT = "call_patient"
    WRITE_DOWN = "write_down"
    CONTACT_UNCONFIRMED = "contact_unconfirmed"
    PATIENT_SILENT = "patient_silent"
    PATIENT_CHECKED = "patient_checked"
    VENDOR_REFUSED = "vendor_refused"
    VENDOR_UNSURE = "vendor_unsure"
    VENDOR_SILENT = "vendor_silent"
    CONNECTION_STOPPED = "connection_stopped"
    NOT_SUPPORTED = "not_supported"
    PROGRAM_ERROR = "program_error"


class Choice(StrEnum):
    """What a person may decide. A gate offers a few of these."""

    GO_ON = "go_on"
    """Book it as it stands: the person vouches for what was unclear."""
    SELF_PAY = "self_pay"
    """Book it, and bill the patient."""
    ASK_AGAIN = "ask_again"
    """Ask the payer or the vendor again, with the generation raised."""
    ASK_PATIENT = "ask_patient"
    """Write to the patient, who checks the doubtful details on a page of their own."""
    EDIT = "edit"
    """Correct the request; everything that hangs on it is found out anew."""
    USE_EXISTING = "use_existing"
    """The look-alike is this patient: use the record whose offer `detail` names."""
    CREATE_NEW = "create_new"
    """The look-alike is somebody else: create a new record."""
    TAKE_OPENING = "take_opening"
    """Take the opening whose offer `detail` names."""
    DONE_BY_HAND = "done_by_hand"
    """A person did it outside of Cleargate."""
    DECLINE = "decline"
    """No visit comes of it; whatever was held is given back."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of evidence beside a gate: a label and what was found, in the desk's words."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One of several things to choose from: `id` goes into the decision, `label` is shown."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What a step or a policy wants a person to decide.

    `phase` is where the case goes on after a decision other than DECLINE. `tip` is the way out in
    one sentence. `offers` are what TAKE_OPENING and USE_EXISTING choose from; `doubtful` are the
    fields of the request form that ASK_PATIENT asks about.
    """

    reason: GateReason
    tip: str
    facts: tuple[Fact, ...]
    choices: tuple[Choice, ...]
    phase: str
    offers: tuple[Offer, ...] = ()
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided at a gate, about which version of the evidence."""

    choice: Choice
    evidence_version: int
    detail: str = ""
    note: str = ""

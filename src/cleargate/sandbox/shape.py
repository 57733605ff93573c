"""What the EHR accepts: known properties, mandatory ones, codes, dates and references."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from cleargate.sandbox.trees import Json, Tree, at, text, trees

_COMMON = frozenset(
    {"resourceType", "id", "meta", "identifier", "text", "language", "extension", "contained"}
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason for a 400: the FHIR issue code and the element, never its value."""

    code: str
    expression: str


@dataclass(frozen=True, slots=True)
class _Shape:
    known: frozenset[str]
    required: tuple[str, ...] = ()
    codes: dict[str, frozenset[str]] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    instants: tuple[str, ...] = ()


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


_SHAPES = {
    "Patient": _Shape(
        known=_words(
            """
active name telecom gender birthDate deceasedBoolean deceasedDateTime
address maritalStatus multipleBirthBoolean multipleBirthInteger photo
contact communication generalPractitioner managingOrganization link
"""
        ),
        required=("name",),
        codes={"gender": frozenset({"male", "female", "other", "unknown"})},
        dates=("birthDate",),
    ),
    "Coverage": _Shape(
        known=_words(
            """
status type policyHolder subscriber subscriberId beneficiary dependent
relationship period payor class order network costToBeneficiary subrogation
contract
"""
        ),
        required=("status", "beneficiary", "payor"),
        codes={"status": frozenset({"active", "cancelled", "draft", "entered-in-error"})},
    ),
    "Slot": _Shape(
        known=_words(
            """
serviceCategory serviceType specialty appointmentType schedule status start
end overbooked comment
"""
        ),
        required=("schedule", "status", "start", "end"),
        codes={
            "status": frozenset(
                {"busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"}
            )
        },
        instants=("start", "end"),
    ),
    "Appointment": _Shape(
        known=_words(
            """
status cancelationReason serviceCategory serviceType specialty
appointmentType reasonCode reasonReference priority description
supportingInformation start end minutesDuration slot created comment
patientInstruction basedOn participant requestedPeriod
"""
        ),
        required=("status", "participant"),
        codes={
            "status": _words(
                """
proposed pending booked arrived fulfilled cancelled noshow entered-in-error
checked-in waitlist
"""
            )
        },
        instants=("start", "end"),
    ),
    "CoverageEligibilityResponse": _Shape(
        known=_words(
            """
status purpose patient servicedDate servicedPeriod created requestor request
outcome disposition insurer insurance preAuthRef form error
"""
        ),
        required=("status", "purpose", "patient", "created", "request", "outcome", "insurer"),
        codes={
            "status": frozenset({"active", "cancelled", "draft", "entered-in-error"}),
            "outcome": frozenset({"queued", "complete", "error", "partial"}),
        },
    ),
    "DocumentReference": _Shape(
        known=_words(
            """
masterIdentifier status docStatus type category subject date author authenticator
custodian relatesTo description securityLabel content context
"""
        ),
        required=("status", "content"),
        codes={"status": frozenset({"current", "superseded", "entered-in-error"})},
    ),
}

_UNTIMED = frozenset({"proposed", "cancelled", "waitlist"})


def issues(resource: Tree, kind: str, exists: Callable[[str, str], bool]) -> Iterator[Issue]:
    """Everything that is wrong with a resource; `exists(type, id)` says what can be referred to."""
    if text(resource, "resourceType") != kind:
        yield Issue("invalid", "resourceType")
        return
    shape = _SHAPES[kind]
    for name in resource:
        if name not in shape.known and name not in _COMMON:
            yield Issue("structure", f"{kind}.{name}")
    for name in shape.required:
        if not resource.get(name):
            yield Issue("required", f"{kind}.{name}")
    for name, allowed in shape.codes.items():
        if name in resource and resource[name] not in allowed:
            yield Issue("code-invalid", f"{kind}.{name}")
    yield from _unreadable(resource, kind, shape)
    if kind == "Appointment":
        yield from _appointment(resource)
    yield from _dangling(resource, kind, exists)


def _unreadable(resource: Tree, kind: str, shape: _Shape) -> Iterator[Issue]:
    for name in shape.dates:
        if name in resource and not _is_date(resource[name]):
            yield Issue("value", f"{kind}.{name}")
    for name in shape.instants:
        if name in resource and not _is_instant(resource[name]):
            yield Issue("value", f"{kind}.{name}")


def _is_date(value: Json) -> bool:
    """FHIR dates may stop at the year or at the month."""
    match = (
        re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", value) if isinstance(value, str) else None
    )
    if match is None:
        return False
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return False
    return True


def _is_instant(value: Json) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _appointment(resource: Tree) -> Iterator[Issue]:
    if text(resource, "status") not in _UNTIMED:
        for name in ("start", "end"):
            if name not in resource:
                yield Issue("invariant", f"Appointment.{name} (app-3)")
    for participant in trees(resource, "participant"):
        if not text(participant, "status"):
            yield Issue("required", "Appointment.participant.status")
        if not participant.get("actor") and not participant.get("type"):
            yield Issue("invariant", "Appointment.participant (app-1)")


def _dangling(resource: Tree, kind: str, exists: Callable[[str, str], bool]) -> Iterator[Issue]:
    places: list[tuple[str, Json]] = [
        (name, at(resource, name))
        for name in ("beneficiary", "subscriber", "patient", "schedule", "request")
    ]
    places += [("slot", slot) for slot in trees(resource, "slot")]
    places += [
        ("participant.actor", at(participant, "actor"))
        for participant in trees(resource, "participant")
    ]
    for name, place in places:
        reference = text(place, "reference")
        target, _, id_ = reference.rpartition("/")
        # Only literal references within this server can be checked.
        if target and "/" not in target and ":" not in target and not exists(target, id_):
            yield Issue("not-found", f"{kind}.{name}")

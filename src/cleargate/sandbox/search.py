"""FHIR search over one tenant's records. Unknown parameters are ignored, as many servers do."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cleargate.sandbox.records import Record, Records, identifiers, patient_of, slots_of
from cleargate.sandbox.trees import Tree, text, texts, trees

Params = Sequence[tuple[str, str]]

_ALWAYS = datetime(1, 1, 2, tzinfo=UTC)
_NEVER = datetime(9999, 12, 30, tzinfo=UTC)


def search(records: Records, kind: str, params: Params, zone: ZoneInfo) -> Iterator[Record]:
    """The matching records, lazily. Raises ValueError for a value that cannot be read."""
    tests = [
        _test(kind, name, value, zone)
        for name, value in params
        # Slots come in the order of time already, from and to the asked moments.
        if name in _READERS[kind] and (kind, name) != ("Slot", "start")
    ]
    for record in _candidates(records, kind, params, zone):
        if all(test(record.resource) for test in tests):
            yield record


def _candidates(records: Records, kind: str, params: Params, zone: ZoneInfo) -> Iterable[Record]:
    """The narrowest list at hand that holds every match."""
    for name, value in params:
        if name == "identifier" and "|" in value and "," not in value:
            return records.having(kind, "identifier", value)
        if name in ("patient", "beneficiary") and name in _READERS[kind] and "," not in value:
            return records.having(kind, "patient", value.removeprefix("Patient/"))
        if name == "birthdate" and kind == "Patient" and _ISO_DATE.fullmatch(value):
            return records.having(kind, "birthdate", value)
    if kind == "Slot":
        spans = [_span(value, zone) for name, value in params if name == "start"]
        earliest = max((begin for begin, _ in spans), default=_ALWAYS)
        latest = min((end for _, end in spans), default=_NEVER)
        return records.slots(earliest.timestamp(), latest.timestamp())
    return records.all(kind)


def _test(kind: str, name: str, value: str, zone: ZoneInfo) -> Callable[[Tree], bool]:
    read = _READERS[kind][name]
    if name in ("start", "date"):
        begin, end = _span(value, zone)
        return lambda resource: any(
            begin <= datetime.fromisoformat(moment) < end for moment in read(resource)
        )
    asked = [item.casefold() for item in value.split(",")]
    if name in ("family", "given"):
        return lambda resource: any(
            found.casefold().startswith(item) for found in read(resource) for item in asked
        )
    if name in ("identifier", "service-type"):
        return lambda resource: any(
            found.casefold() == item or found.casefold().rpartition("|")[2] == item
            for found in read(resource)
            for item in asked
        )
    if name in ("patient", "beneficiary", "schedule", "actor", "slot"):
        asked = [item.rpartition("/")[2] for item in asked]
    return lambda resource: any(found.casefold() in asked for found in read(resource))


_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_PREFIXED = re.compile(r"(eq|ge|gt|le|lt)?(.+)")


def _span(value: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments that a date parameter admits: from the first, to before the second."""
    match = _PREFIXED.fullmatch(value)
    if match is None:
        raise ValueError("empty date")
    moment = match[2]
    if _ISO_DATE.fullmatch(moment):
        first = datetime.combine(date.fromisoformat(moment), datetime.min.time(), zone)
        after = first + timedelta(days=1)
    else:
        first = datetime.fromisoformat(moment.replace(" ", "+"))
        first = first if first.tzinfo else first.replace(tzinfo=zone)
        after = first + timedelta(seconds=1)
    return {
        "ge": (first, _NEVER),
        "gt": (after, _NEVER),
        "le": (_ALWAYS, after),
        "lt": (_ALWAYS, first),
    }.get(match[1] or "eq", (first, after))


def _telecom(system: str) -> Callable[[Tree], list[str]]:
    return lambda resource: [
        text(contact, "value")
        for contact in trees(resource, "telecom")
        if text(contact, "system") == system
    ]


def _id_of(*path: str) -> Callable[[Tree], list[str]]:
    return lambda resource: [text(resource, *path).rpartition("/")[2]]


def _value(name: str) -> Callable[[Tree], list[str]]:
    return lambda resource: [found] if (found := text(resource, name)) else []


def _service_types(resource: Tree) -> list[str]:
    return [
        f"{text(coding, 'system')}|{text(coding, 'code')}"
        for concept in trees(resource, "serviceType")
        for coding in trees(concept, "coding")
    ]


_Reader = Callable[[Tree], Iterable[str]]
_ID: dict[str, _Reader] = {"_id": _value("id")}
_IDENTIFIED: dict[str, _Reader] = {**_ID, "identifier": identifiers}
_OF_PATIENT: dict[str, _Reader] = {**_IDENTIFIED, "patient": lambda r: [patient_of(r)]}
_READERS: dict[str, dict[str, _Reader]] = {
    "Patient": {
        **_IDENTIFIED,
        "family": lambda r: [text(name, "family") for name in trees(r, "name")],
        "given": lambda r: [given for name in trees(r, "name") for given in texts(name, "given")],
        "birthdate": _value("birthDate"),
        "phone": _telecom("phone"),
        "email": _telecom("email"),
    },
    "Coverage": {**_OF_PATIENT, "beneficiary": lambda r: [patient_of(r)]},
    "Appointment": {
        **_OF_PATIENT,
        "status": _value("status"),
        "date": _value("start"),
        "slot": slots_of,
    },
    "CoverageEligibilityResponse": _OF_PATIENT,
    "DocumentReference": _OF_PATIENT,
    "Slot": {
        **_IDENTIFIED,
        "schedule": _id_of("schedule", "reference"),
        "service-type": _service_types,
        "status": _value("status"),
        "start": _value("start"),
    },
    "Schedule": {
        **_ID,
        "actor": lambda r: [text(a, "reference").rpartition("/")[2] for a in trees(r, "actor")],
    },
    "Practitioner": _ID,
    "PractitionerRole": _ID,
    "Location": _ID,
}

SEARCHABLE = {kind: tuple(readers) for kind, readers in _READERS.items()}

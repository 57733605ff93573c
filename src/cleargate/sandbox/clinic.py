"""The seeded clinic: who works there, what they offer, when, and who is a patient already.

A pure function of the seed and the days, so that a restart makes the same clinic again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cleargate.sandbox.trees import Json, Tree

VISIT_TYPE_SYSTEM = "urn:cleargate:visit-type"
DAYS = 21
ZONES = {"riverside": ZoneInfo("America/Chicago"), "lakeside": ZoneInfo("America/New_York")}
DEFAULT_ZONE = ZoneInfo("America/Chicago")
VISIT_NAMES = {"eval": "Evaluation", "followup": "Follow-up"}

_PROVIDERS = (
    ("Avery", "Demoson", "1234567893"),
    ("Blake", "Specimen", "1245319599"),
    ("Casey", "Mockford", "1114000007"),
    ("Devon", "Placeholder", "1992000004"),
)
_PLACES = ("Main Street", "Harbor Annex")
# The day's grid: (visit type, minutes), from 7:00 to 18:00 with the noon hour free of visits.
_MORNING = (("eval", 60), ("followup", 30), ("followup", 30), ("eval", 60), ("eval", 60))
_LATE_MORNING = (("eval", 60),)
_AFTERNOON = (
    ("eval", 60),
    ("followup", 30),
    ("eval", 60),
    ("followup", 30),
    ("eval", 60),
    ("followup", 30),
    ("followup", 30),
)
_FULL_DAY_RATE = 0.15
_BUSY_RATE = 0.15


def zone_of(tenant: str) -> ZoneInfo:
    """The office's zone."""
    return ZONES.get(tenant, DEFAULT_ZONE)


def resources(tenant: str, seed: int, first: date, last: date) -> Iterator[Tree]:
    """Everything that is in the EHR before anybody calls; slots from `first` to `last`."""
    for number, place in enumerate(_PLACES, 1):
        yield {
            "resourceType": "Location",
            "id": f"place-{number}",
            "status": "active",
            "name": f"{tenant.capitalize()} {place}",
        }
    for number, (given, family, npi) in enumerate(_PROVIDERS, 1):
        yield from _provider(tenant, number, given, family, npi)
    day = first
    while day <= last:
        if day.weekday() < 5:
            for number in range(1, len(_PROVIDERS) + 1):
                yield from _slots(tenant, seed, number, day)
        day += timedelta(days=1)
    for number, person in enumerate(_residents(), 1):
        chart: Json = [{"system": "urn:sandbox:chart", "value": f"C{1000 + number}"}]
        known = patient_resource(person)
        yield {**known, "id": f"seed-{number}", "active": True, "identifier": chart}


def _provider(tenant: str, number: int, given: str, family: str, npi: str) -> Iterator[Tree]:
    name = f"{given} {family}, PT"
    place = 1 + number % 2
    yield {
        "resourceType": "Practitioner",
        "id": f"provider-{number}",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi}],
        "name": [{"family": family, "given": [given], "suffix": ["PT"]}],
    }
    yield {
        "resourceType": "PractitionerRole",
        "id": f"role-{number}",
        "practitioner": {"reference": f"Practitioner/provider-{number}", "display": name},
        "location": [{"reference": f"Location/place-{place}"}],
    }
    yield {
        "resourceType": "Schedule",
        "id": f"schedule-{number}",
        "active": True,
        "serviceType": [_service(code) for code in VISIT_NAMES],
        "actor": [
            {"reference": f"PractitionerRole/role-{number}", "display": name},
            {
                "reference": f"Location/place-{place}",
                "display": f"{tenant.capitalize()} {_PLACES[place - 1]}",
            },
        ],
    }


def _service(code: str) -> Json:
    coding: Json = [{"system": VISIT_TYPE_SYSTEM, "code": code, "display": VISIT_NAMES[code]}]
    return {"coding": coding}


def _slots(tenant: str, seed: int, number: int, day: date) -> Iterator[Tree]:
    full = _chance(seed, tenant, number, day.isoformat()) < _FULL_DAY_RATE
    blocks = ((7, _MORNING), (11, _LATE_MORNING), (13, _AFTERNOON))
    for hour, grid in blocks:
        start = datetime(day.year, day.month, day.day, hour, tzinfo=zone_of(tenant))
        for code, minutes in grid:
            end = start + timedelta(minutes=minutes)
            taken = full or _chance(seed, tenant, number, start.isoformat()) < _BUSY_RATE
            yield {
                "resourceType": "Slot",
                "id": f"slot-{number}-{start:%Y%m%d-%H%M}",
                "serviceType": [_service(code)],
                "schedule": {"reference": f"Schedule/schedule-{number}"},
                "status": "busy" if taken else "free",
                "start": start.isoformat(),
                "end": end.isoformat(),
            }
            start = end


def _chance(*source: object) -> float:
    text = "|".join(map(str, source)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**64


@dataclass(frozen=True, slots=True)
class Resident:
    """A patient whom the practice knows; `phone` in E.164 form."""

    family: str
    given: str
    birth_date: str
    sex: str
    phone: str = ""
    email: str = ""
    suffix: str = ""
    line: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""


# Look-alikes on purpose: twins, a senior and a junior, one household, a person twice.
_LOOK_ALIKES = (
    Resident("Recordholder", "Alma", "1961-04-12", "female", "+13125550901"),
    Resident("Recordholder", "Alba", "1961-04-12", "female", "+13125550901"),
    Resident("Twinsample", "Nora", "2009-08-30", "female", "+13125550902"),
    Resident("Twinsample", "Dora", "2009-08-30", "female", "+13125550902"),
    Resident("Chartwright", "Walter", "1948-01-19", "male", "+13125550903", suffix="Sr"),
    Resident("Chartwright", "Walter", "1975-11-02", "male", "+13125550903", suffix="Jr"),
    Resident("Foldersmith", "Ines", "1983-06-25", "female", "+13125550904"),
    Resident("Foldersmith", "Ines", "1983-06-25", "female", "+13125550905"),
    Resident("Foldersmith", "Ines Maria", "1983-06-26", "female", "+13125550906"),
    Resident("Indexley", "Robert", "1970-02-28", "male", "+13125550907"),
    Resident("Indexley", "Bob", "1970-02-28", "male", "+13125550908"),
)
_GIVEN = (
    ("Otto", "Ruth", "Carl", "Edna", "Hugo", "Iris", "Karl", "Lena", "Max", "Olga"),
    ("Paul", "Rosa", "Sven", "Tess", "Uwe", "Vera", "Wim", "Xenia", "Yves", "Zoe"),
)


def _residents() -> Iterator[Resident]:
    yield from _LOOK_ALIKES
    for half, names in zip(("Filing", "Ledger"), _GIVEN, strict=True):
        for index, given in enumerate(names):
            number = index + (10 if half == "Ledger" else 0)
            family = f"{half}{'abcdefghij'[index]}berg"
            yield Resident(
                family,
                given,
                f"{1935 + 3 * number}-{1 + number % 12:02}-{2 + number:02}",
                "female" if number % 2 else "male",
                f"+131255509{20 + number}",
                f"{given}.{family}@mail.example.test".lower(),
            )


def patient_resource(resident: Resident) -> Tree:
    """The FHIR Patient of somebody whom the practice knows."""
    name: Tree = {"family": resident.family, "given": [*resident.given.split()]}
    if resident.suffix:
        name["suffix"] = [resident.suffix]
    telecom: list[Json] = [
        {"system": system, "value": value}
        for system, value in (("phone", resident.phone), ("email", resident.email))
        if value
    ]
    found: Tree = {
        "resourceType": "Patient",
        "name": [name],
        "gender": resident.sex,
        "birthDate": resident.birth_date,
        "telecom": telecom,
    }
    if resident.line:
        found["address"] = [
            {
                "line": [resident.line],
                "city": resident.city,
                "state": resident.state,
                "postalCode": resident.zip,
            }
        ]
    return found

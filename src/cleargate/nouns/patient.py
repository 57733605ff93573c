"""Who the patient is, as stated on a form or as found in the practice's own system."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sex(StrEnum):
    """Administrative sex, the three codes of X12 DMG03 and FHIR's administrative gender."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name. `family` may be all there is; `given` may hold several names."""

    family: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in the United States."""

    line: str
    city: str
    state: str
    zip: str


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person. `phone` is in E.164 form, empty strings mean "not given"."""

    email: str = ""
    phone: str = ""
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient's demographics as the practice needs them to create a record."""

    name: Name
    birth_date: date
    sex: Sex
    contact: Contact


@dataclass(frozen=True, slots=True)
class Guarantor:
    """Who answers for a minor's bill."""

    name: Name
    birth_date: date
    contact: Contact
    relationship: str


@dataclass(frozen=True, slots=True)
class PatientQuery:
    """What a practice system is asked for; it may answer with a superset."""

    name: Name
    birth_date: date
    contact: Contact = Contact()


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """One patient as the practice's system holds it. `id` and `version` are the vendor's."""

    id: str
    patient: Patient
    version: str = ""


def letters(text: str) -> str:
    """A name or an id as two of them are compared: letters and digits alone, in one case."""
    return "".join(each for each in text.casefold() if each.isalnum())

"""Between our nouns and Stedi's JSON; pure.

Sources, read on 2026-11-23: Stedi's API reference (stedi.com/docs, "Real-Time Eligibility Check
JSON", now called legacy), its OpenAPI specification (github.com/Stedi/openApi, healthcare.json)
and the Rust models made from it (docs.rs/autogen-stedi 0.3.2: Encounter,
BatchEligibilityChecksItem, ValidationExceptionResponseContent, EligibilityCheckErrorCode).
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date

from cleargate.connectors.wires.questions import control_number
from cleargate.nouns.eligibility import Detail, Inquiry
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import Ref, npi_is_valid
from cleargate.nouns.insurance import Subscriber
from cleargate.nouns.patient import Name, Sex
from cleargate.x12.characters import plain_id, plain_name

Members = Mapping[str, object]

_TAKEN = frozenset("*>^`~:")
"""The delimiters of the 270 that Stedi writes (stedi.com/changelog, 2026-09-24)."""
_GENDERS = {Sex.FEMALE: "F", Sex.MALE: "M"}
_LEVELS = ("payer", "provider", "subscriber")
_AAA03 = re.compile(r"[0-9A-Z]{2}")
"""X12 code list 901. Whatever else stands in `errors` is the clearinghouse's own."""
_CHECK_ID = re.compile(r"ec_[0-9a-f-]{36}")
_CODE = re.compile(r"[A-Za-z_]{1,60}")
_WORD = re.compile(r"[A-Za-z]+")
_FIELDS = (
    "controlNumber",
    "tradingPartnerServiceId",
    "organizationName",
    "npi",
    "provider",
    "subscriber",
    "dependents",
    "firstName",
    "lastName",
    "memberId",
    "dateOfBirth",
    "gender",
    "groupNumber",
    "encounter",
    "serviceTypeCodes",
    "dateOfService",
    "externalPatientId",
)
"""The members of a question. A refusal's text is searched for these words and no others."""


def request(inquiry: Inquiry, ref: Ref) -> bytes:
    """The question. Raises Refused for what no 270 could carry, for Stedi writes one from it.

    A dependent stands beside the policy's holder, who alone has the member id. No more is told
    of a person than the question's search names: every further detail is one that may not match.
    """
    if not npi_is_valid(inquiry.asker.npi):
        raise Refused("The practice's NPI has a wrong check digit or length.")
    if not inquiry.asked_services:
        # Stedi would ask for 30, the plan as a whole, and nobody would notice.
        raise Refused("The list of service types must name one at least.")
    patient, insurance = inquiry.patient, inquiry.insurance
    us = Subscriber(patient.name, patient.birth_date, patient.sex)
    holder = insurance.subscriber or us
    subscriber = _person(holder, "subscriber", inquiry)
    if inquiry.tells(Detail.MEMBER_ID):
        subscriber["memberId"] = plain_id(insurance.member_id, "member id", 80, _TAKEN)
    if inquiry.tells(Detail.GROUP) and insurance.group:
        subscriber["groupNumber"] = plain_id(insurance.group, "group", 50, _TAKEN)
    asked: dict[str, object] = {
        "controlNumber": f"{control_number(ref):09d}",
        "tradingPartnerServiceId": plain_id(inquiry.payer_code, "payer id", 80, _TAKEN),
        "provider": {
            "organizationName": plain_name(inquiry.asker.name, "practice", 60, _TAKEN),
            "npi": inquiry.asker.npi,
        },
        "subscriber": subscriber,
        "encounter": {
            "serviceTypeCodes": [*inquiry.asked_services],
            "dateOfService": _day(inquiry.service_date),
        },
        # Our own random number, never a patient's: it only groups the tries of one question.
        "externalPatientId": plain_id(inquiry.trace, "trace", 50, _TAKEN),
    }
    if insurance.subscriber is not None:
        asked["dependents"] = [_person(us, "patient", inquiry)]
    return json.dumps(asked, separators=(",", ":")).encode("ascii")


def _person(person: Subscriber, what: str, inquiry: Inquiry) -> dict[str, str]:
    found = _names(person.name, what, inquiry)
    if inquiry.tells(Detail.BIRTH_DATE):
        found["dateOfBirth"] = _day(person.birth_date)
    if inquiry.tells(Detail.SEX) and person.sex in _GENDERS:
        found["gender"] = _GENDERS[person.sex]
    return found


def _names(name: Name, what: str, inquiry: Inquiry) -> dict[str, str]:
    names = {}
    if inquiry.tells(Detail.FAMILY_NAME):
        names["lastName"] = plain_name(name.family, f"{what}'s family name", 60, _TAKEN)
    if inquiry.tells(Detail.GIVEN_NAME) and name.given.strip():
        names["firstName"] = plain_name(name.given, f"{what}'s given name", 35, _TAKEN)
    return names


def _day(day: date) -> str:
    return day.isoformat().replace("-", "")


def document(content: bytes) -> Members | None:
    """A body that is one JSON object, else None."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_answer(body: Members) -> bool:
    """Whether a refused question's body is a payer's no (AAA) rather than Stedi's own.

    "errors" collects the AAA segments of all levels; they come with status 200 or 400.
    """
    return any(_is_aaa(each) for each in _errors(body))


def _errors(body: Members) -> Iterator[Members]:
    yield from _objects(body.get("errors"))
    dependents = [*_objects(body.get("dependents"))]
    levels = [level for name in _LEVELS if isinstance(level := body.get(name), dict)]
    for level in (*levels, *dependents):
        yield from _objects(level.get("aaaErrors"))


def _objects(value: object) -> Iterator[Members]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def _is_aaa(error: Members) -> bool:
    code = error.get("code")
    return isinstance(code, str) and _AAA03.fullmatch(code) is not None


def refusal(body: Members | None) -> tuple[str, tuple[str, ...]]:
    """Stedi's word for a refused question, empty when it has none, and the members it is about.

    Its message may quote what was sent: nothing of it is kept but names of our own members.
    """
    if body is None:
        return "", ()
    code = body.get("code") or body.get("error")
    plain = isinstance(code, str) and _CODE.fullmatch(code)
    said = " ".join(_texts(body))
    words = set(_WORD.findall(said))
    return str(code) if plain else "", tuple(name for name in _FIELDS if name in words)


def _texts(body: Members) -> Iterator[str]:
    """Every place where a refusal names a member."""
    for told in (body, *_objects(body.get("errors")), *_objects(body.get("fieldList"))):
        for name in ("message", "path", "description"):
            if isinstance(text := told.get(name), str):
                yield text


def check_id(body: Members) -> str:
    """Stedi's own id of this check, for their support."""
    found = body.get("id")
    return found if isinstance(found, str) and _CHECK_ID.fullmatch(found) else ""

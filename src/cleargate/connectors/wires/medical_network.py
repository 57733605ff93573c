"""The JSON of Change Healthcare's Medical Network, which several gateways speak today; pure.

A question is a 270 in named members, an answer a 271 as `benefitsInformation`. Who adds a member
of its own, or names its failures otherwise, says so in its own folder.

Sources, read on 2026-11-23: Optum's OpenAPI specification "Medical Network Eligibility v3"
(published by developer.optum.com) and Stedi's (github.com/Stedi/openApi, healthcare.json).
"""

import json
import re
from collections.abc import Iterator
from datetime import date

from cleargate.connectors.wires.answers import Members, objects
from cleargate.connectors.wires.questions import control_number, service_types
from cleargate.nouns.eligibility import Detail, Inquiry
from cleargate.nouns.ids import Ref
from cleargate.nouns.insurance import Subscriber
from cleargate.nouns.patient import Name, Sex
from cleargate.x12.characters import plain_id, plain_name, plain_npi

_TAKEN = frozenset("*>^`~:")
"""The delimiters of the 270 that a gateway writes (Stedi's: stedi.com/changelog, 2026-09-24)."""
_GENDERS = {Sex.FEMALE: "F", Sex.MALE: "M"}
_LEVELS = ("payer", "provider", "subscriber")
_AAA03 = re.compile(r"[0-9A-Z]{2}")
"""X12 code list 901. Whatever else stands in `errors` is the clearinghouse's own."""
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
    "submitterTransactionIdentifier",
)
"""The members of a question. A refusal's text is searched for these words and no others."""


def question(inquiry: Inquiry, ref: Ref, trace_member: str) -> bytes:
    """The question. Raises Refused for what no 270 could carry, for the gateway writes one from it.

    `trace_member` is where this gateway takes our own number. A dependent stands beside the
    policy's holder, who alone has the member id. No more is told of a person than the question's
    search names: every further detail is one that may not match.
    """
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
            "npi": plain_npi(inquiry.asker.npi),
        },
        "subscriber": subscriber,
        "encounter": {
            "serviceTypeCodes": [*service_types(inquiry)],
            "dateOfService": _day(inquiry.service_date),
        },
        # Our own random number, never a patient's: it only groups the tries of one question.
        trace_member: plain_id(inquiry.trace, "trace", 50, _TAKEN),
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


def is_answer(body: Members) -> bool:
    """Whether a refused question's body is a payer's no (AAA) rather than the gateway's own.

    "errors" collects the AAA segments of all levels; they come with status 200 or 400.
    """
    return any(_is_aaa(each) for each in _errors(body))


def _errors(body: Members) -> Iterator[Members]:
    yield from objects(body.get("errors"))
    dependents = [*objects(body.get("dependents"))]
    levels = [level for name in _LEVELS if isinstance(level := body.get(name), dict)]
    for level in (*levels, *dependents):
        yield from objects(level.get("aaaErrors"))


def _is_aaa(error: Members) -> bool:
    code = error.get("code")
    return isinstance(code, str) and _AAA03.fullmatch(code) is not None


def refusal(body: Members | None) -> tuple[str, tuple[str, ...]]:
    """The gateway's word for a refused question, empty if none, and the members it is about.

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
    for told in (body, *objects(body.get("errors")), *objects(body.get("fieldList"))):
        for name in ("message", "path", "description", "field"):
            if isinstance(text := told.get(name), str):
                yield text

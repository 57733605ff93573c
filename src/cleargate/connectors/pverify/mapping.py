"""Between our nouns and pVerify's JSON; pure.

Sources, read on 2026-11-23: pVerify's API reference (postman.pverify.com: Token,
EligibilitySummary, GetEligibilitySummary), its own Java client (github.com/pVerify/restapijava),
a profile of the API of 2026-08, and several public clients. Not confirmed, and so read however it
comes: whether codes and ids are numbers or text, what a refused request says beside its status,
and the form in which gender and relationship are wanted.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlencode

from cleargate.connectors.pverify.settings import PverifySettings
from cleargate.connectors.wires.answers import Members
from cleargate.connectors.wires.questions import require
from cleargate.nouns.eligibility import PRIMARY_SEARCH, Detail, Inquiry, Search
from cleargate.nouns.ids import Ref
from cleargate.nouns.insurance import Relationship, Subscriber
from cleargate.nouns.patient import Sex
from cleargate.x12.characters import plain_id, plain_name, plain_npi

NEEDS: Search = PRIMARY_SEARCH
"""The member id, and the patient's names and birth date, are mandatory in pVerify's reference."""

NO_FUNDS = "2"
PENDING = frozenset({"3", "4"})

_TAKEN = frozenset("*>^`~:")
"""The delimiters of the 270 that pVerify writes; which it uses is not confirmed."""
_GENDERS = {Sex.FEMALE: "Female", Sex.MALE: "Male"}
_RELATIONS = {
    Relationship.SPOUSE: "Spouse",
    Relationship.CHILD: "Child",
    Relationship.OTHER: "Other",
}
_ID = re.compile(r"\d{1,18}", re.ASCII)
_CODE = re.compile(r"\d{1,3}", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]+")
_TEXTS_MAX = 50
_FIELDS = (
    "payerCode",
    "payerName",
    "provider",
    "npi",
    "subscriber",
    "dependent",
    "firstName",
    "lastName",
    "memberId",
    "dob",
    "gender",
    "relationWithSubscriber",
    "isSubscriberPatient",
    "doS_StartDate",
    "doS_EndDate",
    "practiceTypeCode",
    "location",
    "referenceId",
)
"""The members of a question. A refusal's text is searched for these words and no others."""


def token_form(settings: PverifySettings, secret: str) -> str:
    """What is sent for a token."""
    return urlencode(
        {
            "Client_Id": settings.client_id,
            "Client_Secret": secret,
            "grant_type": "client_credentials",
        }
    )


def request(inquiry: Inquiry, ref: Ref, settings: PverifySettings) -> bytes:
    """The question. Raises Refused for what no 270 could carry, for pVerify writes one from it.

    pVerify takes a kind of practice in place of service types: those of the question are not
    sent. No more is told of a person than the search names, and nothing of the group: pVerify has
    no member for it.
    """
    require(inquiry, NEEDS)
    patient, insurance = inquiry.patient, inquiry.insurance
    us = Subscriber(patient.name, patient.birth_date, patient.sex)
    member_id = plain_id(insurance.member_id, "member id", 80, _TAKEN)
    day = _day(inquiry.service_date)
    asked: dict[str, object] = {
        "payerCode": plain_id(inquiry.payer_code, "payer id", 80, _TAKEN),
        "payerName": plain_name(inquiry.payer_name, "payer", 60, _TAKEN),
        "provider": {
            "lastName": plain_name(inquiry.asker.name, "practice", 60, _TAKEN),
            "npi": plain_npi(inquiry.asker.npi),
        },
        "subscriber": {
            **_person(insurance.subscriber or us, "subscriber", inquiry),
            "memberId": member_id,
        },
        "isSubscriberPatient": "True" if insurance.subscriber is None else "False",
        "doS_StartDate": day,
        "doS_EndDate": day,
        "location": settings.location,
        # Random, and no patient's number; pVerify does not deduplicate by it.
        "referenceId": ref.value,
    }
    if insurance.subscriber is not None:
        asked["dependent"] = {
            "patient": _person(us, "patient", inquiry),
            "relationWithSubscriber": _RELATIONS.get(insurance.relationship, "Other"),
        }
    if settings.practice_type:
        asked["practiceTypeCode"] = settings.practice_type
    return json.dumps(asked, separators=(",", ":")).encode("ascii")


def _person(person: Subscriber, what: str, inquiry: Inquiry) -> dict[str, str]:
    found = {"lastName": plain_name(person.name.family, f"{what}'s family name", 60, _TAKEN)}
    if person.name.given.strip():
        found["firstName"] = plain_name(person.name.given, f"{what}'s given name", 35, _TAKEN)
    found["dob"] = _day(person.birth_date)
    if inquiry.tells(Detail.SEX) and person.sex in _GENDERS:
        found["gender"] = _GENDERS[person.sex]
    return found


def _day(day: date) -> str:
    return f"{day.month:02d}/{day.day:02d}/{day.year:04d}"


def response_code(body: Members) -> str:
    """APIResponseCode, a number or text; empty when it is neither."""
    return _matching(body.get("APIResponseCode"), _CODE)


def request_id(body: Members) -> str:
    """The id that pVerify gave the question, with which its answer is fetched; empty without."""
    return _matching(body.get("RequestID"), _ID)


def is_request_id(token: str) -> bool:
    """Whether a token can be put into an address."""
    return _ID.fullmatch(token) is not None


def _matching(value: object, pattern: re.Pattern[str]) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**18 else ""
    return text if pattern.fullmatch(text) else ""


def refused_fields(body: Members | None) -> tuple[str, ...]:
    """The members that a refused request is about.

    Its message may quote what was sent: nothing of it is kept but names of our own members.
    """
    if body is None:
        return ()
    said = {word.lower() for text in _texts(body) for word in _WORD.findall(text)}
    return tuple(name for name in _FIELDS if name.lower() in said)


def _texts(body: Members) -> Iterator[str]:
    """The places where ASP.NET writes why a request is refused."""
    if isinstance(message := body.get("Message"), str):
        yield message
    state = body.get("ModelState")
    if not isinstance(state, dict):
        return
    for name, told in [*state.items()][:_TEXTS_MAX]:
        yield str(name)
        if isinstance(told, list):
            yield from (text for text in told[:_TEXTS_MAX] if isinstance(text, str))

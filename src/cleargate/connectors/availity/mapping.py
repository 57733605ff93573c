"""Between our nouns and Availity's coverages; pure.

Sources, read on 2026-11-23: Availity's Swagger document "Coverages 1.0.0" (as harvested from
developer.availity.com by github.com/api-evangelist/availity, openapi/_harvested: the form's
fields, CoverageSummary, Coverage, ResultSet, ErrorResponse, FieldError) and its API guide (token,
scopes, demo scenarios). The meaning of `statusCode` stands in public clients only: 0 in progress,
1 retrying, 3 complete with an invalid reply, 4 complete, 19 (or R) request error, 7, 13, 14, 15 (or
E) no communication with the payer.

Not confirmed, and read tolerantly: whether the summary of a new question stands alone or in
`coverages`, and whether its id is in it or in Location alone; several `serviceType` are sent as
several fields of that name. There is no field for our own number, and none for the policy's holder.
The Swagger document requires no field; payers do, each its own (Availity's Configurations API).
"""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

from cleargate.connectors.wires.answers import Members, objects
from cleargate.connectors.wires.questions import require, service_types
from cleargate.nouns.eligibility import Detail, Inquiry, Search
from cleargate.nouns.insurance import Relationship
from cleargate.nouns.patient import Sex
from cleargate.x12.characters import plain_id, plain_name, plain_npi

NEEDS: Search = frozenset({Detail.MEMBER_ID, Detail.FAMILY_NAME, Detail.BIRTH_DATE})
"""What every public client sends; that any payer takes less through Availity is not published."""

_TAKEN = frozenset("*>^`~:|")
"""The delimiters of the 270 that Availity writes; not published, so that all usual ones count."""
_GENDERS = {Sex.FEMALE: "F", Sex.MALE: "M"}
_RELATIONS = {Relationship.SPOUSE: "01", Relationship.CHILD: "19"}
_SELF, _OTHER = "18", "G8"
_ID = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)
_RUNNING = frozenset({"0", "1"})
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_WORD = re.compile(r"[A-Za-z]+")
_FIELDS = (
    "payerId",
    "providerLastName",
    "providerNpi",
    "asOfDate",
    "serviceType",
    "memberId",
    "patientLastName",
    "patientFirstName",
    "patientBirthDate",
    "patientGender",
    "groupNumber",
    "subscriberRelationship",
    "patientState",
    "providerTaxId",
    "submitterId",
)
"""Fields of the form, and those that payers ask for beside ours; a refusal names one of them."""


def request(inquiry: Inquiry) -> bytes:
    """The question as a form. Raises Refused for what no 270 could carry, or lacks a need.

    A dependent is the patient, with the policy's member id and the relation to its holder.
    """
    require(inquiry, NEEDS)
    patient, insurance = inquiry.patient, inquiry.insurance
    is_holder = insurance.subscriber is None
    relation = _SELF if is_holder else _RELATIONS.get(insurance.relationship, _OTHER)
    form = (
        ("payerId", plain_id(inquiry.payer_code, "payer id", 80, _TAKEN)),
        ("providerLastName", plain_name(inquiry.asker.name, "practice", 60, _TAKEN)),
        ("providerNpi", plain_npi(inquiry.asker.npi)),
        ("asOfDate", inquiry.service_date.isoformat()),
        *[("serviceType", code) for code in service_types(inquiry)],
        ("memberId", plain_id(insurance.member_id, "member id", 80, _TAKEN)),
        ("patientLastName", plain_name(patient.name.family, "family name", 60, _TAKEN)),
        ("patientBirthDate", patient.birth_date.isoformat()),
        ("subscriberRelationship", relation),
        *_more(inquiry),
    )
    return urlencode(form).encode()


def _more(inquiry: Inquiry) -> Iterator[tuple[str, str]]:
    """What may be told beside the needs, as far as it is known."""
    patient, group = inquiry.patient, inquiry.insurance.group
    if inquiry.tells(Detail.GIVEN_NAME) and patient.name.given.strip():
        yield "patientFirstName", plain_name(patient.name.given, "given name", 35, _TAKEN)
    if inquiry.tells(Detail.SEX) and patient.sex in _GENDERS:
        yield "patientGender", _GENDERS[patient.sex]
    if inquiry.tells(Detail.GROUP) and group:
        yield "groupNumber", plain_id(group, "group", 50, _TAKEN)


def token_request(client_id: str, client_secret: str, scope: str) -> str:
    """What the token endpoint is asked with."""
    return urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        }
    )


def looks_like_json(content: bytes) -> bool:
    """Whether a body begins as Availity's answers do, so that it may be one that broke off."""
    return content.lstrip()[:1] == b"{"


def coverage_id(body: Members | None, location: str) -> str:
    """Availity's id of a question; empty where none is told, or what is told cannot be one."""
    told = body or {}
    listed = [*objects(told.get("coverages"))]
    summaries = (told, *listed[:1])
    found = next((one["id"] for one in summaries if isinstance(one.get("id"), str)), None)
    text = found if isinstance(found, str) else location.rstrip("/").rpartition("/")[2]
    return text if is_id(text) else ""


def is_id(text: str) -> bool:
    """Whether a text has the shape of an id, and can stand in an address."""
    return _ID.fullmatch(text) is not None


def is_running(body: Members) -> bool:
    """Whether the payer has not answered yet."""
    return str(body.get("statusCode")) in _RUNNING


def refusal(body: Members | None) -> tuple[str, tuple[str, ...]]:
    """Availity's word for a refused question, empty if none, and the fields it is about.

    Its messages may quote what was sent: nothing of them is kept but names of fields.
    """
    if body is None:
        return "", ()
    code = next((one.get("code") for one in objects(body.get("errors"))), body.get("error"))
    plain = isinstance(code, str) and _CODE.fullmatch(code)
    words = set(_WORD.findall(" ".join(_texts(body))))
    return str(code) if plain else "", tuple(name for name in _FIELDS if name in words)


def _texts(body: Members) -> Iterator[str]:
    for told in (body, *objects(body.get("errors"))):
        for name in ("field", "errorMessage", "userMessage", "developerMessage"):
            if isinstance(text := told.get(name), str):
                yield text

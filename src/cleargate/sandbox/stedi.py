"""A second door to the same payers: questions and answers in Stedi's JSON.

Source, read on 2026-11-23: Stedi's API reference and OpenAPI specification (healthcare.json of
github.com/Stedi/openApi): `provider`, `subscriber` and `tradingPartnerServiceId` are required, a
refused question gets 400 with `message`, a wrong key 403. What the specification leaves open is
decided here: an unknown payer's AAA comes with 400, every other AAA with 200.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

from cleargate.sandbox import stedi_answers
from cleargate.sandbox.answers import Payer
from cleargate.sandbox.question import Identity, Question
from cleargate.sandbox.trees import Json, Tree, at, text, texts, tree, trees
from cleargate.sandbox.wire import Request, Response, json_response

_REQUIRED = ("tradingPartnerServiceId", "provider", "subscriber")
_OBJECTS = ("provider", "subscriber", "encounter")
_PERSON = {
    "firstName": r".{1,35}",
    "lastName": r".{1,60}",
    "memberId": r".{2,80}",
    "dateOfBirth": r"\d{8}",
    "gender": r"[MF]",
}
_SHAPES = {
    "controlNumber": r"\d{1,9}",
    "tradingPartnerServiceId": r".{1,80}",
    "externalPatientId": r".{1,80}",
    "provider.organizationName": r".{1,60}",
    "provider.npi": r"\d{10}",
    "encounter.dateOfService": r"\d{8}",
    **{f"subscriber.{name}": shape for name, shape in _PERSON.items()},
    **{f"dependents.0.{name}": shape for name, shape in _PERSON.items()},
}
"""Members by their path; any other is ignored."""
_DAYS = ("encounter.dateOfService", "subscriber.dateOfBirth", "dependents.0.dateOfBirth")
_SERVICE = re.compile(r"[A-Z0-9]{1,2}")

Ask = Callable[[Question], tuple[bytes, Payer]]
"""Asks a payer: its 271, and who it is."""


class Stedi:
    """Answers questions in JSON. `ask` is the clearinghouse behind both doors."""

    def __init__(self, ask: Ask, api_key: str) -> None:
        self.api_key = api_key
        self._ask = ask

    def handle(self, request: Request) -> Response:
        """Answer one question."""
        # The word Key before it is allowed, for those who came early.
        if request.headers.get("authorization", "").removeprefix("Key ") != self.api_key:
            return json_response(403, {"message": "Forbidden"})
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return json_response(415, {"message": "Unsupported Media Type"})
        asked = request.json
        if not isinstance(asked, dict):
            return _refused(["the body must be a JSON object"])
        if wrong := [*_mistakes(asked)]:
            return _refused(wrong)
        content, payer = self._ask(_question(asked))
        answer = stedi_answers.translate(content, asked)
        unknown = "79" in [text(error, "code") for error in trees(answer, "errors")]
        response = json_response(400 if unknown else 200, answer)
        if b"IEA" not in content:
            # The payer's answer broke off; so does this one.
            response = replace(response, body=response.body[: len(response.body) // 2])
        headers = (("x-amzn-requestid", text(answer, "id").removeprefix("ec_")),)
        return replace(response, headers=headers, delay_s=payer.latency_ms / 1000)


def _refused(wrong: list[str]) -> Response:
    return json_response(400, {"message": f"Invalid request: {'; '.join(wrong)}"})


def _mistakes(asked: Tree) -> Iterator[str]:
    """What is wrong, by the names of members."""
    for name in _REQUIRED:
        if not asked.get(name):
            yield f"{name} is required"
    for name in _OBJECTS:
        if not isinstance(asked.get(name, {}), dict):
            yield f"{name} must be an object"
    if not isinstance(asked.get("dependents", []), list) or len(trees(asked, "dependents")) > 1:
        yield "dependents must be a list of one"
    for path, shape in _SHAPES.items():
        found = _found(asked, path)
        if found is not None and not (isinstance(found, str) and re.fullmatch(shape, found)):
            yield f"{path} is malformed"
        elif found is not None and path in _DAYS and not _is_day(found):
            yield f"{path} is no date"
    services = at(asked, "encounter", "serviceTypeCodes")
    if services is not None and not _are_services(services):
        yield "encounter.serviceTypeCodes is malformed"


def _found(asked: Tree, path: str) -> Json:
    return at(asked, *[int(step) if step.isdigit() else step for step in path.split(".")])


def _is_day(value: Json) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _are_services(value: Json) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(code, str) and _SERVICE.fullmatch(code) for code in value)
    )


def _question(asked: Tree) -> Question:
    dependents = trees(asked, "dependents")
    return Question(
        sender="STEDI",
        receiver="SANDBOXCH",
        group_sender="STEDI",
        group_receiver="SANDBOXCH",
        payer=text(asked, "tradingPartnerServiceId"),
        provider=text(asked, "provider", "organizationName"),
        npi=text(asked, "provider", "npi"),
        member_id=text(asked, "subscriber", "memberId"),
        # What a client calls a patient stays with the gateway; payers hear its own number.
        trace=text(asked, "controlNumber"),
        subscriber=_identity(tree(asked["subscriber"])),
        dependent=_identity(dependents[0]) if dependents else None,
        services=tuple(texts(asked, "encounter", "serviceTypeCodes")) or ("30",),
        service_date=text(asked, "encounter", "dateOfService"),
    )


def _identity(person: Tree) -> Identity:
    return Identity(
        text(person, "lastName"),
        text(person, "firstName"),
        text(person, "dateOfBirth"),
        text(person, "gender"),
    )

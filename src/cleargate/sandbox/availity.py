"""A door to the same payers: Availity's coverages, asked by a form and fetched later.

Source, read on 2026-11-23: Availity's Swagger document "Coverages 1.0.0" and its API guide: tokens
last 300 s and are for a scope, a question gets 202 and a summary with its id, a mistake 400 with
`errors[].field`. What they leave open is decided here: the summary stands in `coverages`, its id in
Location, too; the first look finds the payer still at work, whatever came comes at the second; a
coverage is forgotten with the sandbox.
"""

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from cleargate.nouns.time import Clock
from cleargate.sandbox import availity_answers, medical_network_answers
from cleargate.sandbox.clearinghouse import Ask
from cleargate.sandbox.client_tokens import Client, ClientTokens
from cleargate.sandbox.question import Identity, Question
from cleargate.sandbox.trees import Json, Tree
from cleargate.sandbox.wire import Request, Response, json_response

LIFE = timedelta(seconds=300)
SCOPES = frozenset({"healthcare-hipaa-transactions", "healthcare-hipaa-transactions-standard"})
KEPT_MAX = 5_000
_FORM = "application/x-www-form-urlencoded"
_TOKEN = ("v1", "token")
_COVERAGES = ("availity", "v1", "coverages")
_SHAPES = {
    "payerId": r".{1,80}",
    "providerLastName": r".{1,60}",
    "providerNpi": r"\d{10}",
    "memberId": r".{2,80}",
    "patientLastName": r".{1,60}",
    "patientBirthDate": r"\d{4}-\d\d-\d\d",
    "subscriberRelationship": r"18|01|19|G8",
    "patientFirstName": r".{1,35}",
    "patientGender": r"[MF]",
    "groupNumber": r".{1,50}",
    "asOfDate": r"\d{4}-\d\d-\d\d",
    "serviceType": r"[A-Z0-9]{1,2}",
}
_REQUIRED = tuple(_SHAPES)[:6]
_DAYS = ("patientBirthDate", "asOfDate")
_SELF = "18"
_NAMESPACE = uuid.UUID("a2c1f0de-61b7-5c3e-8f4a-3d9b7e52c610")


@dataclass(slots=True)
class _Kept:
    """A coverage: its summary while the payer is at work, and the answer that it will have."""

    summary: Tree
    answer: Response
    looks: int = 0


class Availity:
    """Grants tokens, takes questions and gives answers. `ask` is the house behind all doors."""

    def __init__(self, ask: Ask, client: Client, clock: Clock) -> None:
        self.tokens = ClientTokens(client, LIFE, clock, SCOPES)
        self._ask = ask
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._asked: Counter[tuple[str, str]] = Counter()

    def handle(self, request: Request) -> Response:
        """Answer one call; the path begins behind the gateway's own."""
        path = request.parts[2:]
        if request.method == "POST" and path == _TOKEN and _is_form(request):
            return self.tokens.grant(dict(request.form))
        if path[:3] == _COVERAGES and (refusal := self.tokens.refusal(request)):
            return refusal
        if request.method == "POST" and path == _COVERAGES:
            return self._take(request)
        if request.method == "GET" and path[:3] == _COVERAGES and len(path) == 4:
            return self._look(path[3])
        return json_response(404, _error(404, "Not Found"))

    def count(self, payer: str, member_id: str) -> int:
        """Count a question about a member; also told of those of an earlier run."""
        self._asked[payer, member_id] += 1
        return self._asked[payer, member_id]

    def _take(self, request: Request) -> Response:
        """Ask the payer at once; tell only that it was asked."""
        if not _is_form(request):
            return json_response(415, _error(415, "Unsupported Media Type"))
        if wrong := [*_mistakes(request)]:
            return _refused(wrong)
        form = dict(request.form)
        number = self.count(form["payerId"], form["memberId"])
        source = f"{form['payerId']}|{form['memberId']}|{number}"
        found = str(uuid.uuid5(_NAMESPACE, source))
        content, payer = self._ask(_question(request, found))
        told = medical_network_answers.translate(content, form["payerId"])
        head = self._head(found, request)
        answer = head | availity_answers.coverage(told)
        whole = medical_network_answers.response(200, answer, content)
        summary: Tree = {**head, "status": "In Progress", "statusCode": "0"}
        self._kept[found] = _Kept(summary, whole)
        while len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        listed: list[Json] = [summary]
        accepted = json_response(202, {"totalCount": 1, "count": 1, "coverages": listed})
        location = (("Location", f"{request.path.rstrip('/')}/{found}"),)
        return Response(202, accepted.body, headers=location, delay_s=payer.latency_ms / 1000)

    def _head(self, found: str, request: Request) -> Tree:
        services: list[Json] = [
            {"code": value} for name, value in request.form if name == "serviceType"
        ]
        now = f"{self._clock.now():%Y-%m-%dT%H:%M:%S}.000+0000"
        return {
            "id": found,
            "customerId": "000000",
            "controlNumber": str(int(found[:8], 16)),
            "createdDate": now,
            "updatedDate": now,
            "asOfDate": f"{dict(request.form).get('asOfDate', now[:10])}T05:00:00.000+0000",
            "requestedServiceType": services,
            "validationMessages": [],
        }

    def _look(self, found: str) -> Response:
        kept = self._kept.get(found)
        if kept is None:
            return json_response(404, _error(404, "Not Found"))
        kept.looks += 1
        return json_response(202, kept.summary) if kept.looks == 1 else kept.answer


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0] == _FORM


def _mistakes(request: Request) -> Iterator[tuple[str, str]]:
    """What is wrong, by the names of fields."""
    form = dict(request.form)
    for name in _REQUIRED:
        if not form.get(name):
            yield name, "is required"
    for name, value in request.form:
        shape = _SHAPES.get(name)
        if value and shape is not None and not re.fullmatch(shape, value):
            yield name, "is malformed"
        elif value and name in _DAYS and not _is_day(value):
            yield name, "is no date"


def _is_day(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def _question(request: Request, found: str) -> Question:
    form = dict(request.form)
    patient = Identity(
        form["patientLastName"],
        form.get("patientFirstName", ""),
        form["patientBirthDate"].replace("-", ""),
        form.get("patientGender", ""),
    )
    is_holder = form.get("subscriberRelationship", _SELF) == _SELF
    services = tuple(value for name, value in request.form if name == "serviceType")
    return Question(
        sender="AVAILITY",
        receiver="SANDBOXCH",
        group_sender="AVAILITY",
        group_receiver="SANDBOXCH",
        payer=form["payerId"],
        provider=form.get("providerLastName", ""),
        npi=form["providerNpi"],
        member_id=form["memberId"],
        trace=found.replace("-", "")[:30],
        subscriber=patient if is_holder else Identity(),
        dependent=None if is_holder else patient,
        services=services or ("30",),
        service_date=form.get("asOfDate", "").replace("-", ""),
    )


def _refused(wrong: list[tuple[str, str]]) -> Response:
    errors: list[Json] = [
        {"field": field, "errorMessage": f"{field} {what}"} for field, what in wrong
    ]
    return json_response(400, _error(400, "Invalid request") | {"errors": errors})


def _error(status: int, words: str) -> Tree:
    return {"userMessage": words, "developerMessage": words, "reasonCode": 0, "statusCode": status}

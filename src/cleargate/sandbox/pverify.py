"""A door to the same payers as pVerify has it: JSON, a token, answers that may come later.

Source, read on 2026-11-23: pVerify's API reference (postman.pverify.com). HTTP says 200 to every
question that is understood, and `APIResponseCode` what became of it. One payer is asked by
telephone: its answers are pending, and come when they are fetched for the third time. What the
reference leaves open is decided here: a wrong client or token gets 401 as ASP.NET writes it, a
body that is no JSON object 400, and what is missing in a question is rejected by name.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from cleargate.nouns.time import Clock
from cleargate.sandbox import pverify_answers
from cleargate.sandbox.clearinghouse import Ask
from cleargate.sandbox.client_tokens import Client, ClientTokens
from cleargate.sandbox.question import Identity, Question
from cleargate.sandbox.trees import Json, Tree, at, text, tree, whole
from cleargate.sandbox.wire import Request, Response, json_response

BY_TELEPHONE = frozenset({"37308"})
"""Payers without EDI."""
POLLS = 2
"""So often the answer of such a payer is still pending when it is fetched."""
EMPTY = "EMPTY"
"""A location whose account has no funds."""
LIFE = timedelta(minutes=15)
_FIRST_ID = 70_000_001
_HEADER = "Client-API-Id"
_REQUIRED = (
    ("payerCode",),
    ("provider", "lastName"),
    ("provider", "npi"),
    ("subscriber", "memberId"),
    ("isSubscriberPatient",),
    ("doS_StartDate",),
    ("doS_EndDate",),
    ("location",),
)
_SELF = (("subscriber", "firstName"), ("subscriber", "lastName"), ("subscriber", "dob"))
_OTHER = (
    ("dependent", "patient", "firstName"),
    ("dependent", "patient", "lastName"),
    ("dependent", "patient", "dob"),
)
_DAYS = (
    ("doS_StartDate",),
    ("doS_EndDate",),
    ("subscriber", "dob"),
    ("dependent", "patient", "dob"),
)
_US = re.compile(r"(\d\d)/(\d\d)/(\d{4})")

Keep = Callable[[int, str, int], None]
"""Writes down an answer that can be fetched: its id, its body, how often it is still pending."""


class Pverify:
    """Answers questions in JSON. `ask` is the clearinghouse behind all doors."""

    def __init__(self, ask: Ask, keep: Keep, client: Client, clock: Clock) -> None:
        self.tokens = ClientTokens(client, LIFE, clock)
        self._ask = ask
        self._keep = keep
        self._kept: dict[int, str] = {}
        self._pending: dict[int, int] = {}

    def restore(self, request_id: int, body: str, pending: int) -> None:
        """Take up an answer of an earlier run."""
        self._kept[request_id] = body
        self._pending[request_id] = pending

    def handle(self, request: Request) -> Response:
        """Answer one call below this door."""
        match request.method, *request.parts[2:]:
            case "POST", "Token":
                return self._grant(request)
            case "POST", "API", "EligibilitySummary":
                return self._refused(request) or self._question(request)
            case "GET", "API", "GetEligibilitySummary", number:
                return self._refused(request) or self._fetch(number)
            case _:
                return json_response(404, {"Message": "No HTTP resource was found."})

    def _grant(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return json_response(400, {"error": "unsupported_grant_type"})
        return self.tokens.grant({name.lower(): value for name, value in request.form})

    def _refused(self, request: Request) -> Response | None:
        """The 401 of a call without a good token, or without the client's id under its own name."""
        named = dict(request.written).get(_HEADER) == self.tokens.client.id
        if named and self.tokens.refusal(request) is None:
            return None
        message = "Authorization has been denied for this request."
        return json_response(401, {"Message": message})

    def _question(self, request: Request) -> Response:
        asked = request.json
        if not isinstance(asked, dict):
            return json_response(400, {"Message": "The request is invalid."})
        number = _FIRST_ID + len(self._kept)
        wrong = ", ".join([*_mistakes(asked)])
        if wrong:
            return self._own_word(number, "1", "Rejected", f"Missing or invalid: {wrong}")
        if text(asked, "location") == EMPTY:
            return self._own_word(number, "2", "No Funds", "")
        return self._answer(asked, number)

    def _own_word(self, number: int, code: str, message: str, why: str) -> Response:
        told: Tree = {
            "RequestID": number,
            "APIResponseCode": code,
            "APIResponseMessage": message,
            "ProcessedWithError": False,
            "ErrorDescription": why or None,
        }
        self._put(number, json.dumps(told), 0)
        return json_response(200, told)

    def _answer(self, asked: Tree, number: int) -> Response:
        heard = _heard(asked, number)
        content, payer = self._ask(heard)
        late = heard.payer in BY_TELEPHONE
        told = pverify_answers.translate(content, heard.payer, number, by_telephone=late)
        body = json.dumps(told)
        if b"IEA" not in content:
            # The payer's answer broke off; so does this one.
            body = body[: len(body) // 2]
        self._put(number, body, POLLS if late else 0)
        response = self._pending_word(number, "4", "New") if late else _said(body)
        return replace(response, delay_s=payer.latency_ms / 1000)

    def _put(self, number: int, body: str, pending: int) -> None:
        self._keep(number, body, pending)
        self.restore(number, body, pending)

    def _fetch(self, number: str) -> Response:
        known = int(number) if number.isascii() and number.isdigit() else 0
        if known not in self._kept:
            return json_response(
                200,
                {
                    "RequestID": known,
                    "APIResponseCode": "1",
                    "APIResponseMessage": "Rejected",
                    "ErrorDescription": "Request ID not found",
                },
            )
        if self._pending[known]:
            self._pending[known] -= 1
            return self._pending_word(known, "3", "Pending")
        return _said(self._kept[known])

    def _pending_word(self, number: int, code: str, message: str) -> Response:
        told: Tree = {
            "RequestID": number,
            "APIResponseCode": code,
            "APIResponseMessage": message,
            "IsPayerBackOffice": "TRUE",
            "PlanCoverageSummary": None,
            "ServiceDetails": None,
        }
        return json_response(200, told)


def _said(body: str) -> Response:
    return Response(200, body.encode(), "application/json; charset=utf-8")


def _mistakes(asked: Tree) -> Iterator[str]:
    """The members that are missing or wrong, by their path."""
    is_self = text(asked, "isSubscriberPatient").lower() != "false"
    for path in (*_REQUIRED, *(_SELF if is_self else _OTHER)):
        if not text(asked, *path):
            yield ".".join(path)
    for path in _DAYS:
        found = at(asked, *path)
        if found is not None and not _is_day(found):
            yield ".".join(path)
    if text(asked, "provider", "npi") and not re.fullmatch(
        r"\d{10}", text(asked, "provider", "npi")
    ):
        yield "provider.npi"


def _is_day(value: Json) -> bool:
    match = _US.fullmatch(value) if isinstance(value, str) else None
    try:
        return match is not None and bool(date(int(match[3]), int(match[1]), int(match[2])))
    except ValueError:
        return False


def _heard(asked: Tree, number: int) -> Question:
    is_self = text(asked, "isSubscriberPatient").lower() != "false"
    return Question(
        sender="PVERIFY",
        receiver="SANDBOXCH",
        group_sender="PVERIFY",
        group_receiver="SANDBOXCH",
        payer=text(asked, "payerCode"),
        provider=text(asked, "provider", "lastName"),
        npi=text(asked, "provider", "npi"),
        member_id=text(asked, "subscriber", "memberId"),
        # What a client calls a question stays with pVerify; payers hear its own number.
        trace=str(number),
        subscriber=_identity(tree(asked.get("subscriber"))),
        dependent=None if is_self else _identity(tree(at(asked, "dependent", "patient"))),
        # A kind of practice is asked about; here that is physical therapy, whatever its code.
        services=("30", "PT", "AE"),
        service_date=_x12(text(asked, "doS_StartDate")),
    )


def _identity(person: Tree) -> Identity:
    sex = text(person, "gender")[:1].upper()
    return Identity(
        text(person, "lastName"), text(person, "firstName"), _x12(text(person, "dob")), sex
    )


def _x12(day: str) -> str:
    return _US.sub(r"\3\1\2", day)


def restored(entry: Tree) -> tuple[int, str, int]:
    """What a line of the journal says about an answer."""
    return whole(entry, "id"), text(entry, "body"), whole(entry, "pending")

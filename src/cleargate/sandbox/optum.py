"""A door to the same payers: Optum's gateway, with a token before every question.

Source, read on 2026-11-23: Optum's OpenAPI specifications "Medical Network Eligibility v3" and
"Security and Authorization v2", and its pages "Eligibility Error Messages" and "Try Our APIs":
tokens are asked for in JSON and last an hour, `controlNumber` (nine digits) and `subscriber` are
required, mistakes stand in `errors[].field`. What they leave open is decided here: a mistake comes
with 400, a payer's AAA with 200 (the specification knows no other status), no token with 401.
"""

import uuid
from dataclasses import replace
from datetime import timedelta

from cleargate.nouns.time import Clock
from cleargate.sandbox import medical_network, medical_network_answers
from cleargate.sandbox.clearinghouse import Ask
from cleargate.sandbox.client_tokens import Client, ClientTokens
from cleargate.sandbox.trees import Json, Tree, text
from cleargate.sandbox.wire import Request, Response, json_response

LIFE = timedelta(hours=1)
_TOKEN = ("apip", "auth", "v2", "token")
_ELIGIBILITY = ("medicalnetwork", "eligibility", "v3")
_REQUIRED = ("controlNumber", "tradingPartnerServiceId", "provider", "subscriber")
_SHAPES = {
    **medical_network.SHAPES,
    "controlNumber": r"\d{9}",
    "subscriber.memberId": r"[A-Za-z0-9-]{2,80}",
    "submitterTransactionIdentifier": r".{1,50}",
}
_NAMESPACE = uuid.UUID("5f1c0a7e-94d3-5b8a-a2d6-7e3b1c9f4d20")


class Optum:
    """Grants tokens and answers questions. `ask` is the clearinghouse behind all doors."""

    def __init__(self, ask: Ask, client: Client, clock: Clock) -> None:
        self.tokens = ClientTokens(client, LIFE, clock)
        self._ask = ask

    def handle(self, request: Request) -> Response:
        """Answer one call; the path begins behind the gateway's own."""
        path = request.parts[2:]
        if request.method != "POST" or path not in (_TOKEN, _ELIGIBILITY):
            return json_response(404, {"error": "not_found"})
        if path == _ELIGIBILITY and (refusal := self.tokens.refusal(request)):
            return refusal
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return json_response(415, {"error": "unsupported_media_type"})
        asked = request.json
        if not isinstance(asked, dict):
            return _refused([("body", "must be a JSON object")])
        return self.tokens.grant(asked) if path == _TOKEN else self._answer(asked)

    def _answer(self, asked: Tree) -> Response:
        if wrong := [*medical_network.mistakes(asked, _REQUIRED, _SHAPES)]:
            return _refused(wrong)
        content, payer = self._ask(medical_network.question(asked, "OPTUM"))
        response = medical_network_answers.response(200, translate(content, asked), content)
        return replace(response, delay_s=payer.latency_ms / 1000)


def translate(content: bytes, asked: Tree) -> Tree:
    """A payer's 271 as Optum tells it."""
    control = text(asked, "controlNumber")
    told = medical_network_answers.translate(content, text(asked, "tradingPartnerServiceId"))
    return {
        "meta": {
            "senderId": "SANDBOXCH",
            "submitterId": "000000",
            "applicationMode": "sandbox",
            "traceId": str(uuid.uuid5(_NAMESPACE, f"{control}|{told['x12']}")),
            "outboundTraceId": text(asked, "submitterTransactionIdentifier"),
        },
        "controlNumber": control,
        "reassociationKey": control,
        **told,
    }


def _refused(wrong: list[tuple[str, str]]) -> Response:
    errors: list[Json] = [{"field": field, "description": what} for field, what in wrong]
    return json_response(400, {"errors": errors})

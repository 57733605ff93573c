"""A door to the same payers: questions and answers in Stedi's JSON.

Source, read on 2026-11-23: Stedi's API reference and OpenAPI specification (healthcare.json of
github.com/Stedi/openApi): `provider`, `subscriber` and `tradingPartnerServiceId` are required, a
refused question gets 400 with `message`, a wrong key 403. What the specification leaves open is
decided here: an unknown payer's AAA comes with 400, every other AAA with 200.
"""

import uuid
from dataclasses import replace

from cleargate.sandbox import medical_network, medical_network_answers
from cleargate.sandbox.clearinghouse import Ask
from cleargate.sandbox.trees import Tree, text, trees
from cleargate.sandbox.wire import Request, Response, json_response

_REQUIRED = ("tradingPartnerServiceId", "provider", "subscriber")
_SHAPES = {**medical_network.SHAPES, "externalPatientId": r".{1,80}"}
_NAMESPACE = uuid.UUID("0c9d2a54-6a3c-5d0e-8f6c-2b9c1f5a7e11")


class Stedi:
    """Answers questions in JSON. `ask` is the clearinghouse behind all doors."""

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
        if wrong := [*medical_network.mistakes(asked, _REQUIRED, _SHAPES)]:
            return _refused([" ".join(each) for each in wrong])
        content, payer = self._ask(medical_network.question(asked, "STEDI"))
        answer = translate(content, asked)
        unknown = "79" in [text(error, "code") for error in trees(answer, "errors")]
        response = medical_network_answers.response(400 if unknown else 200, answer, content)
        headers = (("x-amzn-requestid", text(answer, "id").removeprefix("ec_")),)
        return replace(response, headers=headers, delay_s=payer.latency_ms / 1000)


def translate(content: bytes, asked: Tree) -> Tree:
    """A payer's 271 as Stedi tells it."""
    control = text(asked, "controlNumber") or "000000001"
    told = medical_network_answers.translate(content, text(asked, "tradingPartnerServiceId"))
    check = uuid.uuid5(_NAMESPACE, f"{control}|{told['x12']}")
    return {
        "id": f"ec_{check}",
        "meta": {
            "applicationMode": "test",
            "traceId": medical_network_answers.submitter_trace(content),
            "senderId": "SANDBOXCH",
            "outboundTraceId": check.hex,
        },
        "controlNumber": control,
        "reassociationKey": control,
        **told,
    }


def _refused(wrong: list[str]) -> Response:
    return json_response(400, {"message": f"Invalid request: {'; '.join(wrong)}"})

"""A door to the same payers: TriZetto's DoInquiry, name/value pairs over SOAP.

After the public answers (see trizetto_envelope.py), oddities included: a date that is none gets
`Success` beside a transmission error, a gender that is none gets `Success` and nothing else, and
what is wrong may be told by its value instead of its name. Decided here: a name that comes twice
is a `SystemError`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from hashlib import blake2b

from cleargate.sandbox import trizetto_answers
from cleargate.sandbox.clearinghouse import Ask
from cleargate.sandbox.envelope import Credentials
from cleargate.sandbox.question import Identity, Question
from cleargate.sandbox.trizetto_envelope import (
    Asked,
    Failure,
    Pairs,
    Refusal,
    open_envelope,
    reply,
)
from cleargate.sandbox.wire import Request, Response

_REQUIRED = (
    "ProviderLastName",
    "NPI",
    "InsuranceNum",
    "InsuredFirstName",
    "InsuredLastName",
    "InsuredDob",
)
_LENGTHS = {
    "InsuredFirstName": 35,
    "InsuredLastName": 60,
    "DependentFirstName": 35,
    "DependentLastName": 60,
    "InsuranceNum": 80,
}
_DAYS = ("InsuredDob", "DependentDob", "DateOfService")
_GENDERS = ("InsuredGender", "DependentGender")
_NOT_SENT = Failure("Transmission Error - Unable to Process Transaction", "Response")
_NO_PAYER = Failure(
    "InvalidPayerId",
    "Invalid Payer Id sent on request - Trizetto Provider Solutions cannot process this request "
    "at this time.",
)


class Trizetto:
    """Answers DoInquiry. `ask` is the clearinghouse behind all doors."""

    def __init__(self, ask: Ask, credentials: Credentials) -> None:
        self.credentials = credentials
        self._ask = ask

    def handle(self, request: Request) -> Response:
        """Answer one SOAP request."""
        try:
            asked = open_envelope(request, self.credentials)
        except Refusal as refusal:
            return refusal.response
        named = {name.lower(): value for name, value in asked.pairs if value}
        if len({name.lower() for name, _ in asked.pairs}) < len(asked.pairs):
            return reply(asked, "SystemError")
        if wrong := tuple(_mistakes(named)):
            return reply(asked, "ValidationFailure", wrong)
        if not all(_is_day(named.get(name.lower(), "20260101")) for name in _DAYS):
            return reply(asked, "Success", (_NOT_SENT,))
        if not all(named.get(name.lower(), "M") in ("M", "F") for name in _GENDERS):
            return reply(asked, "Success")
        return self._answer(asked, _question(named, asked.pairs))

    def _answer(self, asked: Asked, heard: Question) -> Response:
        content, payer = self._ask(heard)
        if not payer.code:
            return reply(asked, "PayerNotSupported", (_NO_PAYER,))
        payload = content.decode("latin-1")
        if asked.response == "Xml":
            payload = trizetto_answers.translate(content)
            if b"IEA" not in content:
                # The payer's answer broke off; so does this one.
                payload = payload[: len(payload) * 3 // 4]
        return replace(reply(asked, "Success", payload=payload), delay_s=payer.latency_ms / 1000)


def _mistakes(named: Mapping[str, str]) -> Iterator[Failure]:
    """What is wrong, in TriZetto's words."""
    if not named:
        yield Failure("Name Value Parameters can not be empty")
        return
    if "gedipayerid" not in named:
        yield Failure("PayerId can not be null", "PayerId can not be null")
        return
    for name in _REQUIRED:
        if name.lower() not in named:
            yield Failure(f"Please enter {name}.", name)
    if not re.fullmatch(r"\d{10}", named.get("npi", "0000000000")):
        yield Failure("The NPI submitted must be 10 numerical digits.", "NPI")
    for name, longest in _LENGTHS.items():
        if len(named.get(name.lower(), "")) > longest:
            yield Failure(f"Invalid {name} Length.", name)
    member_id = named.get("insurancenum", "")
    if named["gedipayerid"] == "CMS" and member_id and not member_id.isalnum():
        yield Failure("Medicare ID must be alpha-numeric.", member_id)


def _is_day(text: str) -> bool:
    try:
        return re.fullmatch(r"\d{8}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _question(named: Mapping[str, str], pairs: Pairs) -> Question:
    # There is no name for a number of the client's own: payers hear the gateway's.
    number = int.from_bytes(blake2b(repr(pairs).encode(), digest_size=8).digest()) % 10**9
    dependent = _identity(named, "dependent")
    return Question(
        sender="TRIZETTO",
        receiver="SANDBOXCH",
        group_sender="TRIZETTO",
        group_receiver="SANDBOXCH",
        payer=named["gedipayerid"],
        provider=named["providerlastname"],
        npi=named["npi"],
        member_id=named["insurancenum"],
        trace=f"{number:09d}",
        subscriber=_identity(named, "insured"),
        dependent=dependent if dependent != Identity() else None,
        services=(named.get("servicetypecode", "30"),),
        service_date=named.get("dateofservice", ""),
    )


def _identity(named: Mapping[str, str], role: str) -> Identity:
    parts = (named.get(f"{role}{part}", "") for part in ("lastname", "firstname", "dob", "gender"))
    return Identity(*parts)

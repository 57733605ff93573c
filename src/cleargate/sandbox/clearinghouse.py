"""The clearinghouse: a question in a CORE envelope, to the payer it names, and its answer back.

The envelope is SOAP or MIME; what is in it, and what becomes of it, is the same.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from cleargate.nouns.ids import npi_is_valid
from cleargate.nouns.time import Clock
from cleargate.sandbox import answers, envelope, question
from cleargate.sandbox.answers import Payer
from cleargate.sandbox.envelope import Asked, Credentials, Refusal
from cleargate.sandbox.lab import Captured
from cleargate.sandbox.members import Finding, Register, State
from cleargate.sandbox.question import Question, Unreadable
from cleargate.sandbox.wire import Request, Response

_UNKNOWN = Payer("", "", "unknown", "none", 0)
_ALWAYS_REJECTED = {
    State.AAA_71: "71",
    State.AAA_72: "72",
    State.AAA_73: "73",
    State.AAA_75: "75",
}

Note = Callable[[str, str, str, str], None]
"""Told of each answered question: payer, member id, trace, answer."""

Ask = Callable[[Question], tuple[bytes, Payer]]
"""Asks a payer, as every door to it does: its 271, and who it is."""


class Wrapping(Protocol):
    """One of the two envelopes: a module that opens and writes it."""

    def open_envelope(self, request: Request, expected: Credentials) -> Asked:
        """Read a request. Raises Refusal with the gateway's answer."""

    def reply(
        self, asked: Asked, payload: bytes, kind: str, deviation: str, now: datetime
    ) -> Response:
        """The answer's envelope; `kind` is 271, 999 or TA1."""


class Clearinghouse:
    """Answers questions about the members that were enrolled; captured payers know everybody."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        note: Note,
        captured: Mapping[str, Captured] | None = None,
    ) -> None:
        self._captured = captured or {}
        self.register = Register()
        self.credentials = credentials
        self._clock = clock
        self._note = note
        self._asked: Counter[tuple[str, str]] = Counter()

    def handle(self, request: Request, wrapping: Wrapping = envelope) -> Response:
        """Answer one question in its envelope."""
        try:
            asked = wrapping.open_envelope(request, self.credentials)
        except Refusal as refusal:
            return refusal.response
        now = self._clock.now()
        try:
            heard = question.read(asked.payload)
        except Unreadable as unreadable:
            refused = _acknowledgement(unreadable, f"{now:%y%m%d}", f"{now:%H%M}")
            return wrapping.reply(asked, refused, unreadable.acknowledgement, "none", now)
        content, payer = self.ask(heard)
        response = wrapping.reply(asked, content, "271", payer.deviation, now)
        return replace(response, delay_s=payer.latency_ms / 1000)

    def ask(self, heard: Question) -> tuple[bytes, Payer]:
        """Ask the payer, whichever door the question came through: its 271, written down."""
        captured = self._captured.get(heard.payer)
        if captured is not None:
            payer = captured.payer
            content, answer = self._recall(heard, captured)
        else:
            payer = answers.payers().get(heard.payer, _UNKNOWN)
            content, answer = self._answer(heard, payer)
        self._note(heard.payer, heard.member_id, heard.trace, answer)
        self.count(heard.payer, heard.member_id)
        return content, payer

    def count(self, payer: str, member_id: str) -> None:
        """Count a question about a member; also told of those of an earlier run."""
        self._asked[payer, member_id.upper()] += 1

    def _answer(self, heard: Question, payer: Payer) -> tuple[bytes, str]:
        """The 271, and a word for the ledger."""
        values = answers.values(heard, self._clock.now())
        finding = self.register.find(heard)
        level, code = self._reject(heard, payer, finding)
        if code:
            return answers.rejection(payer.shape, level, code, values), f"aaa_{code}"
        member = finding.member
        assert member is not None  # noqa: S101  (no reject without one)
        patient = finding.patient
        if member.state is State.WRONG_PATIENT:
            patient = self.register.stranger(member)
            values["member"] = "X" + member.member_id[::-1]
        values |= answers.member_values(finding, patient)
        content = answers.benefits(payer.shape, member.state, finding, values)
        if member.state is State.TRUNCATED:
            content = content[: len(content) // 2]
        return content, member.state

    def _recall(self, heard: Question, captured: Captured) -> tuple[bytes, str]:
        """What a captured payer said once, about whoever is asked for now."""
        now = self._clock.now()
        values = answers.values(heard, now)
        if not npi_is_valid(heard.npi):
            return answers.rejection("unknown", "provider", "43", values), "aaa_43"
        values |= answers.person_values("sub_", heard.subscriber)
        return captured.fill(values, heard.on(now.date())), "captured"

    def _reject(self, heard: Question, payer: Payer, finding: Finding) -> tuple[str, str]:
        """Who rejects, and with which code; no code when nobody does."""
        if payer is _UNKNOWN:
            return "payer", "79"
        if not npi_is_valid(heard.npi):
            return "provider", "43"
        member = finding.member
        if member is not None and member.state in _ALWAYS_REJECTED:
            return "member", _ALWAYS_REJECTED[member.state]
        if finding.reject or member is None:
            return "member", finding.reject or "75"
        asked = self._asked[member.payer, member.member_id.upper()]
        down = member.state is State.AAA_42_ALWAYS or (
            member.state is State.AAA_42_THEN_ACTIVE and asked < member.tries
        )
        return "payer", "42" if down else ""


def _acknowledgement(unreadable: Unreadable, day: str, time: str) -> bytes:
    """A TA1 or a 999 that refuses a question; it names the segment, never a value."""
    isa = (
        f"ISA*00*          *00*          *ZZ*SANDBOXCH      *ZZ*SENDER         *{day}*{time}*^"
        "*00501*000000001*0*T*:~"
    )
    if unreadable.acknowledgement == "TA1":
        return f"{isa}TA1*000000000*{day}*{time}*R*024~IEA*0*000000001~".encode()
    return (
        f"{isa}GS*FA*SANDBOXCH*SENDER*20{day}*{time}*1*X*005010X231A1~ST*999*0001*005010X231A1~"
        "AK1*HS*1*005010X279A1~AK2*270*0001*005010X279A1~"
        f"IK3*{unreadable.place}*1**8~IK5*R*5~AK9*R*1*1*0~SE*7*0001~GE*1*1~IEA*1*000000001~"
    ).encode()

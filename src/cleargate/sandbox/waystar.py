"""A door to the same payers: Waystar's gateway, a 270 in a form and a 271 back.

Source, read on 2026-11-23: the profile of Waystar's portal in github.com/api-evangelist/waystar,
and a practice's note on ten thousand of its files: the delimiters `|`, `^` and `}`, the sender
ZIRMED. Errors are pages with HTTP 200, whatever was asked for, and so is every answer that is not
asked for as `271`.
"""

from dataclasses import replace
from html import escape

from cleargate.sandbox import question
from cleargate.sandbox.clearinghouse import Ask
from cleargate.sandbox.envelope import Credentials
from cleargate.sandbox.question import Question, Segment, Unreadable, at
from cleargate.sandbox.wire import Request, Response

RECEIVER = "ZIRMED"
ELEMENT, COMPONENT, REPETITION, TERMINATOR = "|", "^", "}", "~"
_EB03, _EB13 = 3, 13
_ISA06, _ISA11, _ISA16, _GS02 = 6, 11, 16, 2


class Waystar:
    """Answers forms. `ask` is the clearinghouse behind all doors."""

    def __init__(self, ask: Ask, credentials: Credentials) -> None:
        self.credentials = credentials
        self._ask = ask

    def handle(self, request: Request) -> Response:
        """Answer one form."""
        fields = dict(request.form)
        if Credentials(fields.get("UserID", ""), fields.get("Password", "")) != self.credentials:
            return _page("Authentication Failure")
        try:
            heard = question.read(fields.get("Data", "").encode("latin-1", "replace"))
        except Unreadable:
            heard = Question()
        if heard.receiver != RECEIVER or fields.get("DataFormat", "X12") != "X12":
            return _page("'Data' is not valid. Please review the X12/Simple File and resubmit")
        content, payer = self._ask(heard)
        if not payer.code:
            return _page(f"Payer {heard.payer} ({heard.payer}) is not setup for eligibility.")
        delay_s = payer.latency_ms / 1000
        if fields.get("ResponseType") != "271":
            return replace(_page("Eligibility response"), delay_s=delay_s)
        return Response(200, rewritten(content), "text/plain; charset=utf-8", delay_s=delay_s)


def rewritten(content: bytes) -> bytes:
    """A payer's 271 with Waystar's delimiters and sender; one that breaks off stays so."""
    told = content.decode("latin-1")
    element, repetition, component, terminator = told[3], told[82], told[104], told[105]
    *lines, rest = told.split(terminator)
    segments = [line.strip("\r\n").split(element) for line in lines if line.strip()]
    for segment in segments:
        _rewrite(segment, repetition, component)
    text = "".join(ELEMENT.join(segment) + TERMINATOR for segment in segments)
    # What stands behind the last terminator is half a segment, or a line end.
    return (text + rest.strip("\r\n").replace(element, ELEMENT)).encode("latin-1")


def _rewrite(segment: Segment, repetition: str, component: str) -> None:
    match segment[0]:
        case "ISA":
            segment[_ISA06] = RECEIVER.ljust(15)
            # A letter there is no delimiter: 4010 has none for repetitions.
            if not segment[_ISA11].isalnum():
                segment[_ISA11] = REPETITION
            segment[_ISA16] = COMPONENT
        case "GS":
            segment[_GS02] = RECEIVER
        case "EB":
            if at(segment, _EB03):
                segment[_EB03] = segment[_EB03].replace(repetition, REPETITION)
            if at(segment, _EB13):
                segment[_EB13] = segment[_EB13].replace(component, COMPONENT)


def _page(words: str) -> Response:
    body = (
        f"<html><head><title>Eligibility</title></head><body><p>{escape(words)}</p></body></html>"
    )
    return Response(200, body.encode(), "text/html; charset=utf-8")

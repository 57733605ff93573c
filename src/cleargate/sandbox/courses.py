"""From a fault to what happens on the wire."""

from dataclasses import replace

from cleargate.sandbox.faults import Drawn, Fault
from cleargate.sandbox.wire import Course, Ending, Response, json_response

_HTML = (
    b"<!DOCTYPE html><html><head><title>Service temporarily limited</title></head>"
    b"<body><h1>We'll be right back</h1><p>Reference 18.2f4c1b73</p></body></html>"
)
_STATUS = {
    Fault.UNAUTHORIZED: Response(
        401, b"{}", headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    ),
    Fault.CONFLICT: json_response(409, {"resourceType": "OperationOutcome", "issue": []}),
    Fault.PRECONDITION: json_response(412, {"resourceType": "OperationOutcome", "issue": []}),
    Fault.TOO_MANY: Response(429, b"{}", headers=(("Retry-After", "1"),)),
    Fault.UNAVAILABLE: Response(503, b"upstream unavailable", "text/plain"),
    Fault.HTML_200: Response(200, _HTML, "text/html; charset=utf-8"),
}


def course(drawn: Drawn) -> Course:
    """How a call with this fate goes on the wire."""
    late = drawn.delay_ms / 1000
    fault = drawn.fault
    if fault is None or fault is Fault.DELAY:
        return Course(delay_s=late)
    if fault in _STATUS:
        return Course(delay_s=late, commit=False, instead=_STATUS[fault])
    return {
        Fault.HANG: Course(late, commit=False, ending=Ending.HANG),
        Fault.RESET_BEFORE: Course(late, commit=False, ending=Ending.RESET),
        Fault.RESET_AFTER: Course(late, ending=Ending.RESET),
        Fault.LOST_REPLY: Course(late, ending=Ending.CLOSE),
        Fault.TRUNCATED_BODY: Course(late, ending=Ending.CUT),
        Fault.MALFORMED: Course(late, spoil=_shorten),
        # A server that worked, and then failed to tell: the commonest lie of a 500.
        Fault.SERVER_ERROR: Course(late, instead=Response(500, b"internal error", "text/plain")),
        Fault.TRUNCATED_271: Course(late, spoil=_break_off),
    }[fault]


def _shorten(response: Response) -> Response:
    return replace(response, body=response.body[: len(response.body) * 2 // 3])


def _break_off(response: Response) -> Response:
    """Keep the envelope, lose the second half of the X12 in it, or of TriZetto's XML."""
    body = response.body
    start = body.find(b"ISA")
    end = body.find(b"IEA", start) + len("IEA*1*000000000") + 1
    middle = start + (end - start) // 2
    if start < 0 or body.find(b"IEA", start) < 0:
        start, end = body.find(b"<ResponseAsXml>"), body.find(b"</ResponseAsXml>")
        middle = body.rfind(b"&lt;", start, start + (end - start) // 2)
    if start < 0 or middle < 0:
        return response
    return replace(response, body=body[:middle] + body[end:])

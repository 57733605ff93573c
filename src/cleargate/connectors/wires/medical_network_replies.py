"""What a Medical Network gateway's reply to a question means, whoever the gateway is.

An answer is paid for, so nothing of it is thrown away: a JSON object comes back as JSON, its bytes
untouched, and any other success whole as TEXT.
"""

from collections.abc import Callable

from cleargate.connectors.wires.answers import Members, document, whole_text
from cleargate.connectors.wires.http import Http, Reply
from cleargate.connectors.wires.medical_network import is_answer, refusal
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from cleargate.nouns.errors import ErrorKind

_OK, _BAD_REQUEST, _FORBIDDEN = 200, 400, 403


def answer_of(http: Http, reply: Reply, own_id: Callable[[Members], str]) -> RawAnswer:
    """The answer, or PortError. `own_id` finds the gateway's id of the check in its body."""
    body = document(reply.content)
    is_no = reply.status == _BAD_REQUEST and body is not None and is_answer(body)
    if body is not None and (reply.status == _OK or is_no):
        return RawAnswer(reply.content, ContentKind.JSON, reply.request_id or own_id(body))
    if reply.status == _OK:
        return whole_text(http, reply)
    if reply.status == _FORBIDDEN and body is None:
        # The gateway itself says no in JSON. Anything else comes from the firewall before it, which
        # blocks one question by its words or an address for a while. Nothing was asked, and the
        # credentials are good: one patient's odd name must not stop the whole connection.
        raise http.failure(reply, write=True, kind=ErrorKind.RETRYABLE, code="firewall")
    code, fields = refusal(body)
    raise http.failure(reply, write=True, code=code, fields=fields)

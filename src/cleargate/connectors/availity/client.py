"""The Clearinghouse port over Availity's coverages, and what this vendor's failures mean."""

from cleargate.connectors.availity.mapping import (
    NEEDS,
    coverage_id,
    is_id,
    is_running,
    looks_like_json,
    refusal,
    request,
    token_request,
)
from cleargate.connectors.availity.settings import COVERAGES, TOKEN, AvailitySettings
from cleargate.connectors.wires.answers import document
from cleargate.connectors.wires.client import TokenClient
from cleargate.connectors.wires.deadline import deadline
from cleargate.connectors.wires.http import Reply
from cleargate.connectors.wires.oauth import FORM, ask_token
from cleargate.connectors.wires.questions import question_refused
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import ASK, POLL
from cleargate.ports import Token

_OK, _ACCEPTED, _NOT_FOUND = 200, 202, 404

POLL_AFTER_S = 3.0
"""Availity tells no Retry-After; public clients poll every two seconds."""
_MOCK = "x-api-mock-response"
"""The header of an answer that was canned."""


class AvailityClearinghouse(TokenClient[AvailitySettings]):
    """Clearinghouse over Availity's coverages: always Pending first, then polled.

    The token of what is pending is Availity's own id. Polling is free: what cannot be read is
    polled again, unless it begins as an answer does; then it is kept whole as TEXT.
    """

    needs = NEEDS

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:  # noqa: ARG002
        """Ask one payer. Availity has no field for the Ref."""
        try:
            asked = request(inquiry)
        except Refused as refused:
            raise question_refused(self.connection, refused) from refused
        reply = self._call(ASK, "POST", COVERAGES, write=True, content=asked)
        body = document(reply.content)
        if reply.status not in (_OK, _ACCEPTED):
            code, fields = refusal(body)
            raise self._http.failure(reply, write=True, code=code, fields=fields)
        found = coverage_id(body, reply.headers.get("location", ""))
        if not found:
            raise self._http.unreadable(reply, write=True)
        # What is known already is fetched like everything else: if that fails, nothing is asked
        # again.
        return Pending(found, 0.0 if reply.status == _OK else POLL_AFTER_S)

    def poll(self, token: str) -> RawAnswer | Pending:
        """Fetch the answer to a question, or hear that it is not there yet."""
        if not is_id(token):
            raise PortError(ErrorKind.REJECTED, self.connection, vendor_code="poll_token")
        reply = self._call(POLL, "GET", f"{COVERAGES}/{token}", write=False)
        body = document(reply.content)
        if reply.status == _ACCEPTED:
            return Pending(token, POLL_AFTER_S)
        if reply.status == _NOT_FOUND:
            # It was asked, and may have been answered and paid for; Availity forgets after a day.
            raise self._http.failure(
                reply, write=True, kind=ErrorKind.AMBIGUOUS, code="answer_gone"
            )
        if reply.status != _OK:
            code, fields = refusal(body)
            raise self._http.failure(reply, write=False, code=code, fields=fields)
        if body is None and looks_like_json(reply.content):
            return RawAnswer(reply.content, ContentKind.TEXT, token)
        if body is None:
            raise self._http.unreadable(reply, write=False)
        if is_running(body):
            return Pending(token, POLL_AFTER_S)
        return RawAnswer(reply.content, ContentKind.JSON, token)

    def _call(
        self, operation: str, method: str, path: str, *, write: bool, content: bytes = b""
    ) -> Reply:
        headers = {"Accept": "application/json"} | ({"Content-Type": FORM} if content else {})
        with deadline(self.deadline_s):
            reply = self._authorised.call(
                method,
                self._settings.base_url + path,
                operation=operation,
                write=write,
                headers=headers,
                content=content,
            )
        canned = reply.headers.get(_MOCK, "").lower() == "true"
        if canned and self._settings.environment == "live":
            # Nobody was asked. A practice that believes to be live must not read made-up answers.
            raise self._http.failure(reply, write=write, kind=ErrorKind.AUTH, code="demo_answer")
        return reply

    def _mint(self) -> Token:
        asked = token_request(self._settings.client_id, self._secret, self._settings.token_scope)
        return ask_token(self._http, self._settings.base_url + TOKEN, FORM, asked, self._clock)

"""The Clearinghouse port over pVerify's JSON, and what this vendor's failures mean."""

from cleargate.connectors.pverify.mapping import (
    NEEDS,
    NO_FUNDS,
    PENDING,
    is_request_id,
    refused_fields,
    request,
    request_id,
    response_code,
    token_form,
)
from cleargate.connectors.pverify.settings import PverifySettings
from cleargate.connectors.wires.answers import Members, document, whole_text
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

_JSON = "application/json"


class PverifyClearinghouse(TokenClient[PverifySettings]):
    """Clearinghouse over pVerify's EligibilitySummary; payers without EDI answer later.

    A question that is sent again is billed again, so that none ever is; fetching an answer is
    free. An answer is paid for and nothing of it is thrown away: a JSON object comes back as JSON,
    its bytes untouched, and any other success of a question whole as TEXT. pVerify's own no
    (APIResponseCode 1) is an answer as well. `deadline_s` holds for a call and its token together.
    """

    needs = NEEDS

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The Ref goes along, but does not keep two questions from being two."""
        try:
            asked = request(inquiry, ref, self._settings)
        except Refused as refused:
            raise question_refused(self.connection, refused) from refused
        with deadline(self.deadline_s):
            reply = self._authorised.call(
                "POST",
                f"{self._settings.api_url}/EligibilitySummary",
                operation=ASK,
                write=True,
                headers={"Content-Type": _JSON, "Accept": _JSON},
                content=asked,
            )
        body = self._succeeded(reply, write=True)
        if body is not None:
            return self._answer(reply, body, write=True)
        return whole_text(self._http, reply)

    def poll(self, token: str) -> RawAnswer | Pending:
        """Fetch an answer by the id of its question; free, so whatever fails is tried again."""
        if not is_request_id(token):
            raise PortError(ErrorKind.REJECTED, self.connection, vendor_code="request_id")
        with deadline(self.deadline_s):
            reply = self._authorised.call(
                "GET",
                f"{self._settings.api_url}/GetEligibilitySummary/{token}",
                operation=POLL,
                write=False,
                headers={"Accept": _JSON},
            )
        body = self._succeeded(reply, write=False)
        if body is None:
            raise self._http.unreadable(reply, write=False)
        return self._answer(reply, body, write=False)

    def _succeeded(self, reply: Reply, *, write: bool) -> Members | None:
        """The object of a success, None when it holds none; every other status is a failure."""
        body = document(reply.content)
        if reply.status != 200:
            raise self._http.failure(reply, write=write, fields=refused_fields(body))
        return body

    def _answer(self, reply: Reply, body: Members, *, write: bool) -> RawAnswer | Pending:
        code, number = response_code(body), request_id(body)
        if code == NO_FUNDS:
            # Nothing was asked, nor will be until somebody pays in: the connection stops, and
            # whoever looks after it is told.
            raise self._http.failure(reply, write=write, kind=ErrorKind.AUTH, code="no_funds")
        if code not in PENDING:
            return RawAnswer(reply.content, ContentKind.JSON, reply.request_id or number)
        if not number:
            # Asked, billed, and nothing to fetch the answer with.
            raise self._http.unreadable(reply, write=write)
        return Pending(number, self._settings.poll_after_s)

    def _mint(self) -> Token:
        form = token_form(self._settings, self._secret)
        return ask_token(self._http, self._settings.token_url, FORM, form, self._clock)

"""The Clearinghouse port over Waystar's gateway, and what this vendor's failures mean."""

from cleargate.connectors.waystar.mapping import (
    CONTENT_TYPE,
    is_interchange,
    refuses_sign_in,
    request,
)
from cleargate.connectors.waystar.settings import WaystarSettings
from cleargate.connectors.wires.answers import whole_text
from cleargate.connectors.wires.client import ClearinghouseClient
from cleargate.connectors.wires.http import Reply
from cleargate.connectors.wires.questions import question_refused
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import ASK

_WORDS = (200, 400)
"""Statuses under which a page is Waystar's answer to the question; coverage reads its words."""
_NO_ACCESS = (401, 403)


class WaystarClearinghouse(ClearinghouseClient[WaystarSettings]):
    """Clearinghouse over Waystar's gateway, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: X12 comes back as X12_271 whatever its
    status, and a page that is no refused sign-in whole as TEXT.
    """

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The same Ref gives the same control numbers."""
        try:
            asked = request(inquiry, ref, self._settings, self._secret, self._clock.now())
        except Refused as refused:
            raise question_refused(self.connection, refused) from refused
        reply = self._http.call(
            "POST",
            self._settings.base_url,
            operation=ASK,
            write=True,
            headers={"Content-Type": CONTENT_TYPE},
            content=asked,
        )
        return self._answer(reply)

    def _answer(self, reply: Reply) -> RawAnswer:
        if reply.status in _NO_ACCESS:
            # A 271 may come with it, which then says no more than that.
            raise self._http.failure(reply, write=True)
        if is_interchange(reply.content):
            return RawAnswer(reply.content, ContentKind.X12_271, reply.request_id)
        if reply.status not in _WORDS:
            raise self._http.failure(reply, write=True)
        if refuses_sign_in(reply.content):
            raise self._http.failure(reply, write=True, kind=ErrorKind.AUTH, code="sign_in")
        if reply.content.strip():
            return RawAnswer(reply.content, ContentKind.TEXT, reply.request_id)
        return whole_text(self._http, reply)

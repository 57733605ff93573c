"""The Clearinghouse port over TriZetto's DoInquiry, and what this vendor's failures mean."""

from cleargate.connectors.trizetto.mapping import (
    CONTENT_TYPE,
    NEEDS,
    is_answer,
    kind_of_fault,
    refuses_sign_in,
    request,
)
from cleargate.connectors.trizetto.settings import TrizettoSettings
from cleargate.connectors.wires.answers import whole_text
from cleargate.connectors.wires.client import ClearinghouseClient
from cleargate.connectors.wires.http import Reply
from cleargate.connectors.wires.mime import Unreadable
from cleargate.connectors.wires.questions import question_refused
from cleargate.connectors.wires.soap import fault_code, fault_of, fault_words, parse
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import ASK


class TrizettoClearinghouse(ClearinghouseClient[TrizettoSettings]):
    """Clearinghouse over DoInquiry, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: it comes back as XML with its envelope,
    where the SuccessCode and the failures stand beside the payer's words. Any other success comes
    back whole as TEXT.
    """

    needs = NEEDS

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:  # noqa: ARG002
        """Ask one payer. A question has no place for the Ref: what is asked twice, is two."""
        try:
            asked = request(inquiry, self._settings, self._secret)
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
        try:
            root = parse("text/xml", reply.content).root
        except Unreadable:
            return whole_text(self._http, reply)
        if is_answer(root):
            if refuses_sign_in(root):
                raise self._http.failure(reply, write=True, kind=ErrorKind.AUTH, code="sign_in")
            return RawAnswer(reply.content, ContentKind.XML, reply.request_id)
        if fault := fault_of(root):
            kind = kind_of_fault(fault, fault_words(root))
            raise self._http.failure(reply, write=True, kind=kind, code=fault_code(fault))
        return whole_text(self._http, reply)

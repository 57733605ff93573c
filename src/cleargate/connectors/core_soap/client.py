"""The Clearinghouse port over CAQH CORE 2.2.0, and what this vendor's failures mean."""

from cleargate.connectors.core_soap.mapping import CONTENT_TYPE, read, write
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.wires.answers import whole_text
from cleargate.connectors.wires.client import ClearinghouseClient
from cleargate.connectors.wires.core import error_of, request, uuid_text
from cleargate.connectors.wires.http import Reply
from cleargate.connectors.wires.mime import Unreadable
from cleargate.connectors.wires.questions import question_refused
from cleargate.connectors.wires.soap import Fault, fault_code, fault_kind
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import ASK


class CoreClearinghouse(ClearinghouseClient[CoreSettings]):
    """Clearinghouse over CAQH CORE 2.2.0 SOAP, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: a payload that starts with ISA comes
    back as X12_271, and a success that cannot be read comes back whole as TEXT.
    """

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The same Ref gives the same PayloadID and control numbers."""
        try:
            asked = request(inquiry, ref, self._settings, self._clock.now())
        except Refused as refused:
            raise question_refused(self.connection, refused) from refused
        reply = self._http.call(
            "POST",
            self._settings.base_url,
            operation=ASK,
            write=True,
            headers={"Content-Type": CONTENT_TYPE},
            content=write(asked, username=self._settings.username, password=self._secret),
        )
        return self._answer(reply)

    def _answer(self, reply: Reply) -> RawAnswer:
        try:
            found = read(reply.headers.get("content-type", ""), reply.content)
        except Unreadable:
            return whole_text(self._http, reply)
        if isinstance(found, Fault):
            raise self._http.failure(
                reply, write=True, kind=fault_kind(found), code=fault_code(found)
            )
        if found.holds_x12:
            request_id = reply.request_id or uuid_text(found.payload_id)
            return RawAnswer(found.payload, ContentKind.X12_271, request_id)
        if found.is_error:
            kind, code, fields = error_of(found.error_code)
            raise self._http.failure(reply, write=True, kind=kind, code=code, fields=fields)
        return whole_text(self._http, reply)

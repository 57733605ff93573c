"""The Clearinghouse port over CAQH CORE 2.2.0, and what this vendor's failures mean."""

import httpx2

from cleargate.connectors.core_soap.mapping import error_of, request, uuid_text
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.wires import core
from cleargate.connectors.wires.http import Http, Reply
from cleargate.connectors.wires.questions import refused_fields
from cleargate.connectors.wires.soap import Fault, Unreadable, fault_code, fault_kind
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.time import Clock
from cleargate.ports import RateBudget, SecretStore


class CoreClearinghouse:
    """Clearinghouse over CAQH CORE 2.2.0 SOAP, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: a payload that starts with ISA comes
    back as X12_271, and a success that cannot be read comes back whole as TEXT.
    """

    def __init__(
        self,
        connection: str,
        settings: CoreSettings,
        *,
        secrets: SecretStore,
        budget: RateBudget,
        clock: Clock,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = connection
        self.deadline_s = settings.deadline_s
        self.repeatable = settings.repeatable
        self._settings = settings
        self._clock = clock
        self._password = secrets.get(settings.password)
        self._http = Http(
            connection,
            settings,
            secrets=secrets,
            budget=budget,
            clock=clock,
            transport=transport,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The same Ref gives the same PayloadID and control numbers."""
        try:
            asked = request(inquiry, ref, self._settings, self._clock.now())
        except Refused as refused:
            raise PortError(
                ErrorKind.REJECTED,
                self.connection,
                vendor_code="question_refused",
                fields=refused_fields(refused),
            ) from refused
        reply = self._http.call(
            "POST",
            self._settings.base_url,
            write=True,
            headers={"Content-Type": core.CONTENT_TYPE},
            content=core.write(asked, username=self._settings.username, password=self._password),
        )
        return self._answer(reply)

    def poll(self, token: str) -> RawAnswer | Pending:  # noqa: ARG002
        """UNSUPPORTED: real time has no later."""
        raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="poll")

    def _answer(self, reply: Reply) -> RawAnswer:
        try:
            found = core.read(reply.headers.get("content-type", ""), reply.content)
        except Unreadable:
            return self._text(reply)
        if isinstance(found, Fault):
            raise self._http.failure(
                reply, write=True, kind=fault_kind(found), code=fault_code(found)
            )
        if found.payload.lstrip().startswith(b"ISA"):
            request_id = reply.request_id or uuid_text(found.payload_id)
            return RawAnswer(found.payload, ContentKind.X12_271, request_id)
        if found.error_code not in ("", core.SUCCESS):
            kind, code, fields = error_of(found.error_code)
            raise self._http.failure(reply, write=True, kind=kind, code=code, fields=fields)
        return self._text(reply)

    def _text(self, reply: Reply) -> RawAnswer:
        """A success that cannot be read, whole; a failure by its status."""
        if reply.status != 200:
            raise self._http.failure(reply, write=True)
        if not reply.content.strip():
            raise self._http.unreadable(reply, write=True)
        return RawAnswer(reply.content, ContentKind.TEXT, reply.request_id)

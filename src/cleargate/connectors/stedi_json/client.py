"""The Clearinghouse port over Stedi's JSON, and what this vendor's failures mean."""

import httpx2

from cleargate.connectors.stedi_json.mapping import (
    Members,
    check_id,
    document,
    is_answer,
    refusal,
    request,
)
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.connectors.wires.http import Http, Reply
from cleargate.connectors.wires.questions import refused_fields
from cleargate.nouns.eligibility import ContentKind, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.time import Clock
from cleargate.ports import RateBudget, SecretStore

_OK, _BAD_REQUEST, _FORBIDDEN = 200, 400, 403


class StediClearinghouse:
    """Clearinghouse over Stedi's JSON, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: a JSON object comes back as JSON, its
    bytes untouched, and any other success whole as TEXT.
    """

    def __init__(
        self,
        connection: str,
        settings: StediSettings,
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
        self._http = Http(
            connection,
            settings.model_copy(
                update={
                    "secret_headers": settings.secret_headers | {"Authorization": settings.api_key}
                }
            ),
            secrets=secrets,
            budget=budget,
            clock=clock,
            transport=transport,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The same Ref gives the same control number."""
        try:
            asked = request(inquiry, ref)
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
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            content=asked,
        )
        return self._answer(reply, document(reply.content))

    def poll(self, token: str) -> RawAnswer | Pending:  # noqa: ARG002
        """UNSUPPORTED: real time has no later."""
        raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="poll")

    def _answer(self, reply: Reply, body: Members | None) -> RawAnswer:
        if reply.status == _OK:
            return self._success(reply, body)
        if reply.status == _BAD_REQUEST and body is not None and is_answer(body):
            return RawAnswer(reply.content, ContentKind.JSON, reply.request_id or check_id(body))
        if reply.status == _FORBIDDEN and body is None:
            # Stedi itself says no in JSON. Anything else comes from the firewall before it, which
            # blocks one question by its words or an address for a while. Nothing was asked, and
            # the key is good: one patient's odd name must not stop the whole connection.
            raise self._http.failure(reply, write=True, kind=ErrorKind.RETRYABLE, code="firewall")
        code, fields = refusal(body)
        raise self._http.failure(reply, write=True, code=code, fields=fields)

    def _success(self, reply: Reply, body: Members | None) -> RawAnswer:
        if body is not None:
            return RawAnswer(reply.content, ContentKind.JSON, reply.request_id or check_id(body))
        if not reply.content.strip():
            raise self._http.unreadable(reply, write=True)
        return RawAnswer(reply.content, ContentKind.TEXT, reply.request_id)

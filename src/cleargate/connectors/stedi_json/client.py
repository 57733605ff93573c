"""The Clearinghouse port over Stedi's JSON, and what this vendor's failures mean."""

import httpx2

from cleargate.connectors.stedi_json.mapping import check_id, request
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.connectors.wires.http import Http
from cleargate.connectors.wires.medical_network_replies import answer_of
from cleargate.connectors.wires.questions import question_refused
from cleargate.nouns.eligibility import NO_NEEDS, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.time import Clock
from cleargate.ports import RateBudget, SecretStore


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
        self.needs = NO_NEEDS
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
            raise question_refused(self.connection, refused) from refused
        reply = self._http.call(
            "POST",
            self._settings.base_url,
            write=True,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            content=asked,
        )
        return answer_of(self._http, reply, check_id)

    def poll(self, token: str) -> RawAnswer | Pending:  # noqa: ARG002
        """UNSUPPORTED: real time has no later."""
        raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="poll")

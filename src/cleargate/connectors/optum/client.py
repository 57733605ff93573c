"""The Clearinghouse port over Optum's JSON, and what this vendor's failures mean."""

import httpx2

from cleargate.connectors.optum.mapping import request, token_request, trace_id
from cleargate.connectors.optum.settings import ELIGIBILITY, TOKEN, OptumSettings
from cleargate.connectors.wires.deadline import deadline
from cleargate.connectors.wires.http import Http
from cleargate.connectors.wires.medical_network_replies import answer_of
from cleargate.connectors.wires.oauth import BearerHttp, ask_token
from cleargate.connectors.wires.questions import question_refused
from cleargate.nouns.eligibility import NO_NEEDS, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError, Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.time import Clock
from cleargate.ports import RateBudget, SecretStore, Token, TokenStore

_JSON = "application/json"


class OptumClearinghouse:
    """Clearinghouse over Optum's JSON, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: a JSON object comes back as JSON, its
    bytes untouched, and any other success whole as TEXT. `deadline_s` holds for the question and
    the token before it together.
    """

    def __init__(
        self,
        connection: str,
        settings: OptumSettings,
        *,
        secrets: SecretStore,
        tokens: TokenStore,
        budget: RateBudget,
        clock: Clock,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.connection = connection
        self.deadline_s = settings.deadline_s
        self.repeatable = settings.repeatable
        self.needs = NO_NEEDS
        self._settings = settings
        self._secret = secrets.get(settings.client_secret)
        self._clock = clock
        self._http = Http(
            connection,
            settings,
            secrets=secrets,
            budget=budget,
            clock=clock,
            transport=transport,
        )
        self._authorised = BearerHttp(self._http, self._mint, tokens=tokens, clock=clock)

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The same Ref gives the same control number."""
        try:
            asked = request(inquiry, ref)
        except Refused as refused:
            raise question_refused(self.connection, refused) from refused
        with deadline(self.deadline_s):
            reply = self._authorised.call(
                "POST",
                self._settings.base_url + ELIGIBILITY,
                write=True,
                headers={"Content-Type": _JSON, "Accept": _JSON},
                content=asked,
            )
        return answer_of(self._http, reply, trace_id)

    def poll(self, token: str) -> RawAnswer | Pending:  # noqa: ARG002
        """UNSUPPORTED: real time has no later."""
        raise PortError(ErrorKind.UNSUPPORTED, self.connection, vendor_code="poll")

    def _mint(self) -> Token:
        asked = token_request(self._settings.client_id, self._secret)
        return ask_token(self._http, self._settings.base_url + TOKEN, _JSON, asked, self._clock)

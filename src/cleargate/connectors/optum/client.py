"""The Clearinghouse port over Optum's JSON, and what this vendor's failures mean."""

from cleargate.connectors.optum.mapping import request, token_request, trace_id
from cleargate.connectors.optum.settings import ELIGIBILITY, TOKEN, OptumSettings
from cleargate.connectors.wires.client import TokenClient
from cleargate.connectors.wires.deadline import deadline
from cleargate.connectors.wires.medical_network_replies import answer_of
from cleargate.connectors.wires.oauth import ask_token
from cleargate.connectors.wires.questions import question_refused
from cleargate.nouns.eligibility import Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import ASK
from cleargate.ports import Token

_JSON = "application/json"


class OptumClearinghouse(TokenClient[OptumSettings]):
    """Clearinghouse over Optum's JSON, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: a JSON object comes back as JSON, its
    bytes untouched, and any other success whole as TEXT. `deadline_s` holds for the question and
    the token before it together.
    """

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
                operation=ASK,
                write=True,
                headers={"Content-Type": _JSON, "Accept": _JSON},
                content=asked,
            )
        return answer_of(self._http, reply, trace_id)

    def _mint(self) -> Token:
        asked = token_request(self._settings.client_id, self._secret)
        return ask_token(self._http, self._settings.base_url + TOKEN, _JSON, asked, self._clock)

"""The Clearinghouse port over Stedi's JSON, and what this vendor's failures mean."""

from cleargate.connectors.stedi_json.mapping import check_id, request
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.connectors.wires.client import ClearinghouseClient
from cleargate.connectors.wires.medical_network_replies import answer_of
from cleargate.connectors.wires.questions import question_refused
from cleargate.nouns.eligibility import Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import ASK


class StediClearinghouse(ClearinghouseClient[StediSettings]):
    """Clearinghouse over Stedi's JSON, real time only: never Pending.

    An answer is paid for, so nothing of it is thrown away: a JSON object comes back as JSON, its
    bytes untouched, and any other success whole as TEXT.
    """

    def check_eligibility(self, inquiry: Inquiry, ref: Ref) -> RawAnswer | Pending:
        """Ask one payer. The same Ref gives the same control number."""
        try:
            asked = request(inquiry, ref)
        except Refused as refused:
            raise question_refused(self.connection, refused) from refused
        reply = self._http.call(
            "POST",
            self._settings.base_url,
            operation=ASK,
            write=True,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            content=asked,
        )
        return answer_of(self._http, reply, check_id)

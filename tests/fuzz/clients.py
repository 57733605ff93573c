"""Every clearinghouse's client, before a desk that answers with whatever it is given."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import httpx2
from pydantic import BaseModel

from cleargate.connectors.availity.client import AvailityClearinghouse
from cleargate.connectors.availity.settings import AvailitySettings
from cleargate.connectors.core_mime.client import CoreMimeClearinghouse
from cleargate.connectors.core_mime.settings import CoreMimeSettings
from cleargate.connectors.core_soap.client import CoreClearinghouse
from cleargate.connectors.core_soap.settings import CoreSettings
from cleargate.connectors.optum.client import OptumClearinghouse
from cleargate.connectors.optum.settings import OptumSettings
from cleargate.connectors.pverify.client import PverifyClearinghouse
from cleargate.connectors.pverify.settings import PverifySettings
from cleargate.connectors.stedi_json.client import StediClearinghouse
from cleargate.connectors.stedi_json.settings import StediSettings
from cleargate.connectors.trizetto.client import TrizettoClearinghouse
from cleargate.connectors.trizetto.settings import TrizettoSettings
from cleargate.connectors.waystar.client import WaystarClearinghouse
from cleargate.connectors.waystar.settings import WaystarSettings
from cleargate.nouns.eligibility import Asker, Inquiry
from cleargate.nouns.errors import PortError
from cleargate.ports import Clearinghouse
from tests.house import visit_request
from tests.unit.connectors.parts import Calls, FixedClock, Secrets, Tokens, Unlimited, ref

_REQUEST = visit_request()
_INQUIRY = Inquiry(
    payer_code="60054",
    payer_name="Sample Payer",
    asker=Asker("Sample Clinic", "1234567893"),
    patient=_REQUEST.patient,
    insurance=_REQUEST.insurances[0],
    service_types=("PT", "30"),
    service_date=date(2030, 1, 7),
    trace=ref("ask1").value,
)
_CORE = {"username": "us", "password": "env:KEY", "sender_id": "US", "receiver_id": "THEM"}
_OAUTH = {"client_id": "us", "client_secret": "env:KEY"}
_GRANTED = b'{"access_token": "token", "expires_in": 300}'


class Desk:
    """Answers every question, and every look for an answer, with `content` and `content_type`."""

    content = b""
    content_type = "text/plain"
    status = 200

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """A token where one is asked for; a coverage's place where a question is only taken."""
        if "token" in request.url.path.lower():
            return httpx2.Response(200, content=_GRANTED)
        headers = {"Content-Type": self.content_type, "X-Request-Id": "sample"}
        return httpx2.Response(self.status, content=self.content, headers=headers)


def _made(desk: Desk, client: Any, settings: type[BaseModel], **values: object) -> Clearinghouse:
    known: dict[str, Any] = {"tokens": Tokens()} if "client_id" in values else {}
    made: Clearinghouse = client(
        "desk",
        settings.model_validate({"base_url": "http://127.0.0.1:9", **values}),
        secrets=Secrets({"env:KEY": "secret"}),
        budget=Unlimited(),
        recorder=Calls(),
        clock=FixedClock(),
        transport=httpx2.MockTransport(desk),
        **known,
    )
    return made


DESK = Desk()
CLIENTS = (
    _made(DESK, CoreClearinghouse, CoreSettings, **_CORE),
    _made(DESK, CoreMimeClearinghouse, CoreMimeSettings, **_CORE),
    _made(DESK, StediClearinghouse, StediSettings, api_key="env:KEY"),
    _made(DESK, TrizettoClearinghouse, TrizettoSettings, username="us", password="env:KEY"),
    _made(DESK, WaystarClearinghouse, WaystarSettings, username="us", password="env:KEY"),
    _made(DESK, OptumClearinghouse, OptumSettings, **_OAUTH),
    _made(DESK, AvailityClearinghouse, AvailitySettings, environment="live", **_OAUTH),
    _made(DESK, PverifyClearinghouse, PverifySettings, location="Main Street", **_OAUTH),
)


def refusals(content: bytes, content_type: str, status: int) -> Iterator[PortError]:
    """Let every client ask, and look for an answer; gives the failures that they tell."""
    DESK.content, DESK.content_type, DESK.status = content, content_type, status
    for client in CLIENTS:
        try:
            client.check_eligibility(_INQUIRY, ref("ask1"))
        except PortError as error:
            yield error
        with suppress(PortError):
            client.poll("12345678")

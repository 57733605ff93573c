"""What the practice's settings say about a TriZetto connection."""

from typing import Literal

from pydantic import Field

from cleargate.connectors.wires.client import ClearinghouseSettings

SERVICE = "https://services.gatewayedi.com/eligibility/service.asmx"


class TrizettoSettings(ClearinghouseSettings):
    """One TriZetto account; `base_url` is the whole address that takes the questions.

    `password` is a secret's reference. `response` is the form of the answers: the payer's own 271
    (`RawPayerData`) has everything; `Xml`, TriZetto's words for it, has no element for "in and out
    of network" nor for a place of service. Take `Xml` where TriZetto reaches a payer otherwise
    than in X12. `service_type` is the one service that a question can name: the practice's first,
    unless it says another. `repeatable` says that a question which may have arrived can be asked
    again without a second fee.
    """

    base_url: str = SERVICE
    username: str = Field(min_length=1)
    password: str = Field(min_length=1)
    response: Literal["RawPayerData", "Xml"] = "RawPayerData"
    service_type: str = Field(default="", pattern=r"^[A-Z0-9]{0,2}$")

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.password

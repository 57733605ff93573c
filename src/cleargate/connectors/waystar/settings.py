"""What the practice's settings say about a Waystar connection."""

from typing import Literal

from pydantic import Field

from cleargate.connectors.wires.client import ClearinghouseSettings

GATEWAY = "https://eligibilityapi.zirmed.com/1.0/Rest/Gateway/GatewayAsync.ashx"


class WaystarSettings(ClearinghouseSettings):
    """One Waystar account; `base_url` is the whole address that takes the questions.

    `username` and `password` are those of a user of the RealTime API; `password` is a secret's
    reference. `customer_id` is Waystar's number of the practice, sent where it is set. `sender_id`
    stands in the interchange, the customer id or else the user where it is empty. `repeatable`
    says that a question which may have arrived can be asked again without a second fee. Waystar
    may want the address of this machine on its list.
    """

    base_url: str = GATEWAY
    username: str = Field(min_length=1)
    password: str = Field(min_length=1)
    customer_id: str = ""
    sender_id: str = Field(default="", max_length=15)
    receiver_id: str = Field(default="ZIRMED", min_length=1, max_length=15)
    originator: str = Field(default="9CLEARGATE", min_length=10, max_length=10)
    usage: Literal["P", "T"] = "P"
    repeat_services: bool = False

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.password

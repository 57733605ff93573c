"""What the practice's settings say about a CAQH CORE connection."""

from typing import Literal

from pydantic import Field

from cleargate.connectors.wires.http import HttpSettings


class CoreSettings(HttpSettings):
    """One clearinghouse; `base_url` is the address that takes the envelopes.

    `password` is a secret's reference. `sender_id` and `receiver_id` stand in the envelope and in
    the interchange, unless the interchange has its own. `repeatable` says that a question which
    may have arrived can be asked again without a second fee. `usage` is `T` until the
    clearinghouse has released the connection.
    """

    deadline_s: float = Field(default=110.0, gt=0, le=600)
    username: str = Field(min_length=1)
    password: str = Field(min_length=1)
    sender_id: str = Field(min_length=1)
    receiver_id: str = Field(min_length=1)
    interchange_sender: str = Field(default="", max_length=15)
    interchange_receiver: str = Field(default="", max_length=15)
    originator: str = Field(default="9CLEARGATE", min_length=10, max_length=10)
    usage: Literal["P", "T"] = "T"
    repeat_services: bool = False
    repeatable: bool = False

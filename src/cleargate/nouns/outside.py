"""A call that left this house: to whom, when, and what proves what was said. Never a value."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ASK = "ask"
"""A question to a payer."""

POLL = "poll"
"""The fetching of an answer that was not there at once."""

SEND = "send"
"""The handing over of a mail."""

MINT = "token"
"""What asks for an access token; it tells nothing about anybody."""

DISCOVER = "discover"
"""What asks a server what it can do; it tells nothing about anybody either."""

_OPERATION = re.compile(r"[A-Za-z_]{1,40}(:[A-Za-z]{1,40})?")


class Left(StrEnum):
    """Whether something had left. UNSURE: it may have arrived, and nobody can tell."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class OutsideCall:
    """One exchange with a vendor, whatever became of it.

    `operation` is a fixed name, `ask` or `search:Patient`, never a part of an address.
    `outcome` is the status of the answer or the code of the failure. A digest is the SHA-256, in
    hex, of the body: what was to leave (where there is no body, the path and query, which then
    hold what is told), and as much as came in. `recipients` counts those of a mail.
    """

    connection: str
    operation: str
    host: str
    started: datetime
    duration_ms: int
    outcome: str
    left: Left
    bytes_out: int
    bytes_in: int
    digest_out: str
    digest_in: str
    request_id: str = ""
    recipients: int = 0

    def __post_init__(self) -> None:
        # It goes on the trail: a path with an id in it must not come that far.
        if not _OPERATION.fullmatch(self.operation):
            msg = "an operation is a fixed name"
            raise ValueError(msg)

    @property
    def answered(self) -> bool:
        """Whether an answer came that is a success."""
        return self.left is Left.YES and self.outcome[:1] == "2"

"""Every way in which work fails, and what happens next.

CleargateError
├── Refused           bad input from a person or a file: names the place and the way out
│   └── BadSettings   a setting is wrong: names the file, the key and the line
└── PortError         an outside system failed: its `kind` decides what happens next

Messages carry codes, positions, field names and ids, never a value of a patient.
"""

import re
import traceback
from enum import StrEnum
from types import TracebackType

FRAMES_MAX = 10
KINDS_MAX = 6

_CODE = re.compile(r"[\w.:/+-]{0,80}", re.ASCII)


class ErrorKind(StrEnum):
    """What happens next after an outside call failed (the table in docs/architecture.md)."""

    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    RETRYABLE = "retryable"
    AMBIGUOUS = "ambiguous"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    UNSUPPORTED = "unsupported"


class CleargateError(Exception):
    """The root of the tree; catch it only at an edge."""


class Refused(CleargateError):
    """Bad input. The message is one plain sentence that may be shown to whoever gave it."""


class BadSettings(Refused):
    """A setting is wrong or missing; the message names the file, the key and the line."""


class PortError(CleargateError):
    """An outside system failed.

    `connection` names the connection of the practice's settings, `vendor_code` is the vendor's
    own code or HTTP status, `fields` are names of fields and never their values,
    `retry_after_s` is the wait that the vendor asked for, in seconds. A code that does not look
    like one is `odd_code`: a value, or a byte that no log would take, may hide in it.
    """

    def __init__(
        self,
        kind: ErrorKind,
        connection: str,
        *,
        vendor_code: str = "",
        request_id: str = "",
        fields: tuple[str, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        code = vendor_code if _CODE.fullmatch(vendor_code) else "odd_code"
        super().__init__(f"{connection}: {kind} {code}".rstrip())
        self.kind = kind
        self.connection = connection
        self.vendor_code = code
        self.request_id = request_id
        self.fields = fields
        self.retry_after_s = retry_after_s


def frames(trace: TracebackType | None) -> list[str]:
    """Where an error came from: file and line of its last frames, and no values."""
    found = [
        f"{frame.f_code.co_filename.rpartition('/')[2]}:{number}"
        for frame, number in traceback.walk_tb(trace)
    ]
    return found[-FRAMES_MAX:]


def kinds(error: BaseException) -> list[str]:
    """The types of an error and of what is behind it: causes, and the members of groups."""
    found: list[str] = []
    waiting: list[BaseException] = [error]
    while waiting and len(found) < KINDS_MAX:
        each = waiting.pop(0)
        found.append(type(each).__name__)
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        if behind := each.__cause__ or each.__context__:
            waiting.append(behind)
    return found

"""A case: one piece of work for one patient, and the tries it took."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands. An OPEN case has a running phase, a due phase or a gate."""

    OPEN = "open"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one step. `outcome` is `ok` or the kind of the error; times are UTC."""

    step: str
    connection: str
    started: datetime
    duration_ms: int
    outcome: str
    vendor_code: str = ""
    request_id: str = ""
    ref: str = ""
    next_try: datetime | None = None


class Outcome(StrEnum):
    """Whether a write made something, or found that it had been made before."""

    CREATED = "created"
    EXISTED = "existed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The vendor's proof of a write. `id` and `version` are the vendor's own."""

    id: str
    outcome: Outcome
    version: str = ""
